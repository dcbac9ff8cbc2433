"""trainshed pubsub topics."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.cli.message import attributes_option, read_attributes, warn_about_body
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pubsub_flags import (
    changing_labels,
    labels_option,
    name_of,
    project_of,
    read_labels,
    say,
    seconds,
    update,
)

F = TypeVar("F", bound=Callable[..., Any])
_CLEARING = {"clear_message_retention_duration": "messageRetentionDuration", "clear_schema_settings": "schemaSettings"}


@click.group()
def topics() -> None:
    """Streams of messages."""


def _options(function: F) -> F:
    """Add what may be set, and changed, of a topic."""
    function = click.option("--last-revision-id", default="", help="The newest revision that messages may fit.")(
        function
    )
    function = click.option("--first-revision-id", default="", help="The oldest revision that messages may fit.")(
        function
    )
    encodings = click.Choice(["json", "binary"], case_sensitive=False)
    function = click.option("--message-encoding", type=encodings, help="How messages with a schema are written.")(
        function
    )
    function = click.option("--schema", default=None, help="Schema that every message has to fit.")(function)
    return click.option(
        "--message-retention-duration", default=None, help="How long every message stays for seeking, like 7d."
    )(function)


@topics.command(name="create")
@click.argument("topic", nargs=-1, required=True)
@labels_option()
@_options
@project_options
@format_option
def create_topic(
    topic: tuple[str, ...], project: str | None, region: str | None, output_format: str, **flags: Any
) -> None:
    """Make topics."""
    del region
    body = _topic(project, flags) | ({"labels": read_labels(flags["labels"])} if flags["labels"] else {})
    with session.connect() as client:
        made = [client.call("PUT", f"/v1/{name_of(t, 'topics', project)}", body) for t in topic]
    show(made, output_format, lambda: say("Created topic", made))


@topics.command(name="list")
@project_options
@format_option
def list_topics(project: str | None, region: str | None, output_format: str) -> None:
    """List topics."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/projects/{project_of(project)}/topics", "topics"))
    show(found, output_format, lambda: table(("NAME",), [(t["name"],) for t in found]))


@topics.command(name="describe")
@click.argument("topic")
@project_options
@format_option
def describe_topic(topic: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a topic."""
    del region
    with session.connect() as client:
        show(client.call("GET", f"/v1/{name_of(topic, 'topics', project)}"), output_format)


@topics.command(name="update")
@click.argument("topic")
@changing_labels
@_options
@click.option("--clear-message-retention-duration", is_flag=True, help="Keep no message for seeking alone.")
@click.option("--clear-schema-settings", is_flag=True, help="Take messages of any form.")
@project_options
@format_option
def update_topic(topic: str, project: str | None, region: str | None, output_format: str, **flags: Any) -> None:
    """Change a topic."""
    del region
    name = name_of(topic, "topics", project)
    body = _topic(project, flags)
    with session.connect() as client:
        done = update(client, "topic", name, body, flags, _CLEARING)
    show(done, output_format, lambda: say("Updated topic", [done]))


@topics.command(name="detach-subscription")
@click.argument("subscription", nargs=-1, required=True)
@project_options
@format_option
def detach_subscription(
    subscription: tuple[str, ...], project: str | None, region: str | None, output_format: str
) -> None:
    """Cut subscriptions off their topics; they keep nothing."""
    del region
    names = [name_of(s, "subscriptions", project) for s in subscription]
    with session.connect() as client:
        for name in names:
            client.call("POST", f"/v1/{name}:detach", {})
    cut = [{"name": n} for n in names]
    show(cut, output_format, lambda: say("Detached subscription", cut))


@topics.command(name="list-subscriptions")
@click.argument("topic")
@project_options
@format_option
def list_topic_subscriptions(topic: str, project: str | None, region: str | None, output_format: str) -> None:
    """List the subscriptions of a topic."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/{name_of(topic, 'topics', project)}/subscriptions", "subscriptions"))
    show(found, output_format, lambda: table(("NAME",), [(name,) for name in found]))


@topics.command(name="delete")
@click.argument("topic", nargs=-1, required=True)
@project_options
@format_option
def delete_topic(topic: tuple[str, ...], project: str | None, region: str | None, output_format: str) -> None:
    """Remove topics; their subscriptions keep what they have."""
    del region
    names = [name_of(t, "topics", project) for t in topic]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: say("Deleted topic", gone))


@topics.command()
@click.argument("topic")
@click.option("--message", default="", help="The body, as text.")
@attributes_option("--attribute")
@click.option("--ordering-key", default="", help="Messages of one key come in their order where it is asked for.")
@project_options
@format_option
def publish(
    topic: str,
    message: str,
    attributes: tuple[str, ...],
    ordering_key: str,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Publish one message: a body, attributes, or both."""
    del region
    warn_about_body(message, "--message")
    sent: dict[str, Any] = {
        "data": base64.b64encode(message.encode()).decode(),
        "attributes": read_attributes(attributes),
    }
    if ordering_key:
        sent["orderingKey"] = ordering_key
    with session.connect() as client:
        done = client.call("POST", f"/v1/{name_of(topic, 'topics', project)}:publish", {"messages": [sent]})
    show(done, output_format, lambda: click.echo(f"messageIds:\n- '{done['messageIds'][0]}'"))


def _topic(project: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if flags["message_retention_duration"]:
        body["messageRetentionDuration"] = seconds(flags["message_retention_duration"], "--message-retention-duration")
    if flags["schema"]:
        if not flags["message_encoding"]:
            raise click.UsageError("--schema needs --message-encoding.")
        revisions = {"firstRevisionId": flags["first_revision_id"], "lastRevisionId": flags["last_revision_id"]}
        body["schemaSettings"] = {
            "schema": name_of(flags["schema"], "schemas", project),
            "encoding": flags["message_encoding"].upper(),
            **{k: v for k, v in revisions.items() if v},
        }
    elif flags["message_encoding"] or flags["first_revision_id"] or flags["last_revision_id"]:
        raise click.UsageError("--message-encoding and revisions need --schema.")
    return body
