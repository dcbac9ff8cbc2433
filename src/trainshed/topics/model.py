"""Records of topics, subscriptions, messages and deliveries."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DELETED_TOPIC = "_deleted-topic_"  # what a subscription names once its topic is gone, as Google does
DELETED_SCHEMA = "_deleted-schema_"  # what a topic names once its schema is gone


class Kind(StrEnum):
    """How a subscription hands its messages over."""

    PULL = "pull"  # a client asks
    PUSH = "push"  # we post to its endpoint
    INTERNAL = "internal"  # we call something of ours: a function, a trigger


@dataclass(frozen=True, kw_only=True)
class PubsubMessage:
    """A message as its publisher gives it."""

    data: bytes = b""
    attributes: Mapping[str, str] = field(default_factory=dict)
    ordering_key: str = ""  # where a subscription asks for it, messages of one key come in their order
    parent_receipt_id: str = ""  # receipt of the event that published it; empty: somebody outside


class Encoding(StrEnum):
    """How messages of a topic with a schema are written."""

    JSON = "JSON"
    BINARY = "BINARY"


@dataclass(frozen=True, kw_only=True)
class SchemaSettings:
    """What messages of a topic have to look like: the newest revision of the range that they fit counts."""

    schema: str  # name of the schema, without a revision
    encoding: Encoding
    first_revision_id: str = ""  # empty: the oldest
    last_revision_id: str = ""  # empty: the newest


@dataclass(frozen=True, kw_only=True)
class TopicOptions:
    """What a topic's owner may set, and change."""

    labels: Mapping[str, str] = field(default_factory=dict)
    retention_seconds: float | None = None  # how long every message stays for seeking; None: not at all
    schema: SchemaSettings | None = None


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A named stream of messages."""

    name: str
    options: TopicOptions
    create_time: datetime

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels among the options."""
        return self.options.labels

    @classmethod
    def from_row(cls, row: Any) -> "Topic":
        """Read a row of `topics`."""
        return cls(name=row.name, options=read_topic_options(row.options), create_time=row.create_time)


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """How long to wait before a message is handed out again; grows twofold from the least to the most."""

    minimum_seconds: float = 10.0
    maximum_seconds: float = 600.0


@dataclass(frozen=True, kw_only=True)
class DeadLetterPolicy:
    """Where a message goes after too many attempts."""

    topic: str
    max_delivery_attempts: int = 5


class Wrapper(StrEnum):
    """What a push endpoint gets as the body of its request."""

    DEFAULT = ""  # Pub/Sub's envelope, without anybody having asked for it
    PUBSUB = "pubsub"  # Pub/Sub's envelope
    NONE = "none"  # the data of the message alone
    METADATA = "metadata"  # the data; everything else as headers


@dataclass(frozen=True, kw_only=True)
class PushIdentity:
    """Whose signed token goes with every push."""

    email: str
    audience: str = ""  # empty: the endpoint


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a subscription's owner may set, and change."""

    kind: Kind = Kind.PULL
    target: str = ""  # internal: function:projects/…, run-trigger:NAME, …
    push_endpoint: str = ""
    push_attributes: Mapping[str, str] = field(default_factory=dict)
    push_identity: PushIdentity | None = None
    push_wrapper: Wrapper = Wrapper.DEFAULT
    ack_deadline_seconds: int = 10
    retention_seconds: float = 7 * 86400.0
    retain_acked: bool = False
    retry_policy: RetryPolicy | None = None  # None: at once (push and internal: from 0.1 s to a minute)
    dead_letter_policy: DeadLetterPolicy | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    filter: str = ""  # see `filters`; fixed at creation
    is_ordered: bool = False  # messages of one ordering key in their order; fixed at creation
    is_exactly_once: bool = False
    expiration_seconds: float | None = None  # how long it may lie unused; None: for ever


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Who gets a topic's messages from now on."""

    subscription_id: int  # never used again, not even by a later subscription of the same name
    name: str
    topic: str
    options: Options
    create_time: datetime
    active_time: datetime  # when somebody last used it, to the minute
    is_detached: bool = False
    topic_retention_seconds: float | None = None


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """What a subscription had not acknowledged at a time, and everything that was published since."""

    snapshot_id: int
    name: str
    topic: str
    labels: Mapping[str, str]
    last_message_id: int  # messages after this one count as not acknowledged
    create_time: datetime
    expire_time: datetime


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One attempt to hand one message to one subscription."""

    subscription_id: int
    subscription: str
    kind: Kind
    target: str  # of an internal subscription; the endpoint of a push subscription
    topic: str
    message_id: str
    data: bytes
    attributes: Mapping[str, str]
    ordering_key: str
    publish_time: datetime
    attempt: int  # the fencing token; grows with every attempt and every replay
    delivery_attempt: int  # what subscribers are shown: 0 without a dead-letter policy
    ack_id: str
    parent_receipt_id: str

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"subscription": self.subscription, "message_id": self.message_id}


UNBOUNDED = 2**62  # messages or bytes; numbers that a store can hold


@dataclass(frozen=True, kw_only=True)
class Room:
    """How much may be handed out at once. Bytes are counted as Google does: the last message may exceed them."""

    messages: int
    byte_count: int


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What became of the ack ids of a request. Only exactly-once subscriptions have others than counted ones."""

    counted: int = 0
    done: Sequence[str] = ()
    invalid: Sequence[str] = ()  # of an earlier attempt, or too late
    unordered: Sequence[str] = ()  # an earlier message of the ordering key is not acknowledged


def options_document(options: Options) -> dict[str, Any]:
    """Write options as JSON for the store."""
    return asdict(options)


def read_options(document: Mapping[str, Any]) -> Options:
    """Read what `options_document` wrote."""
    retry, dead = document["retry_policy"], document["dead_letter_policy"]
    identity = document["push_identity"]
    nested = {
        "kind": Kind(document["kind"]),
        "retry_policy": RetryPolicy(**retry) if retry else None,
        "dead_letter_policy": DeadLetterPolicy(**dead) if dead else None,
        "push_identity": PushIdentity(**identity) if identity else None,
        "push_wrapper": Wrapper(document["push_wrapper"]),
    }
    return Options(**{**document, **nested})


def read_topic_options(document: Mapping[str, Any]) -> TopicOptions:
    """Read what `asdict` made of a topic's options."""
    schema = document["schema"]
    settings = SchemaSettings(**{**schema, "encoding": Encoding(schema["encoding"])}) if schema else None
    return TopicOptions(**{**document, "schema": settings})
