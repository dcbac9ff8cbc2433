"""trainshed receipts: why each event did or did not start something."""

from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, format_option_beside_dry_run, show, table
from trainshed.client import segment

_COLUMNS = ("RECEIPT", "CREATE_TIME", "STATE", "KIND", "TRIGGER", "REASON", "LINK")


@click.group(name="receipts")
def command() -> None:
    """Why each event did or did not start something."""


@command.command(name="list")
@click.option("--trigger", default=None, help="Only of this trigger: a function, schedule, build or run trigger.")
@click.option("--since", default=None, help="Only from this time on, like 2026-01-31T12:00:00Z.")
@click.option("--limit", type=click.IntRange(1), default=50, show_default=True, help="How many at most.")
@format_option
def listing(trigger: str | None, since: str | None, limit: int, output_format: str) -> None:
    """List receipts, newest first."""
    with session.connect() as client:
        query = {"trigger": trigger, "since": since, "pageSize": limit}
        found = client.call("GET", "/trainshed/v1/receipts", query=query)["receipts"]
    show(found, output_format, lambda: table(_COLUMNS, [_row(r) for r in found]))


@command.command()
@click.argument("receipt")
@format_option
def describe(receipt: str, output_format: str) -> None:
    """Show one receipt: the event, each delivery, and what it led to."""
    with session.connect() as client:
        document = client.call("GET", f"/trainshed/v1/receipts/{segment(receipt)}")
    show(document, output_format)


@command.command()
@click.argument("receipt")
@click.option("--dry-run", is_flag=True, help="Only say what would be done.")
@format_option_beside_dry_run
def replay(receipt: str, dry_run: bool, output_format: str) -> None:
    """Send the event of a receipt to its trigger again."""
    with session.connect() as client:
        path = f"/trainshed/v1/receipts/{segment(receipt)}:replay"
        document = client.call("POST", path, {"dryRun": dry_run})
    show(document, output_format, lambda: click.echo(document["done"]))


def _row(receipt: dict[str, Any]) -> tuple[str, ...]:
    short = receipt["trigger"].rsplit("/", 1)[-1]
    link = receipt["link"].split("/", 4)[-1]
    return (
        receipt["receipt"], receipt["createTime"], receipt["state"], receipt["kind"], short, receipt["reason"], link,
    )  # fmt: skip
