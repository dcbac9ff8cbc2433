"""Topics: messages that are stored before they are acknowledged and delivered until somebody is done with them.

- `model`: Topic, Subscription, Options, PubsubMessage, Delivery, Snapshot.
- `lifecycle`: what can become of a delivery.
- `policy`: names, limits, backoff, ack ids. `filters`: which messages a subscription wants. Pure.
- `tables`. `store`: SQL of deliveries. `store_publishing`: of messages that come. `store_resources`: SQL of topics and subscriptions.
- `attempts`: leasing, answers, missed deadlines, dead letters, inside the caller's transaction.
- `ordering`: what order within a key asks of leasing and of what comes again.
- `envelope`: what a push endpoint receives. Pure.
- `schemas`: schemas of messages, their revisions, and what fits them.
- `service`: the verbs; `resources`: those of topics and subscriptions themselves. `handover`: those of delivering by ourselves. `snapshots`, `store_snapshots`: snapshots, retained messages, seeking.
- `backlog`: how much waits, and a look at it.
- `upkeep`: what grows old.
- `loop`: the delivering and cleaning duties; `Arrivals`, by which pulling clients wait.
"""

from trainshed.topics.backlog import Backlog, Backlogs, DeadLetters, Looked, Subscribed, channels
from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.loop import Arrivals, Deliver, Deliverer, Endpoints, duties
from trainshed.topics.model import (
    DELETED_TOPIC,
    UNBOUNDED,
    Answered,
    DeadLetterPolicy,
    Delivery,
    Encoding,
    Kind,
    Options,
    PubsubMessage,
    PushIdentity,
    RetryPolicy,
    Room,
    SchemaSettings,
    Snapshot,
    Subscription,
    Topic,
    TopicOptions,
    Wrapper,
)
from trainshed.topics.policy import DEFAULT_EXPIRATION_SECONDS, message_bytes
from trainshed.topics.schemas import Definition, Schema, Schemas, SchemaType
from trainshed.topics.service import Service, UncheckedError, refuse_failed

__all__ = [
    "DEFAULT_EXPIRATION_SECONDS",
    "DELETED_TOPIC",
    "DELIVERY",
    "UNBOUNDED",
    "Answered",
    "Arrivals",
    "Backlog",
    "Backlogs",
    "DeadLetterPolicy",
    "DeadLetters",
    "Definition",
    "Deliver",
    "Deliverer",
    "Delivery",
    "Encoding",
    "Endpoints",
    "Kind",
    "Looked",
    "Options",
    "PubsubMessage",
    "PushIdentity",
    "RetryPolicy",
    "Room",
    "Schema",
    "SchemaSettings",
    "SchemaType",
    "Schemas",
    "Service",
    "Snapshot",
    "Subscribed",
    "Subscription",
    "Topic",
    "TopicOptions",
    "UncheckedError",
    "Wrapper",
    "channels",
    "duties",
    "message_bytes",
    "refuse_failed",
]
