"""The verbs of topics and subscriptions: one transaction each."""

import base64
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from datetime import datetime, timedelta
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection

from trainshed import names
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument, NotFound
from trainshed.sql import Database, notify
from trainshed.topics import attempts, policy, store
from trainshed.topics.model import (
    DELETED_TOPIC,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    Subscription,
    Topic,
)

log = logging.getLogger(__name__)
_PAGE = 1000
_CLEAN_AT_ONCE = 2000
_LONGEST_DEADLINE = 600
_MOST_PULLED = 1000


class Pulled(NamedTuple):
    """What was handed out, and when there may be more; None without anything that waits."""

    deliveries: list[Delivery]
    next_due: datetime | None


class Service:
    """Topics, subscriptions, messages and their deliveries."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock

    def create_topic(self, name: str, *, labels: Mapping[str, str] | None = None) -> Topic:
        """Make a topic. Raises AlreadyExists."""
        policy.check_name(policy.TOPIC, name)
        topic = Topic(name=name, labels=dict(labels or {}), create_time=self.clock.now())
        if not self.db.write(lambda conn: store.insert_topic(conn, topic)):
            raise AlreadyExists(f"There is a topic {name!r} already.")
        return topic

    def ensure_topic_in(self, conn: Connection, name: str) -> None:
        """Make the topic be there, in the caller's transaction."""
        policy.check_name(policy.TOPIC, name)
        store.insert_topic(conn, Topic(name=name, labels={}, create_time=self.clock.now()))

    def get_topic(self, name: str) -> Topic:
        """Read a topic. Raises NotFound."""
        names.parse(policy.TOPIC, name)
        return self.db.read(lambda conn: store.get_topic(conn, name))

    def list_topics(self, project: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Topic], str]:
        """Read a page of the topics of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        limit = min(page_size or _PAGE, _PAGE)
        after = names.read_page_token(page_token).get("after", "")
        read = partial(store.list_topics, prefix=f"{project}/topics/", after=after, limit=limit)
        found = self.db.read(read)
        return found, names.page_token(after=found[-1].name) if len(found) == limit else ""

    def relabel_topic(self, name: str, labels: Mapping[str, str]) -> Topic:
        """Replace the labels of a topic. Raises NotFound."""

        def verb(conn: Connection) -> Topic:
            store.get_topic(conn, name)
            store.relabel_topic(conn, name, labels)
            return store.get_topic(conn, name)

        return self.db.write(verb)

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they have. Raises NotFound."""

        def verb(conn: Connection) -> None:
            store.get_topic(conn, name)
            store.delete_topic(conn, name)

        self.db.write(verb)

    def topic_subscriptions(self, topic: str) -> list[str]:
        """Read the names of a topic's subscriptions. Raises NotFound."""

        def query(conn: Connection) -> list[str]:
            store.get_topic(conn, topic)
            return [s.name for s in store.list_subscriptions(conn, topic=topic)]

        return self.db.read(query)

    def create_subscription(self, name: str, topic: str, options: Options) -> Subscription:
        """Make a subscription: it gets what is published from now on. Raises NotFound, AlreadyExists."""

        def verb(conn: Connection) -> Subscription:
            store.get_topic(conn, topic)
            if not store.insert_subscription(conn, name, topic, options, now=self.clock.now()):
                raise AlreadyExists(f"There is a subscription {name!r} already.")
            notify(conn, attempts.CHANGED)
            return store.get_subscription(conn, name)

        self._check(name, topic, options)
        return self.db.write(verb)

    def subscribe_in(self, conn: Connection, name: str, topic: str, options: Options) -> Subscription:
        """Make the subscription be there with these options, in the caller's transaction. Raises NotFound.

        One of that name on another topic is replaced.
        """
        self._check(name, topic, options)
        store.get_topic(conn, topic)
        notify(conn, attempts.CHANGED)
        if not store.insert_subscription(conn, name, topic, options, now=self.clock.now()):
            found = store.get_subscription(conn, name)
            if found.topic == topic:
                store.change_subscription(conn, found.subscription_id, options)
            else:
                store.delete_subscription(conn, found.subscription_id)
                store.insert_subscription(conn, name, topic, options, now=self.clock.now())
        return store.get_subscription(conn, name)

    def unsubscribe_in(self, conn: Connection, name: str) -> None:
        """Remove a subscription, if it is there, in the caller's transaction."""
        try:
            found = store.get_subscription(conn, name)
        except NotFound:
            return
        store.delete_subscription(conn, found.subscription_id)
        notify(conn, attempts.CHANGED)

    def get_subscription(self, name: str) -> Subscription:
        """Read a subscription. Raises NotFound."""
        names.parse(policy.SUBSCRIPTION, name, field="subscription")
        return self.db.read(lambda conn: store.get_subscription(conn, name))

    def list_subscriptions(
        self, project: str, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Subscription], str]:
        """Read a page of the subscriptions of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        limit = min(page_size or _PAGE, _PAGE)
        after = names.read_page_token(page_token).get("after", "")
        prefix = f"{project}/subscriptions/"
        found = self.db.read(lambda conn: store.list_subscriptions(conn, prefix, after=after, limit=limit))
        return found, names.page_token(after=found[-1].name) if len(found) == limit else ""

    def change_subscription(self, name: str, change: Callable[[Options], Options]) -> Subscription:
        """Replace the options of a subscription. Raises NotFound."""

        def verb(conn: Connection) -> Subscription:
            found = store.get_subscription(conn, name)
            _refuse_internal(found)
            store.change_subscription(conn, found.subscription_id, policy.check_options(change(found.options)))
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.PUSHING)
            return store.get_subscription(conn, name)

        return self.db.write(verb)

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with what it has not acknowledged. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = store.get_subscription(conn, name)
            store.delete_subscription(conn, found.subscription_id)
            notify(conn, attempts.CHANGED)

        self.db.write(verb)

    def detach_subscription(self, name: str) -> None:
        """Cut a subscription off its topic; it keeps nothing. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = store.get_subscription(conn, name)
            store.detach_subscription(conn, found.subscription_id)
            notify(conn, attempts.CHANGED)

        self.db.write(verb)

    def publish(self, topic: str, messages: Sequence[PubsubMessage]) -> list[str]:
        """Store messages and answer their ids once they are on disk. Raises NotFound."""
        return self.begin_publish(topic, messages).result()

    def begin_publish(self, topic: str, messages: Sequence[PubsubMessage]) -> "Future[list[str]]":
        """Do as `publish`, for callers that cannot wait here; done once they are on disk."""
        policy.check_messages(messages)
        return self.db.submit(partial(attempts.publish, topic=topic, messages=messages, now=self.clock.now()))

    def publish_in(
        self, conn: Connection, topic: str, messages: Sequence[PubsubMessage], *, parent_receipt_id: str = ""
    ) -> list[str]:
        """Publish within the caller's transaction. Raises NotFound."""
        if parent_receipt_id:
            messages = [_with_parent(m, parent_receipt_id) for m in messages]
        return attempts.publish(conn, topic, messages, now=self.clock.now())

    def on_publish(self, conn: Connection, payload: Mapping[str, Any]) -> None:
        """Handle the outbox entry `topic.publish`: {topic, data in base64, attributes, parent_receipt_id}."""
        message = PubsubMessage(
            data=base64.b64decode(payload.get("data", "")),
            attributes=payload.get("attributes") or {},
            parent_receipt_id=payload.get("parent_receipt_id") or "",
        )
        try:
            attempts.publish(conn, payload["topic"], [message], now=self.clock.now())
        except NotFound:  # nobody can be subscribed to a topic that is gone
            log.warning(
                "A message for %s was dropped: the topic is gone.",
                payload["topic"],
                extra={"action": "topic_gone", "topic": payload["topic"]},
            )

    def pull(self, name: str, *, max_messages: int) -> list[Delivery]:
        """Hand out what is due at a pull subscription, now. Raises NotFound, FailedPrecondition."""
        return self.begin_pull(name, max_messages=max_messages).result().deliveries

    def begin_pull(self, name: str, *, max_messages: int, deadline_seconds: float = 0) -> "Future[Pulled]":
        """Do as `pull`, for callers that cannot wait here; the ack deadline is the subscription's, or another."""
        if max_messages <= 0:
            raise InvalidArgument.field("maxMessages", "ask for at least one message")
        limit = min(max_messages, _MOST_PULLED)

        def verb(conn: Connection) -> Pulled:
            found, now = store.get_subscription(conn, name), self.clock.now()
            _refuse_pushing(found)
            leased = attempts.lease(conn, found, limit=limit, now=now, deadline_seconds=deadline_seconds)
            due = now if len(leased) == limit else store.next_due(conn, found.subscription_id)
            return Pulled(deliveries=leased, next_due=due)

        return self.db.submit(verb)

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> int:
        """Finish deliveries; answers to an earlier attempt count for nothing. Answer how many counted."""
        return self.begin_acknowledge(name, ack_ids).result()

    def begin_acknowledge(self, name: str, ack_ids: Iterable[str]) -> "Future[int]":
        """Do as `acknowledge`, for callers that cannot wait here."""
        return self._answer(name, ack_ids, attempts.acknowledge)

    def modify_ack_deadline(self, name: str, ack_ids: Iterable[str], seconds: int) -> int:
        """Move the ack deadline to `seconds` from now; 0 refuses the message for now."""
        return self.begin_modify(name, ack_ids, seconds).result()

    def begin_modify(self, name: str, ack_ids: Iterable[str], seconds: int) -> "Future[int]":
        """Do as `modify_ack_deadline`, for callers that cannot wait here."""
        if not 0 <= seconds <= _LONGEST_DEADLINE:
            raise InvalidArgument.field("ackDeadlineSeconds", f"{seconds} is outside 0..{_LONGEST_DEADLINE}")
        verb = partial(attempts.extend, seconds=seconds) if seconds else attempts.refuse
        return self._answer(name, ack_ids, verb)

    def redeliver(self, name: str, message_id: str) -> None:
        """Deliver an acknowledged or dead message once more. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> None:
            found = store.get_subscription(conn, name)
            number = int(message_id) if message_id.isdecimal() else 0
            row = store.find_delivery(conn, found.subscription_id, number)
            if row is None:
                raise NotFound(f"Message {message_id!r} of {name} is gone: it was cleaned away after its retention.")
            now = self.clock.now()
            if not store.transit(conn, found.subscription_id, [number], "replay", now=now, due_time=now):
                raise FailedPrecondition(f"Message {message_id!r} of {name} is being delivered already.")
            notify(conn, attempts.PUSHING)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def counts(self, name: str) -> dict[str, int]:
        """Answer how many deliveries of a subscription are in each state. Raises NotFound."""
        return self.db.read(lambda conn: store.counts(conn, store.get_subscription(conn, name).subscription_id))

    def pushing(self) -> list[Subscription]:
        """Read the subscriptions that we deliver to by ourselves."""
        found = self.db.read(store.list_subscriptions)
        return [s for s in found if s.options.kind is not Kind.PULL]

    def dues(self, subscriptions: Sequence[Subscription]) -> dict[int, Any]:
        """Answer when each subscription has something due."""
        return self.db.read(
            lambda conn: {s.subscription_id: store.next_due(conn, s.subscription_id) for s in subscriptions}
        )

    def lease_for(
        self, slots: Sequence[tuple[Subscription, int]], under_way: Sequence[tuple[Subscription, int, int]]
    ) -> list[Delivery]:
        """Keep what is under way (message id, attempt) and hand out what is due, as many as there are slots."""

        def verb(conn: Connection) -> list[Delivery]:
            now = self.clock.now()
            for subscription, message_id, attempt in under_way:
                seconds = subscription.options.ack_deadline_seconds
                attempts.extend(conn, subscription, {attempt: [message_id]}, seconds=seconds, now=now)
            leased: list[Delivery] = []
            for subscription, limit in slots:
                leased += attempts.lease(conn, subscription, limit=limit, now=now)
            return leased

        return self.db.write(verb)

    def settle(self, subscription: Subscription, delivery: Delivery, *, is_acked: bool) -> "Future[int]":
        """Record the answer to an attempt of ours; done once it is on disk."""
        answers = {delivery.attempt: [int(delivery.message_id)]}
        verb = attempts.acknowledge if is_acked else attempts.refuse
        return self.db.submit(lambda conn: verb(conn, subscription, answers, now=self.clock.now()))

    def abandon(self) -> int:
        """At start: take back what the last server was delivering, so that it goes on at once."""
        ids = [s.subscription_id for s in self.pushing()]
        return self.db.write(lambda conn: store.abandon_outstanding(conn, ids, now=self.clock.now()))

    def clean(self) -> int:
        """Forget what is past its retention, in small transactions; answer how many deliveries went."""
        subscriptions = self.db.read(store.list_subscriptions)
        return sum(self._expire(s) + self._forget(s) for s in subscriptions)

    def _expire(self, subscription: Subscription) -> int:
        now = self.clock.now()
        before = now - timedelta(seconds=subscription.options.retention_seconds)
        key = subscription.subscription_id
        ids = self.db.read(lambda conn: store.overdue_ids(conn, key, before=before, limit=_CLEAN_AT_ONCE))
        if ids:
            self.db.write(lambda conn: store.transit(conn, key, ids, "expire", now=now, due_time=now))
        return 0

    def _forget(self, subscription: Subscription) -> int:
        key, gone = subscription.subscription_id, 0
        while ids := self.db.read(
            lambda conn: store.finished_ids(conn, key, now=self.clock.now(), limit=_CLEAN_AT_ONCE)
        ):
            self.db.write(partial(store.forget, subscription_id=key, message_ids=ids))
            gone += len(ids)
        return gone

    def _answer(self, name: str, ack_ids: Iterable[str], verb: Callable[..., int]) -> "Future[int]":
        def write(conn: Connection) -> int:
            found = store.get_subscription(conn, name)
            answers = policy.read_ack_ids(found.subscription_id, ack_ids)
            return verb(conn, found, answers, now=self.clock.now())

        return self.db.submit(write)

    def _check(self, name: str, topic: str, options: Options) -> None:
        policy.check_name(policy.SUBSCRIPTION, name)
        policy.check_name(policy.TOPIC, topic, field="topic")
        policy.check_options(options)


def _with_parent(message: PubsubMessage, parent_receipt_id: str) -> PubsubMessage:
    return PubsubMessage(
        data=message.data,
        attributes=message.attributes,
        ordering_key=message.ordering_key,
        parent_receipt_id=parent_receipt_id,
    )


def _refuse_internal(subscription: Subscription) -> None:
    if subscription.options.kind is Kind.INTERNAL:
        raise FailedPrecondition(
            f"{subscription.name} belongs to {subscription.options.target}; change it there.",
            reason="SUBSCRIPTION_INTERNAL",
        )


def _refuse_pushing(subscription: Subscription) -> None:
    if subscription.topic == DELETED_TOPIC and subscription.options.kind is Kind.PULL:
        return
    if subscription.options.kind is not Kind.PULL:
        raise FailedPrecondition(
            f"{subscription.name} is a {subscription.options.kind} subscription: its messages go to "
            f"{subscription.options.target or subscription.options.push_endpoint}; pull from one without an endpoint.",
            reason="SUBSCRIPTION_NOT_PULL",
        )
