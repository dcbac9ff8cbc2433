"""trainshed pubsub subscriptions."""

import base64
from collections.abc import Callable
from typing import Any, TypeVar

import click

from trainshed.cli import session
from trainshed.cli.output import format_option, project_options, show, table
from trainshed.cli.pubsub_flags import (
    changing_labels,
    is_moment,
    labels_option,
    name_of,
    project_of,
    read_labels,
    say,
    seconds,
    update,
)

F = TypeVar("F", bound=Callable[..., Any])
_CLEARING = {"clear_dead_letter_policy": "deadLetterPolicy", "clear_retry_policy": "retryPolicy"}


@click.group()
def subscriptions() -> None:
    """Who gets the messages of a topic."""


def _options(function: F) -> F:
    """Add what may be set, and changed, of a subscription."""
    for flag, help_text in reversed(
        (
            ("--dead-letter-topic", "Where a message goes after too many attempts."),
            ("--min-retry-delay", "Shortest wait before another attempt, like 10s."),
            ("--max-retry-delay", "Longest wait before another attempt, like 600s."),
            ("--message-retention-duration", "How long unacknowledged messages live, like 7d."),
            ("--expiration-period", "How long it may lie unused, like 31d; or never."),
        )
    ):
        function = click.option(flag, default=None, help=help_text)(function)
    attempts = "How many are too many, 5 to 100; default 5."
    function = click.option("--max-delivery-attempts", type=int, default=None, help=attempts)(function)
    once = "Take acknowledgements of the latest delivery alone, and say whether they counted."
    function = click.option(
        "--enable-exactly-once-delivery/--no-enable-exactly-once-delivery", default=None, help=once
    )(function)
    retain = "Keep what was acknowledged, so that seeking brings it again."
    function = click.option("--retain-acked-messages/--no-retain-acked-messages", default=None, help=retain)(function)
    function = click.option("--ack-deadline", type=int, default=None, help="Seconds to acknowledge in, 10 to 600.")(
        function
    )
    return _push_options(function)


def _push_options(function: F) -> F:
    """Add how messages are pushed."""
    function = click.option("--push-no-wrapper-write-metadata", is_flag=True, help="… and all else as headers.")(
        function
    )
    function = click.option("--push-no-wrapper", is_flag=True, help="Post the data of the message alone.")(function)
    function = click.option("--push-auth-token-audience", default="", help="Whom the token is for; default: the URL.")(
        function
    )
    function = click.option("--push-auth-service-account", default="", help="Account whose signed token goes along.")(
        function
    )
    return click.option(
        "--push-endpoint", default=None, help="URL that messages are posted to; without it they are pulled."
    )(function)


@subscriptions.command(name="create")
@click.argument("subscription", nargs=-1, required=True)
@click.option("--topic", required=True, help="Topic to subscribe to.")
@labels_option()
@click.option("--message-filter", default="", help='Deliver only what matches, like attributes.kind = "new".')
@click.option("--enable-message-ordering", is_flag=True, help="Deliver messages of one ordering key in their order.")
@_options
@project_options
@format_option
def create_subscription(
    subscription: tuple[str, ...], project: str | None, region: str | None, output_format: str, **flags: Any
) -> None:
    """Make subscriptions: they get what is published from now on."""
    del region
    body = _subscription(project, flags) | {"topic": name_of(flags["topic"], "topics", project)}
    body["filter"] = flags["message_filter"]
    body["enableMessageOrdering"] = flags["enable_message_ordering"]
    if flags["labels"]:
        body["labels"] = read_labels(flags["labels"])
    with session.connect() as client:
        made = [client.call("PUT", f"/v1/{name_of(s, 'subscriptions', project)}", body) for s in subscription]
    show(made, output_format, lambda: say("Created subscription", made))


@subscriptions.command(name="list")
@project_options
@format_option
def list_subscriptions(project: str | None, region: str | None, output_format: str) -> None:
    """List subscriptions."""
    del region
    with session.connect() as client:
        found = list(client.pages(f"/v1/projects/{project_of(project)}/subscriptions", "subscriptions"))
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
        show(client.call("GET", f"/v1/{name_of(subscription, 'subscriptions', project)}"), output_format)


@subscriptions.command(name="delete")
@click.argument("subscription", nargs=-1, required=True)
@project_options
@format_option
def delete_subscription(
    subscription: tuple[str, ...], project: str | None, region: str | None, output_format: str
) -> None:
    """Remove subscriptions with what they have not acknowledged."""
    del region
    names = [name_of(s, "subscriptions", project) for s in subscription]
    with session.connect() as client:
        for name in names:
            client.call("DELETE", f"/v1/{name}")
    gone = [{"name": n} for n in names]
    show(gone, output_format, lambda: say("Deleted subscription", gone))


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
    name = name_of(subscription, "subscriptions", project)
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
        path = f"/v1/{name_of(subscription, 'subscriptions', project)}:acknowledge"
        client.call("POST", path, {"ackIds": wanted})
    show({"ackIds": wanted}, output_format, lambda: click.echo(f"Acked {len(wanted)} messages."))


@subscriptions.command(name="update")
@click.argument("subscription")
@changing_labels
@click.option("--clear-dead-letter-policy", is_flag=True, help="Try messages again for ever.")
@click.option("--clear-retry-policy", is_flag=True, help="Try messages again at once.")
@_options
@project_options
@format_option
def update_subscription(
    subscription: str, project: str | None, region: str | None, output_format: str, **flags: Any
) -> None:
    """Change a subscription."""
    del region
    name = name_of(subscription, "subscriptions", project)
    body = _subscription(project, flags)
    with session.connect() as client:
        done = update(client, "subscription", name, body, flags, _CLEARING)
    show(done, output_format, lambda: say("Updated subscription", [done]))


@subscriptions.command(name="modify-push-config")
@click.argument("subscription")
@_push_options
@project_options
@format_option
def modify_push_config(
    subscription: str, project: str | None, region: str | None, output_format: str, **flags: Any
) -> None:
    """Give a subscription another endpoint, or none (--push-endpoint=): it is pulled then."""
    del region
    if flags["push_endpoint"] is None:
        raise click.UsageError("Give --push-endpoint; an empty one lets the subscription be pulled.")
    name = name_of(subscription, "subscriptions", project)
    config = _push(flags)
    with session.connect() as client:
        client.call("POST", f"/v1/{name}:modifyPushConfig", {"pushConfig": config})
    done = {"name": name, "pushConfig": config}
    show(done, output_format, lambda: say("Updated subscription", [done]))


@subscriptions.command(name="modify-message-ack-deadline")
@click.argument("subscription")
@click.option("--ack-ids", required=True, help="What pull printed as ACK_ID, joined by commas.")
@click.option("--ack-deadline", type=int, required=True, help="Seconds from now; 0 refuses the messages for now.")
@project_options
@format_option
def modify_ack_deadline(
    subscription: str, ack_ids: str, ack_deadline: int, project: str | None, region: str | None, output_format: str
) -> None:
    """Ask for more time, or refuse messages for now."""
    del region
    wanted = [text for text in ack_ids.split(",") if text]
    with session.connect() as client:
        path = f"/v1/{name_of(subscription, 'subscriptions', project)}:modifyAckDeadline"
        client.call("POST", path, {"ackIds": wanted, "ackDeadlineSeconds": ack_deadline})
    done = {"ackIds": wanted, "ackDeadlineSeconds": ack_deadline}
    show(done, output_format, lambda: click.echo(f"Set ackDeadlineSeconds to [{ack_deadline}] for {len(wanted)}."))


@subscriptions.command()
@click.argument("subscription")
@click.option("--time", default=None, help="What was published from then on comes again, like 2026-01-31T12:00:00Z.")
@click.option("--snapshot", default=None, help="What it holds comes again, and what was published since.")
@project_options
@format_option
def seek(
    subscription: str,
    time: str | None,
    snapshot: str | None,
    project: str | None,
    region: str | None,
    output_format: str,
) -> None:
    """Go to a time or a snapshot: what was acknowledged comes again, or the other way round."""
    del region
    if (time is None) == (snapshot is None):
        raise click.UsageError("Give one of --time and --snapshot.")
    name = name_of(subscription, "subscriptions", project)
    if time and not is_moment(time):
        raise click.UsageError(f"--time: {time!r} is no time; write it like 2026-01-31T12:00:00Z.")
    target = {"time": time} if time else {"snapshot": name_of(snapshot or "", "snapshots", project)}
    with session.connect() as client:
        client.call("POST", f"/v1/{name}:seek", target)
    done = {"subscriptionId": name, **target}
    show(done, output_format)


def _subscription(project: str | None, flags: dict[str, Any]) -> dict[str, Any]:
    plain = {
        "ackDeadlineSeconds": flags["ack_deadline"],
        "retainAckedMessages": flags["retain_acked_messages"],
        "enableExactlyOnceDelivery": flags["enable_exactly_once_delivery"],
    }
    body: dict[str, Any] = {k: v for k, v in plain.items() if v is not None}
    if flags["push_endpoint"] is not None:
        body["pushConfig"] = _push(flags)
    if flags["message_retention_duration"]:
        body["messageRetentionDuration"] = seconds(flags["message_retention_duration"], "--message-retention-duration")
    if period := flags["expiration_period"]:
        body["expirationPolicy"] = {} if period == "never" else {"ttl": seconds(period, "--expiration-period")}
    delays = {"minimumBackoff": flags["min_retry_delay"], "maximumBackoff": flags["max_retry_delay"]}
    if any(delays.values()):
        body["retryPolicy"] = {k: seconds(v, "--min-retry-delay") for k, v in delays.items() if v}
    if flags["dead_letter_topic"]:
        body["deadLetterPolicy"] = {"deadLetterTopic": name_of(flags["dead_letter_topic"], "topics", project)}
        if flags["max_delivery_attempts"]:
            body["deadLetterPolicy"]["maxDeliveryAttempts"] = flags["max_delivery_attempts"]
    elif flags["max_delivery_attempts"]:
        raise click.UsageError("--max-delivery-attempts needs --dead-letter-topic.")
    return body


def _push(flags: dict[str, Any]) -> dict[str, Any]:
    config: dict[str, Any] = {"pushEndpoint": flags["push_endpoint"]} if flags["push_endpoint"] else {}
    if flags["push_auth_service_account"]:
        token = {
            "serviceAccountEmail": flags["push_auth_service_account"],
            "audience": flags["push_auth_token_audience"],
        }
        config["oidcToken"] = {k: v for k, v in token.items() if v}
    elif flags["push_auth_token_audience"]:
        raise click.UsageError("--push-auth-token-audience needs --push-auth-service-account.")
    if flags["push_no_wrapper"]:
        config["noWrapper"] = {"writeMetadata": flags["push_no_wrapper_write_metadata"]}
    elif flags["push_no_wrapper_write_metadata"]:
        raise click.UsageError("--push-no-wrapper-write-metadata needs --push-no-wrapper.")
    return config


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
