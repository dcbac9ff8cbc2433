"""Rules of topics and subscriptions: names, limits, waiting times, ack ids. Pure."""

import base64
import binascii
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.topics import filters
from trainshed.topics.model import DELETED_SCHEMA, Kind, Options, PubsubMessage, RetryPolicy, TopicOptions

TOPIC = "projects/{project}/topics/{topic}"
SUBSCRIPTION = "projects/{project}/subscriptions/{subscription}"
SNAPSHOT = "projects/{project}/snapshots/{snapshot}"
SCHEMA = "projects/{project}/schemas/{schema}"
DEFAULT_EXPIRATION_SECONDS = 31 * 86400.0
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9\-_.~+%]{2,254}")
_DAY = 86400
_UNITS = {"d": _DAY, "h": 3600, "m": 60, "s": 1}
_RETENTION = (600, 31 * _DAY)
_ACK_DEADLINE = (10, 600)
_BACKOFF = (0, 600)
_ATTEMPTS = (5, 100)
_EXPIRATION = (_DAY, 100 * 366 * _DAY)
_LABELS = 64
# International letters are allowed, capitals are not.
_LABEL_KEY = re.compile(r"[^\W\d_][\w-]{0,62}")
_LABEL_VALUE = re.compile(r"[\w-]{0,63}")
_PUSH_VERSIONS = {"v1", "v1beta2"}
_REQUEST_MESSAGES = 1000
_REQUEST_BYTES = 10_000_000
_ATTRIBUTES = 100
_KEY_BYTES, _VALUE_BYTES = 256, 1024
_ORDERING_KEY_BYTES = 1024
_LARGEST = 2**63 - 1  # what the store can count to
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
    if options.expiration_seconds is not None:
        _within(
            "expirationPolicy.ttl", options.expiration_seconds, _EXPIRATION, "seconds; without ttl it never expires"
        )
    if options.filter:
        filters.compiled(options.filter)
    check_labels(options.labels)
    _check_push(options)
    return options


def check_topic_options(options: TopicOptions) -> TopicOptions:
    """Answer the options of a topic if all are within Pub/Sub's limits. Raises InvalidArgument naming the field."""
    if options.retention_seconds is not None:
        _within("messageRetentionDuration", options.retention_seconds, _RETENTION, "seconds")
    if options.schema is not None and options.schema.schema != DELETED_SCHEMA:
        names.parse(SCHEMA, options.schema.schema, field="schemaSettings.schema")
    check_labels(options.labels)
    return options


def check_labels(labels: Mapping[str, str]) -> None:
    """Check labels by Google's rules. Raises InvalidArgument."""
    if len(labels) > _LABELS:
        raise InvalidArgument.field("labels", f"are {len(labels)}; a resource has at most {_LABELS}")
    for key, value in labels.items():
        if not _LABEL_KEY.fullmatch(key) or key != key.lower():
            raise InvalidArgument.field(
                "labels", f"key {key[:70]!r}: begin with a small letter; 1 to 63 small letters, digits, _ or -"
            )
        if not _LABEL_VALUE.fullmatch(value) or value != value.lower():
            raise InvalidArgument.field(f"labels[{key}]", "at most 63 small letters, digits, _ or -")


def _check_push(options: Options) -> None:
    if options.kind is not Kind.PUSH:
        return
    _check_endpoint(options.push_endpoint)
    if options.is_exactly_once:
        raise InvalidArgument.field(
            "enableExactlyOnceDelivery", "is for pull subscriptions; leave out the endpoint, or this"
        )
    for key, value in options.push_attributes.items():
        if key != "x-goog-version" or value not in _PUSH_VERSIONS:
            raise InvalidArgument.field("pushConfig.attributes", f"{key}={value} is not known; x-goog-version=v1 is")
    if options.push_identity is not None and not options.push_identity.email:
        raise InvalidArgument.field("pushConfig.oidcToken.serviceAccountEmail", "is empty; name a service account")


def _check_endpoint(endpoint: str) -> None:
    try:
        parts = urlsplit(endpoint)
    except ValueError:
        parts = urlsplit("")
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise InvalidArgument.field(
            "pushConfig.pushEndpoint", f"{endpoint!r} is not a URL; write it as https://HOST/PATH or http://HOST/PATH"
        )


def _within(field: str, value: float, limits: tuple[int, int], unit: str) -> None:
    least, most = limits
    if not least <= value <= most:
        if unit == "seconds":
            said = f"{_in_units(value)} is outside {_in_units(least)} to {_in_units(most)}"
        else:
            said = f"{value:g} is outside {least} to {most} {unit}"
        raise InvalidArgument.field(field, said)


def _in_units(seconds: float) -> str:
    """Write a duration as the commands take it."""
    large = next((unit for unit in ("d", "h", "m") if seconds and seconds % _UNITS[unit] == 0), "s")
    return f"{seconds / _UNITS[large]:.15g}{large}"


def check_messages(messages: Sequence[PubsubMessage]) -> None:
    """Check one publish request. Raises InvalidArgument naming the message and the field."""
    if not 0 < len(messages) <= _REQUEST_MESSAGES:
        raise InvalidArgument.field("messages", f"a request holds 1 to {_REQUEST_MESSAGES} messages")
    size = 0
    if len(messages[0].ordering_key.encode()) > _ORDERING_KEY_BYTES:
        raise InvalidArgument.field("messages[0].orderingKey", f"is longer than {_ORDERING_KEY_BYTES} bytes")
    for index, message in enumerate(messages):
        size += len(message.data)
        if message.ordering_key != messages[0].ordering_key:
            raise InvalidArgument.field("messages", "one request is for one orderingKey; send the others apart")
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


class Sized(Protocol):
    """A message whose size counts."""

    @property
    def data(self) -> bytes:
        """Its body."""

    @property
    def attributes(self) -> Mapping[str, str] | None:
        """Its attributes."""


S = TypeVar("S", bound=Sized)


def within(messages: Sequence[S], most_bytes: int) -> list[S]:
    """Answer the messages before the bytes run out; the last one may exceed them, as with Google."""
    size = 0
    for count, message in enumerate(messages):
        if size >= most_bytes:
            return list(messages[:count])
        size += message_bytes(message)
    return list(messages)


def message_bytes(message: Sized) -> int:
    """Answer how many bytes a message counts as."""
    size = len(message.data)
    if message.attributes:
        size += sum(len(key) + len(value) for key, value in message.attributes.items())
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


def parse_ack_id(text: str) -> tuple[int, int, int]:
    """Read subscription, message and attempt of an ack id.

    Raises InvalidArgument for a text that this server cannot have handed out.
    """
    try:
        owner, message_id, attempt = map(int, base64.urlsafe_b64decode(text.encode()).split(b":"))
    except (ValueError, binascii.Error):
        raise _malformed(text) from None
    if text != ack_id(owner, message_id, attempt) or max(owner, message_id, attempt) > _LARGEST:
        raise _malformed(text)
    return owner, message_id, attempt


def read_ack_ids(subscription_id: int, ack_ids: Iterable[str]) -> dict[int, list[int]]:
    """Sort ack ids into message ids by attempt; those of other subscriptions count for nothing.

    Raises InvalidArgument for a text that this server cannot have handed out.
    """
    found: dict[int, list[int]] = {}
    for text in ack_ids:
        owner, message_id, attempt = parse_ack_id(text)
        if owner == subscription_id:
            found.setdefault(attempt, []).append(message_id)
    return found


def _malformed(text: str) -> InvalidArgument:
    return InvalidArgument.field("ackIds", f"{text[:60]!r} is not an ack id of this server")
