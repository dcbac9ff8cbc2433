"""Scripts give gcloud `--quiet` wherever it would ask, and so they give it to us."""

import click

from trainshed.cli import trainshed


def commands(group, context, path=()):
    for name in group.list_commands(context):
        found = group.get_command(context, name)
        if isinstance(found, click.Group):
            yield from commands(found, context, (*path, name))
        else:
            yield (*path, name), found


def test_whatever_deletes_takes_quiet_as_gcloud_does():
    removing = {
        " ".join(path): {option for given in command.params for option in given.opts}
        for path, command in commands(trainshed, click.Context(trainshed))
        if path[-1] in {"delete", "rm", "delete-revision"}
    }

    assert len(removing) > 10
    assert {path for path, options in removing.items() if "--quiet" not in options} == set()
