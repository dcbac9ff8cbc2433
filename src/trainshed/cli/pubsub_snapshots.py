"""trainshed pubsub snapshots."""

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pubsub_flags import labels_option, labels_text, name_of, project_of, read_labels, say


@click.group()
def snapshots() -> None:
    """Keep what subscriptions had not acknowledged at a time, to go back there."""


@snapshots.command(name="create")
@click.argument("snapshot", nargs=-1, required=True)
@click.option("--subscription", required=True, help="Subscription whose unacknowledged messages are kept.")
@labels_option()
@project_options
@format_option
def create_snapshot(
    snapshot: tuple[str, ...],
    subscription: str,
    labels: tuple[str, ...],
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Make snapshots of a subscription."""
    del region
    body = {"subscription": name_of(subscription, "subscriptions", project), "labels": read_labels(labels)}
    with session.connect() as client:
        made = [client.call("PUT", f"/v1/{name_of(s, 'snapshots', project)}", body) for s in snapshot]
    show(made, output_format, lambda: say("Created snapshot", made))


@snapshots.command(name="list")
@project_options
@format_option
def list_snapshots(project: str | None, region: str | None, output_format: str) -> None:
    """List snapshots."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/projects/{project_of(project)}/snapshots", "snapshots"))
    rows = [(s["name"], s["topic"], s["expireTime"], labels_text(s)) for s in found]
    show(found, output_format, lambda: table(("NAME", "TOPIC", "EXPIRE_TIME", "LABELS"), rows))


@snapshots.command(name="describe")
@click.argument("snapshot")
@project_options
@format_option
def describe_snapshot(snapshot: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a snapshot."""
    del region
    with session.connect() as client:
        show(client.call("GET", f"/v1/{name_of(snapshot, 'snapshots', project)}"), output_format)


@snapshots.command(name="delete")
@click.argument("snapshot", nargs=-1, required=True)
@project_options
@format_option
def delete_snapshot(snapshot: tuple[str, ...], project: str | None, region: str | None, output_format: str) -> None:
    """Remove snapshots."""
    del region
    names = [name_of(s, "snapshots", project) for s in snapshot]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: say("Deleted snapshot", gone))
