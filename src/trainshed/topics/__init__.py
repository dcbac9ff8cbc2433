"""Topics: messages that are stored before they are acknowledged and delivered until somebody is done with them.

- `model`: Topic, Subscription, Options, PubsubMessage, Delivery.
- `lifecycle`: what can become of a delivery.
- `policy`: names, limits, backoff, ack ids. Pure.
- `store`: tables and SQL.
- `attempts`: leasing, answers, missed deadlines, dead letters, inside the caller's transaction.
- `envelope`: what a push endpoint receives. Pure.
- `service`: the verbs.
- `loop`: the delivering and cleaning duties; `Arrivals`, by which pulling clients wait.
"""

from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.loop import Arrivals, Deliver, Deliverer, duties
from trainshed.topics.model import (
    DELETED_TOPIC,
    DeadLetterPolicy,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    RetryPolicy,
    Subscription,
    Topic,
)
from trainshed.topics.service import Service

__all__ = [
    "DELETED_TOPIC",
    "DELIVERY",
    "Arrivals",
    "DeadLetterPolicy",
    "Deliver",
    "Deliverer",
    "Delivery",
    "Kind",
    "Options",
    "PubsubMessage",
    "RetryPolicy",
    "Service",
    "Subscription",
    "Topic",
    "duties",
]
