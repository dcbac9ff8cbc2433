"""trainshed apply: converge to what trainshed.yaml declares. The second run changes nothing."""

from pathlib import Path
from typing import Any

import click

from trainshed.cli import session, target
from trainshed.cli.output import format_option_beside_dry_run, project_options, show
from trainshed.errors import InvalidArgument

_DONE = {"create": "created", "update": "updated", "keep": "unchanged"}


@click.command(name="apply")
@click.option(
    "-f", "--file", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), default="trainshed.yaml",
    show_default=True, help="What should be there.",
)  # fmt: skip
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@click.option(
    "--policy",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="With --target gcp --dry-run: what `gcloud projects get-iam-policy PROJECT --format json` wrote; says what is "
    "missing in it, and exits with 1 when something is.",
)
@click.option("--member", default="", help="Who will apply, as user:NAME; default: whose credentials these are.")
@project_options
@format_option_beside_dry_run
def command(
    path: Path, dry_run: bool, policy: Path | None, member: str, project: str | None, region: str | None,
    output_format: str,
) -> int:  # fmt: skip
    """Make buckets, topics, functions, schedules and triggers as a file declares them; nothing is removed."""
    from trainshed.cli.apply_google import GoogleKinds
    from trainshed.cli.apply_kinds import FunctionFailed, Kinds
    from trainshed.cli.apply_plan import Change, read

    settings = session.current_settings()
    wanted = read(_load(path), project=project or settings.project, region=region or settings.region)
    changes: list[Change] = []
    is_quiet = output_format == "json"

    def say(line: str) -> None:
        if not is_quiet:
            click.echo(line)

    chosen = target.current()
    with session.connect() as client:
        kinds = (Kinds if chosen is None else GoogleKinds)(
            client, path.absolute().parent, (lambda _: None) if dry_run else say
        )
        kinds.check(wanted)
        for resource in wanted:
            for change in kinds.look(resource):
                # a rehearsal carries out as well: its client notes the requests and sends none that changes anything
                if change.action != "keep" and (chosen is not None or not dry_run):
                    try:
                        kinds.carry_out(change)
                    except FunctionFailed as error:
                        click.echo(f"ERROR: {error.message}", err=True)
                        return 1
                changes.append(change)
                say(f"would be {change}" if dry_run and change.action != "keep" else str(change))
    document = {"dryRun": dry_run, "changes": [_json(change) for change in changes]}
    if chosen is not None and dry_run:
        if not is_quiet:
            click.echo(_summary(changes, dry_run=dry_run))
        granted = None if policy is None else _policy(policy)
        is_granted = target.show_rehearsal(chosen, output_format, document, policy=granted, member=member)
        return 0 if is_granted else 1
    show(document, output_format, lambda: click.echo(_summary(changes, dry_run=dry_run)))
    return 0


def _policy(path: Path) -> dict[str, Any]:
    found = _load(path)
    entries = found.get("bindings", []) if isinstance(found, dict) else None
    is_read = isinstance(entries, list) and all(
        isinstance(entry, dict) and isinstance(entry.get("members", []), list) for entry in entries
    )
    if not is_read or not isinstance(found, dict):
        hint = "write it with: gcloud projects get-iam-policy PROJECT --format json"
        raise InvalidArgument.field("--policy", f"{path} is no policy of a project; {hint}")
    return found


def _load(path: Path) -> Any:
    import yaml

    try:
        return yaml.safe_load(path.read_text()) or {}
    except yaml.YAMLError as error:
        raise InvalidArgument.field(str(path), f"is not YAML: {str(error).replace(chr(10), ' ')}") from error
    except UnicodeDecodeError as error:
        raise InvalidArgument.field(str(path), "is not UTF-8 text") from error


def _json(change: Any) -> dict[str, Any]:
    resource = change.resource
    document: dict[str, Any] = {"kind": resource.kind, "name": resource.name, "action": change.action}
    return document | ({"differences": list(change.differences)} if change.differences else {})


def _summary(changes: list[Any], *, dry_run: bool) -> str:
    counts = {action: sum(change.action == action for change in changes) for action in _DONE}
    text = ", ".join(f"{count} {_DONE[action]}" for action, count in counts.items())
    return f"{'Nothing was changed. Would be: ' if dry_run else ''}{text}."
