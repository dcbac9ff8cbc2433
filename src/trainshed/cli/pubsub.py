"""trainshed pubsub: topics, subscriptions and messages, with gcloud's flags."""

import base64
from typing import Any

import click

from trainshed.cli import session
from trainshed.cli.message import attributes_option, read_attributes, warn_about_body
from trainshed.cli.output import format_option, project_options, show, table


@click.group(name="pubsub")
def command() -> None:
    """Topics, subscriptions and messages."""


@command.group()
def topics() -> None:
    """Streams of messages."""


@command.group()
def subscriptions() -> None:
    """Who gets the messages of a topic."""


@topics.command(name="create")
@click.argument("topic", nargs=-1, required=True)
@project_options
@format_option
def create_topic(topic: tuple[str, ...], project: str | None, region: str | None, output_format: str) -> None:
    """Make topics."""
    del region
    with session.connect() as client:
        made = [client.call("PUT", f"/v1/{_name(t, 'topics', project)}", {}) for t in topic]
    show(made, output_format, lambda: _say("Created topic", made))


@topics.command(name="list")
@project_options
@format_option
def list_topics(project: str | None, region: str | None, output_format: str) -> None:
    """List topics."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/projects/{_project(project)}/topics", "topics"))
    show(found, output_format, lambda: table(("NAME",), [(t["name"],) for t in found]))


@topics.command(name="describe")
@click.argument("topic")
@project_options
@format_option
def describe_topic(topic: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a topic."""
    del region
    with session.connect() as client:
        show(client.call("GET", f"/v1/{_name(topic, 'topics', project)}"), output_format)


@topics.command(name="list-subscriptions")
@click.argument("topic")
@project_options
@format_option
def list_topic_subscriptions(topic: str, project: str | None, region: str | None, output_format: str) -> None:
    """List the subscriptions of a topic."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/{_name(topic, 'topics', project)}/subscriptions", "subscriptions"))
    show(found, output_format, lambda: table(("NAME",), [(name,) for name in found]))


@topics.command(name="delete")
@click.argument("topic", nargs=-1, required=True)
@project_options
@format_option
def delete_topic(topic: tuple[str, ...], project: str | None, region: str | None, output_format: str) -> None:
    """Remove topics; their subscriptions keep what they have."""
    del region
    names = [_name(t, "topics", project) for t in topic]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: _say("Deleted topic", gone))


@topics.command()
@click.argument("topic")
@click.option("--message", default="", help="The body, as text.")
@attributes_option("--attribute")
@project_options
@format_option
def publish(
    topic: str,
    message: str,
    attributes: tuple[str, ...],
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Publish one message: a body, attributes, or both."""
    del region
    warn_about_body(message, "--message")
    sent = {"data": base64.b64encode(message.encode()).decode(), "attributes": read_attributes(attributes)}
    is_served = session.has_server()
    with session.connect() as client:
        done = client.call("POST", f"/v1/{_name(topic, 'topics', project)}:publish", {"messages": [sent]})
    if not is_served:
        click.echo("No server is running: the message is stored, and delivered once `trainshed up` runs.", err=True)
    show(done, output_format, lambda: click.echo(f"messageIds:\n- '{done['messageIds'][0]}'"))


@subscriptions.command(name="create")
@click.argument("subscription", nargs=-1, required=True)
@click.option("--topic", required=True, help="Topic to subscribe to.")
@click.option("--ack-deadline", type=int, default=10, show_default=True, help="Seconds to acknowledge in, 10 to 600.")
@click.option("--push-endpoint", default=None, help="URL that messages are posted to; without it they are pulled.")
@click.option("--dead-letter-topic", default=None, help="Where a message goes after too many attempts.")
@click.option("--max-delivery-attempts", type=int, default=None, help="How many are too many, 5 to 100; default 5.")
@click.option("--min-retry-delay", default=None, help="Shortest wait before another attempt, like 10s.")
@click.option("--max-retry-delay", default=None, help="Longest wait before another attempt, like 600s.")
@click.option("--message-retention-duration", default=None, help="How long unacknowledged messages live, like 7d.")
@project_options
@format_option
def create_subscription(
    subscription: tuple[str, ...], project: str | None, region: str | None, output_format: str, **flags: Any
) -> None:
    """Make subscriptions: they get what is published from now on."""
    del region
    body = _subscription(project, flags)
    with session.connect() as client:
        made = [client.call("PUT", f"/v1/{_name(s, 'subscriptions', project)}", body) for s in subscription]
    show(made, output_format, lambda: _say("Created subscription", made))


@subscriptions.command(name="list")
@project_options
@format_option
def list_subscriptions(project: str | None, region: str | None, output_format: str) -> None:
    """List subscriptions."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/projects/{_project(project)}/subscriptions", "subscriptions"))
    columns = ("NAME", "TOPIC", "TYPE", "ACK_DEADLINE")
    show(found, output_format, lambda: table(columns, [_row(s) for s in found]))


@subscriptions.command(name="describe")
@click.argument("subscription")
@project_options
@format_option
def describe_subscription(subscription: str, project: str | None, region: str | None, output_format: str) -> None:
    """Show a subscription."""
    del region
    with session.connect() as client:
        show(client.call("GET", f"/v1/{_name(subscription, 'subscriptions', project)}"), output_format)


@subscriptions.command(name="delete")
@click.argument("subscription", nargs=-1, required=True)
@project_options
@format_option
def delete_subscription(
    subscription: tuple[str, ...], project: str | None, region: str | None, output_format: str
) -> None:
    """Remove subscriptions with what they have not acknowledged."""
    del region
    names = [_name(s, "subscriptions", project) for s in subscription]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: _say("Deleted subscription", gone))


@subscriptions.command()
@click.argument("subscription")
@click.option("--auto-ack", is_flag=True, help="Acknowledge what is printed.")
@click.option("--limit", type=click.IntRange(1, 1000), default=1, show_default=True, help="How many at most.")
@project_options
@format_option
def pull(
    subscription: str, auto_ack: bool, limit: int, project: str | None, region: str | None, output_format: str
) -> None:
    """Pull messages that are there now."""
    del region
    name = _name(subscription, "subscriptions", project)
    with session.connect() as client:
        asked = {"maxMessages": limit, "returnImmediately": True}
        found = client.call("POST", f"/v1/{name}:pull", asked).get("receivedMessages", [])
        if auto_ack and found:
            client.call("POST", f"/v1/{name}:acknowledge", {"ackIds": [m["ackId"] for m in found]})
    show(found, output_format, lambda: _print_messages(found, has_ack_ids=not auto_ack))


@subscriptions.command()
@click.argument("subscription")
@click.option("--ack-ids", required=True, help="What pull printed as ACK_ID, joined by commas.")
@project_options
@format_option
def ack(subscription: str, ack_ids: str, project: str | None, region: str | None, output_format: str) -> None:
    """Acknowledge messages."""
    del region
    wanted = [text for text in ack_ids.split(",") if text]
    with session.connect() as client:
        path = f"/v1/{_name(subscription, 'subscriptions', project)}:acknowledge"
        client.call("POST", path, {"ackIds": wanted})
    show({"ackIds": wanted}, output_format, lambda: click.echo(f"Acked {len(wanted)} messages."))


def _subscription(project: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {
        "topic": _name(flags["topic"], "topics", project),
        "ackDeadlineSeconds": flags["ack_deadline"],
    }
    if flags["push_endpoint"]:
        body["pushConfig"] = {"pushEndpoint": flags["push_endpoint"]}
    if flags["message_retention_duration"]:
        body["messageRetentionDuration"] = seconds(flags["message_retention_duration"], "--message-retention-duration")
    delays = {"minimumBackoff": flags["min_retry_delay"], "maximumBackoff": flags["max_retry_delay"]}
    if any(delays.values()):
        body["retryPolicy"] = {k: seconds(v, "--min-retry-delay") for k, v in delays.items() if v}
    if flags["dead_letter_topic"]:
        body["deadLetterPolicy"] = {"deadLetterTopic": _name(flags["dead_letter_topic"], "topics", project)}
        if flags["max_delivery_attempts"]:
            body["deadLetterPolicy"]["maxDeliveryAttempts"] = flags["max_delivery_attempts"]
    elif flags["max_delivery_attempts"]:
        raise click.UsageError("--max-delivery-attempts needs --dead-letter-topic.")
    return body


def seconds(text: str, flag: str) -> str:
    """Read a duration as gcloud takes it (90, 90s, 10m, 2h, 7d) and write it as JSON does."""
    units = {"s": 1, "m": 60, "h": 3600, "d": 86400}
    number, unit = (text[:-1], text[-1]) if text[-1:] in units else (text, "s")
    try:
        return f"{float(number) * units[unit]:g}s"
    except ValueError:
        raise click.UsageError(f"{flag}: {text!r} is not a duration; write it like 90s, 10m, 2h or 7d.") from None


def _say(what: str, resources: list[dict[str, Any]]) -> None:
    for resource in resources:
        click.echo(f"{what} [{resource['name']}].")


def _row(subscription: dict[str, Any]) -> tuple[Any, ...]:
    kind = "push" if subscription.get("pushConfig", {}).get("pushEndpoint") else "pull"
    return subscription["name"], subscription["topic"], kind, subscription["ackDeadlineSeconds"]


def _print_messages(found: list[dict[str, Any]], *, has_ack_ids: bool) -> None:
    if not found:
        click.echo("Listed 0 items.")
        return
    columns = ("DATA", "MESSAGE_ID", "ATTRIBUTES", "DELIVERY_ATTEMPT", *(("ACK_ID",) if has_ack_ids else ()))
    rows = []
    for received in found:
        message = received["message"]
        text = base64.b64decode(message.get("data", "")).decode("utf-8", "replace")
        attributes = ",".join(f"{k}={v}" for k, v in message.get("attributes", {}).items())
        row = (text, message["messageId"], attributes, received.get("deliveryAttempt", ""))
        rows.append((*row, received["ackId"]) if has_ack_ids else row)
    table(columns, rows)


def _project(project: str | None) -> str:
    return project or session.current_settings().project


def _name(text: str, collection: str, project: str | None) -> str:
    return text if text.startswith("projects/") else f"projects/{_project(project)}/{collection}/{text}"
