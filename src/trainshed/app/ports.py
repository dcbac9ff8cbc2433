"""How features meet: small adapters that `App` hands to the feature that asks. No decisions here."""

from collections.abc import Awaitable, Callable, Mapping

from sqlalchemy import Connection

from trainshed import buckets, functions, topics
from trainshed.errors import NotFound
from trainshed.topics import Kind, Options, RetryPolicy

Deliver = Callable[[str, topics.Delivery], Awaitable[bool]]  # name of the target, delivery → acknowledged?


class Feeds:
    """Feeds functions and triggers from topics and buckets: `functions.Subscriptions`, over topics and buckets."""

    def __init__(self, messages: topics.Service, objects: buckets.Service) -> None:
        self._topics = messages
        self._buckets = objects

    def attach(self, conn: Connection, *, subscription: str, topic: str, target: str, retry: bool) -> None:
        """Deliver a topic to a target of ours; the topic is made when it is missing, as gcloud does."""
        self._topics.ensure_topic_in(conn, topic)
        policy = RetryPolicy(minimum_seconds=1.0, maximum_seconds=60.0) if retry else None
        options = Options(kind=Kind.INTERNAL, target=target, ack_deadline_seconds=600, retry_policy=policy)
        self._topics.subscribe_in(conn, subscription, topic, options)

    def detach(self, conn: Connection, *, subscription: str) -> None:
        """Stop delivering."""
        self._topics.unsubscribe_in(conn, subscription)

    def watch(self, conn: Connection, *, bucket: str, topic: str) -> None:
        """Announce the new objects of a bucket on a topic."""
        self._topics.ensure_topic_in(conn, topic)
        self._buckets.notify_in(conn, bucket, topic)


def deliver_to(kinds: Mapping[str, Deliver]) -> Deliver:
    """Hand a delivery to the kind of target that it names: `function:NAME`, `run-trigger:NAME`, …"""

    async def deliver(target: str, delivery: topics.Delivery) -> bool:
        kind, _, name = target.partition(":")
        if kind not in kinds:
            raise NotFound(f"Nothing here takes deliveries for {target!r}.")
        return await kinds[kind](name, delivery)

    return deliver


def to_function(host: functions.Host) -> Deliver:
    """Hand deliveries to functions."""

    async def deliver(name: str, delivery: topics.Delivery) -> bool:
        event = functions.Event(
            subscription=delivery.subscription,
            message_id=delivery.message_id,
            publish_time=delivery.publish_time,
            topic=delivery.topic,
            data=delivery.data,
            attributes=delivery.attributes,
            delivery_attempt=delivery.attempt,
            parent_receipt_id=delivery.parent_receipt_id,
        )
        return await host.deliver(name, event)

    return deliver
