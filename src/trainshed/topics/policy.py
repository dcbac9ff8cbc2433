"""Rules of topics and subscriptions: names, limits, waiting times, ack ids. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.topics.model import Kind, Options, PubsubMessage, RetryPolicy

TOPIC = "projects/{project}/topics/{topic}"
SUBSCRIPTION = "projects/{project}/subscriptions/{subscription}"
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")
_DAY = 86400
_RETENTION = (600, 31 * _DAY)
_ACK_DEADLINE = (10, 600)
_BACKOFF = (0, 600)
_ATTEMPTS = (5, 100)
_REQUEST_MESSAGES = 1000
_REQUEST_BYTES = 10_000_000
_ATTRIBUTES = 100
_KEY_BYTES, _VALUE_BYTES = 256, 1024
_EAGER = RetryPolicy(minimum_seconds=0.1, maximum_seconds=60.0)  # nobody asks for these, so they must not spin


def check_name(template: str, name: str, *, field: str = "name") -> str:
    """Answer the name if it is of the form and its identifier is one Pub/Sub allows. Raises InvalidArgument."""
    names.parse(template, name, field=field)
    identifier = names.short(name)
    if not _IDENTIFIER.fullmatch(identifier) or identifier.lower().startswith("goog"):
        raise InvalidArgument.field(
            field,
            f"{identifier!r} has to start with a letter, not with 'goog', and hold 3 to 255 letters, digits or -_.~+%",
            reason="NAME_FORMAT",
        )
    return name


def check_options(options: Options) -> Options:
    """Answer the options if all are within Pub/Sub's limits. Raises InvalidArgument naming the field."""
    _within("ackDeadlineSeconds", options.ack_deadline_seconds, _ACK_DEADLINE, "seconds")
    _within("messageRetentionDuration", options.retention_seconds, _RETENTION, "seconds")
    retry, dead = options.retry_policy, options.dead_letter_policy
    if retry is not None:
        _within("retryPolicy.minimumBackoff", retry.minimum_seconds, _BACKOFF, "seconds")
        _within("retryPolicy.maximumBackoff", retry.maximum_seconds, _BACKOFF, "seconds")
        if retry.minimum_seconds > retry.maximum_seconds:
            raise InvalidArgument.field("retryPolicy.minimumBackoff", "longer than maximumBackoff; make it shorter")
    if dead is not None:
        check_name(TOPIC, dead.topic, field="deadLetterPolicy.deadLetterTopic")
        _within("deadLetterPolicy.maxDeliveryAttempts", dead.max_delivery_attempts, _ATTEMPTS, "attempts")
    if options.kind is Kind.PUSH:
        _check_endpoint(options.push_endpoint)
    return options


def _check_endpoint(endpoint: str) -> None:
    parts = urlsplit(endpoint)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument.field(
            "pushConfig.pushEndpoint", f"{endpoint!r} is not a URL; write it as https://HOST/PATH or http://HOST/PATH"
        )


def _within(field: str, value: float, limits: tuple[int, int], unit: str) -> None:
    least, most = limits
    if not least <= value <= most:
        raise InvalidArgument.field(field, f"{value:g} is outside {least}..{most} {unit}")


def check_messages(messages: Sequence[PubsubMessage]) -> None:
    """Check one publish request. Raises InvalidArgument naming the message and the field."""
    if not 0 < len(messages) <= _REQUEST_MESSAGES:
        raise InvalidArgument.field("messages", f"a request holds 1 to {_REQUEST_MESSAGES} messages")
    size = 0
    for index, message in enumerate(messages):
        size += len(message.data)
        if message.attributes:
            size += _check_attributes(f"messages[{index}].attributes", message)
        elif not message.data:
            raise InvalidArgument.field(f"messages[{index}]", "give it data or at least one attribute")
    if size > _REQUEST_BYTES:
        raise InvalidArgument.field("messages", f"{size} bytes; a request holds at most {_REQUEST_BYTES}")


def _check_attributes(field: str, message: PubsubMessage) -> int:
    if len(message.attributes) > _ATTRIBUTES:
        raise InvalidArgument.field(field, f"at most {_ATTRIBUTES} attributes")
    size = 0
    for key, value in message.attributes.items():
        length, value_length = len(key.encode()), len(value.encode())
        if not 0 < length <= _KEY_BYTES or key.startswith("goog"):
            raise InvalidArgument.field(
                field, f"key {key[:40]!r}: 1 to {_KEY_BYTES} bytes, and 'goog' at its start is Google's"
            )
        if value_length > _VALUE_BYTES:
            raise InvalidArgument.field(f"{field}[{key}]", f"at most {_VALUE_BYTES} bytes")
        size += length + value_length
    return size


def backoff_seconds(options: Options, attempt: int) -> float:
    """Answer how long to wait after the attempt of that number failed."""
    policy = options.retry_policy
    if policy is None:
        if options.kind is Kind.PULL:
            return 0.0
        policy = _EAGER
    return min(policy.maximum_seconds, policy.minimum_seconds * 2.0 ** min(attempt - 1, 30))


def is_last_attempt(options: Options, attempt: int) -> bool:
    """Whether a failure of this attempt sends the message to the dead-letter topic."""
    policy = options.dead_letter_policy
    return policy is not None and attempt >= policy.max_delivery_attempts


def ack_id(subscription_id: int, message_id: int, attempt: int) -> str:
    """Make the token by which a subscriber answers one attempt."""
    return base64.urlsafe_b64encode(b"%d:%d:%d" % (subscription_id, message_id, attempt)).decode()


def read_ack_ids(subscription_id: int, ack_ids: Iterable[str]) -> dict[int, list[int]]:
    """Sort ack ids into message ids by attempt; those of other subscriptions count for nothing.

    Raises InvalidArgument for a text that this server cannot have handed out.
    """
    found: dict[int, list[int]] = {}
    for text in ack_ids:
        try:
            owner, message_id, attempt = map(int, base64.urlsafe_b64decode(text.encode()).split(b":"))
        except (ValueError, binascii.Error):
            raise InvalidArgument.field("ackIds", f"{text[:60]!r} is not an ack id of this server") from None
        if owner == subscription_id:
            found.setdefault(attempt, []).append(message_id)
    return found
