"""trainshed models: what was pushed to serve, what is live, and making an earlier version live again."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, show, table
from trainshed.client import Client
from trainshed.errors import InvalidArgument
from trainshed.names import called, short

_PATH = "/trainshed/v1/models"


@click.group(name="models")
def command() -> None:
    """Say what was pushed to serve, what of it is live; roll back."""


@command.command(name="list")
@format_option
def list_(output_format: str) -> None:
    """List models: every serving directory that something was pushed to."""
    with session.connect() as client:
        found = list(client.pages(_PATH, "models"))
    rows = [(m["displayName"], m["liveVersion"], m["newestVersion"], m["updateTime"], m["directory"]) for m in found]
    show(found, output_format, lambda: table(("MODEL", "LIVE", "NEWEST", "PUSHED", "DIRECTORY"), rows))


@command.command()
@click.argument("model")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="How many versions at most.")
@format_option
def describe(model: str, limit: int, output_format: str) -> None:
    """Show a model's versions with their metrics, newest first: MODEL is its name or its serving directory."""
    with session.connect() as client:
        document = client.call("GET", _path(client, model), query={"pageSize": limit})
    columns = ("VERSION", "LIVE", "PUSHED", "BY", "METRICS", "GATE")
    show(document, output_format, lambda: table(columns, [_row(v) for v in document["versions"]]))


@command.command()
@click.argument("model")
@click.option("--to", "version", required=True, metavar="VERSION", help="The version that is to be live again.")
@click.option("--reason", default="", help="Why; it is kept in the receipt and in lineage.")
@format_option
def rollback(model: str, version: str, reason: str, output_format: str) -> None:
    """Make an earlier version live again: its files, as a new version with the highest number."""
    with session.connect() as client:
        document = client.call("POST", f"{_path(client, model)}:rollback", {"version": version, "reason": reason})
    said = f"Version {version} is live again as {document['version']}: {document['destination']}"
    show(document, output_format, lambda: click.echo(f"{said}\n{_lasts(document.get('pushedBy', ()))}"))


def _lasts(pushing: Sequence[str]) -> str:
    """Say how long a rollback lasts, and what may end it."""
    said = "It is live until the next version is pushed"
    if not pushing:
        return f"{said}; no schedule and no trigger pushed the last ones."
    known = ", ".join(called(name) for name in pushing)
    commands = [f"`trainshed scheduler jobs pause {short(name)}`" for name in pushing if "/jobs/" in name]
    pause = f" To keep it, pause what fires: {', '.join(commands)}." if commands else ""
    return f"{said}, as runs do that were started by {known}.{pause}"


def _path(client: Client, model: str) -> str:
    """Answer where a model is; a name without folders is looked for. Raises InvalidArgument for one of several."""
    key = model.removeprefix("gs://").rstrip("/")
    if "/" not in key:
        found = [m["model"] for m in client.pages(_PATH, "models") if m["displayName"] == key]
        if len(found) > 1:
            raise InvalidArgument.field("model", f"{key!r} is the name of {len(found)} models: {', '.join(found)}")
        key = found[0] if found else key
    return f"{_PATH}/{quote(key)}"


def _row(version: dict[str, Any]) -> tuple[str, ...]:
    metrics = ", ".join(f"{name} {float(value):.4g}" for name, value in version["metrics"].items())
    by = version["run"].rsplit("/", 1)[-1] or (f"rollback to {version['restores']}" if "restores" in version else "")
    live = "live" if version["isLive"] else "" if version["isThere"] else "gone"
    return (version["version"], live, version["createTime"][:19] + "Z", by, metrics, version["verdict"])
