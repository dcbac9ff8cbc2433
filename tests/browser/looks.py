"""What the tests of pages share."""

from axe_playwright_python.sync_playwright import Axe

LOOKS = [("light", 1440), ("dark", 1440), ("light", 390), ("dark", 390)]  # both schemes at two widths


def audit(page):
    """Let axe look for what shuts people out; answer the violations as short sentences."""
    found = Axe().run(page).response["violations"]
    return [
        f"{v['id']}: {v['help']}: " + "; ".join(f"{n['html'][:160]} ({n['target'][0]})" for n in v["nodes"][:3])
        for v in found
    ]
