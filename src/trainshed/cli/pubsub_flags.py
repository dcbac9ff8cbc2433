"""What the commands of `trainshed pubsub` have in common: names, durations, labels, and gcloud's way of saying it."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.client import Client
from trainshed.clock import duration

F = TypeVar("F", bound=Callable[..., Any])


def name_of(text: str, collection: str, project: str | None) -> str:
    """Answer the full name of a resource that is given in full or by its last part."""
    return text if text.startswith("projects/") else f"projects/{project_of(project)}/{collection}/{text}"


def project_of(project: str | None) -> str:
    """Answer the project that is given, or that of the settings."""
    return project or session.current_settings().project


def seconds(text: str, flag: str) -> str:
    """Read a duration as gcloud takes it (90, 90s, 10m, 2h, 7d) and write it as JSON does."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        return duration(float(number) * units[unit])
    except ValueError:
        raise click.UsageError(f"{flag}: {text!r} is not a duration; write it like 90s, 10m, 2h or 7d.") from None


def is_moment(text: str) -> bool:
    """Tell whether a text is a time with its zone, as JSON has it."""
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def labels_option(flag: str = "--labels") -> Callable[[F], F]:
    """Add the option by which labels are given."""
    return click.option(flag, multiple=True, metavar="KEY=VALUE,…", help="Labels of the resource.")


def read_labels(given: tuple[str, ...], flag: str = "--labels") -> dict[str, str]:
    """Read KEY=VALUE,KEY=VALUE. Raises UsageError."""
    found: dict[str, str] = {}
    for part in (p for text in given for p in text.split(",") if p):
        key, equals, value = part.partition("=")
        if not equals:
            raise click.UsageError(f"{flag}: {part!r} is not a label; write KEY=VALUE.")
        found[key] = value
    return found


def update(
    client: Client, noun: str, name: str, body: dict[str, Any], flags: dict[str, Any], clearing: dict[str, str]
) -> Any:
    """Change some fields of a resource, those that flags clear, and its labels. Raises UsageError."""
    paths = [*body, *(field for flag, field in clearing.items() if flags[flag])]
    if flags["update_labels"] or flags["remove_labels"] or flags["clear_labels"]:
        current = client.call("GET", f"/v1/{name}").get("labels", {})
        given = (flags["update_labels"], flags["remove_labels"])
        body = {**body, "labels": _changed_labels(current, *given, is_cleared=flags["clear_labels"])}
        paths.append("labels")
    if not paths:
        raise click.UsageError("Nothing to change: give at least one flag.")
    patch = {noun: {"name": name, **body}, "updateMask": ",".join(paths)}
    return client.call("PATCH", f"/v1/{name}", patch)


def _changed_labels(
    current: dict[str, str], updated: tuple[str, ...], removed: tuple[str, ...], *, is_cleared: bool
) -> dict[str, str]:
    """Answer labels after an update by gcloud's three flags."""
    kept = {} if is_cleared else dict(current)
    for key in (k for text in removed for k in text.split(",") if k):
        kept.pop(key, None)
    return kept | read_labels(updated, "--update-labels")


def changing_labels(function: F) -> F:
    """Add the three flags by which gcloud changes labels."""
    function = click.option("--clear-labels", is_flag=True, help="Remove all labels.")(function)
    function = click.option("--remove-labels", multiple=True, metavar="KEY,…", help="Labels to remove.")(function)
    return click.option("--update-labels", multiple=True, metavar="KEY=VALUE,…", help="Labels to add or to change.")(
        function
    )


def definition_options(function: F) -> F:
    """Add the options by which a schema is written."""
    function = click.option(
        "--definition-file", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="A file with it."
    )(function)
    function = click.option("--definition", default=None, help="The definition, as text.")(function)
    kinds = click.Choice(["avro", "protocol-buffer"], case_sensitive=False)
    return click.option("--type", "kind", type=kinds, required=True, help="The language of the definition.")(function)


def read_definition(kind: str, definition: str | None, definition_file: Path | None) -> dict[str, str]:
    """Read a schema without its name. Raises UsageError."""
    if (definition is None) == (definition_file is None):
        raise click.UsageError("Give one of --definition and --definition-file.")
    text = definition if definition_file is None else definition_file.read_text()
    return {"type": kind.upper().replace("-", "_"), "definition": text or ""}


def say(what: str, resources: list[dict[str, Any]]) -> None:
    """Say what was done to resources, as gcloud does."""
    for resource in resources:
        click.echo(f"{what} [{resource['name']}].")


def labels_text(resource: dict[str, Any]) -> str:
    """Write labels for a table."""
    return ",".join(f"{k}={v}" for k, v in resource.get("labels", {}).items())
