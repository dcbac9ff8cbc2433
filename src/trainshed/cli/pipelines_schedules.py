"""trainshed pipelines schedules: what starts runs by the clock. The SDK makes them (`PipelineJob.create_schedule`)."""

from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pipelines_request import parent, short

_HEADINGS = ("ID", "NAME", "CRON", "STATE", "NEXT_RUN", "STARTED")


@click.group()
def schedules() -> None:
    """Look at schedules of runs, pause, resume and delete them."""


@schedules.command(name="list")
@click.option("--filter", "wanted", default="", help="Google's filter, such as 'state=ACTIVE'.")
@project_options
@format_option
def list_schedules(wanted: str, output_format: str, **given: Any) -> None:
    """List schedules of runs, newest first."""
    with session.connect() as client:
        found = list(client.pages(f"/v1/{parent(given)}/schedules", "schedules", query={"filter": wanted or None}))
    show(found, output_format, lambda: table(_HEADINGS, map(_row, found)))


@schedules.command()
@click.argument("schedule")
@project_options
@format_option
def describe(schedule: str, output_format: str, **given: Any) -> None:
    """Show a schedule; `trainshed receipts list --trigger ID` says what became of its due times."""
    with session.connect() as client:
        document = client.call("GET", f"/v1/{_name(schedule, given)}")
    brief = {key: value for key, value in document.items() if key != "createPipelineJobRequest"}
    show(document if output_format == "json" else brief, output_format)


@schedules.command()
@click.argument("schedule")
@project_options
@format_option
def pause(schedule: str, output_format: str, **given: Any) -> None:
    """Start no more runs; those that were started go on."""
    _verb(schedule, "pause", {}, output_format, given)


@schedules.command()
@click.argument("schedule")
@click.option("--catch-up", is_flag=True, help="Start what came due while it was paused as well.")
@project_options
@format_option
def resume(schedule: str, catch_up: bool, output_format: str, **given: Any) -> None:
    """Start runs again."""
    _verb(schedule, "resume", {"catchUp": catch_up}, output_format, given)


@schedules.command()
@click.argument("schedule")
@project_options
@format_option
def delete(schedule: str, output_format: str, **given: Any) -> None:
    """Forget a schedule; its runs and receipts stay."""
    name = _name(schedule, given)
    with session.connect() as client:
        client.call("DELETE", f"/v1/{name}")
    show({"name": name}, output_format, lambda: click.echo(f"Deleted schedule [{short(name)}]."))


def _verb(schedule: str, verb: str, body: dict[str, Any], output_format: str, given: dict[str, Any]) -> None:
    name = _name(schedule, given)
    with session.connect() as client:
        client.call("POST", f"/v1/{name}:{verb}", body)
        document = client.call("GET", f"/v1/{name}")
    show(document, output_format, lambda: click.echo(f"Schedule [{short(name)}] is {document['state']}."))


def _name(schedule: str, given: dict[str, Any]) -> str:
    return schedule if "/" in schedule else f"{parent(given)}/schedules/{schedule}"


def _row(found: dict[str, Any]) -> tuple[str, ...]:
    return (
        short(found["name"]),
        found["displayName"],
        found["cron"],
        found["state"],
        found.get("nextRunTime", ""),
        found.get("startedRunCount", "0"),
    )
