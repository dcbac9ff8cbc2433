"""What the component imports from its image."""


def greeting(who):
    return f"hello {who}"
