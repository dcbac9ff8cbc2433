"""trainshed pipelines triggers: what starts runs without a function."""

from collections.abc import Mapping
from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, quiet_option, show, table
from trainshed.cli.pipelines_request import parameter_options, parameters_of, parent
from trainshed.client import Client, segment
from trainshed.errors import InvalidArgument, NotFound

_STATUS = {True: "DISABLED", False: "ENABLED"}


@click.group()
def triggers() -> None:
    """Start runs by messages of a topic or new objects of a bucket."""


@triggers.command(name="create")
@click.argument("name")
@click.option("--topic", default="", help="Start a run for every message of this topic.")
@click.option("--bucket", default="", help="Start a run for every new object of this bucket.")
@click.option("--spec", required=True, metavar="gs://…", help="The compiled pipeline.")
@click.option(
    "--coalesce", type=click.Choice(["none"]), default="none", show_default=True, help="How bursts are merged."
)
@parameter_options
@project_options
@format_option
def create_trigger(name: str, topic: str, bucket: str, spec: str, output_format: str, **given: Any) -> None:
    """Start a run for each event, without a function; the message body is a JSON object of parameters.

    --parameter and --parameters-file fix values of every run; what an event gives is stronger.
    """
    place = parent(given)
    if topic and "/" not in topic:
        topic = f"projects/{place.split('/')[1]}/topics/{topic}"
    with session.connect() as client:
        is_new = _is_new(client, topic)
        body = {"name": name, "topic": topic, "bucket": bucket, "spec": spec, "parameters": parameters_of(given)}
        document = client.call("POST", f"/trainshed/v1/{place}/runTriggers", body)
    _warn(document, has_new_topic=is_new)
    show(document, output_format)


@triggers.command(name="update")
@click.argument("name")
@click.option("--topic", default="", help="Start a run for every message of this topic instead.")
@click.option("--bucket", default="", help="Start a run for every new object of this bucket instead.")
@click.option("--spec", default="", metavar="gs://…", help="The compiled pipeline.")
@parameter_options
@click.option("--clear-parameters", is_flag=True, help="Fix no values any more.")
@project_options
@format_option
def update_trigger(name: str, topic: str, bucket: str, spec: str, output_format: str, **given: Any) -> None:
    """Change what a run trigger starts, or what starts it; its receipts stay.

    --parameter and --parameters-file give all fixed values anew.
    """
    if topic and "/" not in topic:
        topic = f"projects/{parent(given).split('/')[1]}/topics/{topic}"
    changed: dict[str, Any] = {"topic": topic, "bucket": bucket, "spec": spec, "parameters": parameters_of(given)}
    changed = {key: value for key, value in changed.items() if value}
    if given["clear_parameters"]:
        if "parameters" in changed:
            raise InvalidArgument.field("--clear-parameters", "does not go with other values; give one of both")
        changed["parameters"] = {}
    with session.connect() as client:
        is_new = _is_new(client, topic)
        found = client.call("PATCH", _path(name), changed)
    _warn(found, has_new_topic=is_new)
    show(found, output_format)


@triggers.command(name="list")
@format_option
def list_triggers(output_format: str) -> None:
    """List run triggers."""
    with session.connect() as client:
        found = client.call("GET", "/trainshed/v1/runTriggers")["triggers"]
    rows = [(t["name"], t["bucket"] or t["topic"], t["spec"], _STATUS[t["disabled"]]) for t in found]
    show(found, output_format, lambda: table(("NAME", "SOURCE", "SPEC", "STATUS"), rows))


@triggers.command(name="describe")
@click.argument("name")
@format_option
def describe_trigger(name: str, output_format: str) -> None:
    """Show one run trigger."""
    with session.connect() as client:
        found = client.call("GET", _path(name))
    show(found, output_format)


@triggers.command(name="disable")
@click.argument("name")
@format_option
def disable_trigger(name: str, output_format: str) -> None:
    """Let a run trigger start nothing until it is enabled; its events are kept as receipts, which can be replayed."""
    _switch(name, output_format, is_disabled=True)


@triggers.command(name="enable")
@click.argument("name")
@format_option
def enable_trigger(name: str, output_format: str) -> None:
    """Let a run trigger start runs again."""
    _switch(name, output_format, is_disabled=False)


@triggers.command(name="delete")
@click.argument("name")
@quiet_option
@format_option
def delete_trigger(name: str, output_format: str) -> None:
    """Remove a run trigger."""
    with session.connect() as client:
        client.call("DELETE", _path(name))
    show({"deleted": name}, output_format, lambda: click.echo(f"Deleted run trigger {name}."))


def _is_new(client: Client, topic: str) -> bool:
    """Tell whether a topic will come into being with the trigger that listens to it."""
    if not topic:
        return False
    try:
        client.call("GET", f"/v1/{topic}")
    except NotFound:
        return True
    return False


def _warn(trigger: Mapping[str, Any], *, has_new_topic: bool) -> None:
    """Say why a trigger starts nothing as things are; it is made all the same, as what it lacks may come later."""
    if has_new_topic:
        said = f"there was no topic {trigger['topic']}; it is made now, and nothing publishes to it yet."
        click.echo(f"WARNING: topic: {said}", err=True)
    if trigger["problem"]:
        click.echo(f"WARNING: as it is, the trigger starts nothing: {trigger['problem']}", err=True)


def _switch(name: str, output_format: str, *, is_disabled: bool) -> None:
    with session.connect() as client:
        found = client.call("PATCH", _path(name), {"disabled": is_disabled})
    done = "Disabled" if is_disabled else "Enabled"
    show(found, output_format, lambda: click.echo(f"{done} run trigger {name}."))


def _path(name: str) -> str:
    return f"/trainshed/v1/runTriggers/{segment(name)}"
