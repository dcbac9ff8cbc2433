"""What brings a version its events: a subscription to its topic, or to the topic of its bucket's notifications."""

from typing import Protocol

from sqlalchemy import Connection

from trainshed.functions.addresses import check_name, subscription
from trainshed.functions.model import FINALIZED, Version


class Subscriptions(Protocol):
    """What functions need of topics; called in the transaction of a deployment."""

    def attach(self, conn: Connection, *, subscription: str, topic: str, target: str, retry: bool) -> None:
        """Feed `target` from a topic, which is created when it is missing; replaces the subscription of that name."""
        ...

    def detach(self, conn: Connection, *, subscription: str) -> None:
        """Stop feeding; a subscription that is gone is fine."""
        ...

    def require(self, conn: Connection, *, bucket: str) -> None:
        """Look that a bucket is there. Raises NotFound."""
        ...

    def watch(self, conn: Connection, *, bucket: str, topic: str, kind: str) -> None:
        """Notify a topic of what happens to a bucket's objects: of new ones (OBJECT_FINALIZE) and so on."""
        ...


def fed_by(version: Version) -> str:
    """Answer the subscription that brings a version its events; "" for none."""
    topic = topic_of(version)
    return subscription(version.function, topic, version.configuration.generation) if topic else ""


def topic_of(version: Version) -> str:
    """Answer the topic of those events; a bucket has one of its own for each kind of notification."""
    configuration = version.configuration
    if not configuration.bucket:
        return configuration.topic
    project = check_name(version.function)["project"]
    kind = "" if configuration.object_event == FINALIZED else "-" + configuration.object_event.removeprefix("OBJECT_")
    return f"projects/{project}/topics/gcf-bucket-{configuration.bucket}{kind.lower()}"


def feed(conn: Connection, subscriptions: Subscriptions, before: Version | None, version: Version) -> None:
    """Bring a version its events, and the one before it no more."""
    old, new = before and fed_by(before), fed_by(version)
    if old and old != new:
        subscriptions.detach(conn, subscription=old)
    if not new:
        return
    configuration, topic = version.configuration, topic_of(version)
    target = f"function:{version.function}"
    subscriptions.attach(conn, subscription=new, topic=topic, target=target, retry=configuration.retry)
    if configuration.bucket:
        subscriptions.watch(conn, bucket=configuration.bucket, topic=topic, kind=configuration.object_event)
