"""Records of topics, subscriptions, messages and deliveries."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

DELETED_TOPIC = "_deleted-topic_"  # what a subscription names once its topic is gone, as Google does


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
    ordering_key: str = ""  # kept and handed on; order is not promised
    parent_receipt_id: str = ""  # receipt of the event that published it; empty: somebody outside


@dataclass(frozen=True, kw_only=True)
class Topic:
    """A named stream of messages."""

    name: str
    labels: Mapping[str, str]
    create_time: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Topic":
        """Read a row of `topics`."""
        return cls(name=row.name, labels=row.labels, create_time=row.create_time)


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


@dataclass(frozen=True, kw_only=True)
class Options:
    """What a subscription's owner may set, and change."""

    kind: Kind = Kind.PULL
    target: str = ""  # internal: function:projects/…, run-trigger:NAME, …
    push_endpoint: str = ""
    push_attributes: Mapping[str, str] = field(default_factory=dict)
    ack_deadline_seconds: int = 10
    retention_seconds: float = 7 * 86400.0
    retain_acked: bool = False
    retry_policy: RetryPolicy | None = None  # None: at once (push and internal: from 0.1 s to a minute)
    dead_letter_policy: DeadLetterPolicy | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """Who gets a topic's messages from now on."""

    subscription_id: int  # never used again, not even by a later subscription of the same name
    name: str
    topic: str
    options: Options
    create_time: datetime


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
    attempt: int  # the fencing token; 1 + nacks + missed deadlines
    delivery_attempt: int  # what subscribers are shown: 0 without a dead-letter policy
    ack_id: str
    parent_receipt_id: str

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"subscription": self.subscription, "message_id": self.message_id}


def options_document(options: Options) -> dict[str, Any]:
    """Write options as JSON for the store."""
    return asdict(options)


def read_options(document: Mapping[str, Any]) -> Options:
    """Read what `options_document` wrote."""
    retry, dead = document["retry_policy"], document["dead_letter_policy"]
    nested = {
        "kind": Kind(document["kind"]),
        "retry_policy": RetryPolicy(**retry) if retry else None,
        "dead_letter_policy": DeadLetterPolicy(**dead) if dead else None,
    }
    return Options(**{**document, **nested})
