"""The verbs of topics and subscriptions: one transaction each."""

import base64
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection

from trainshed import names, policies
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidAckIds, InvalidArgument, NotFound
from trainshed.sql import Database, notify
from trainshed.topics import attempts, policy, store, store_snapshots
from trainshed.topics import store_resources as resources
from trainshed.topics.backlog import Backlogs
from trainshed.topics.handover import Handover
from trainshed.topics.model import (
    UNBOUNDED,
    Answered,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    Room,
    SchemaSettings,
    Subscription,
    Topic,
    TopicOptions,
)
from trainshed.topics.schemas import Schemas, check_settings
from trainshed.topics.snapshots import Snapshots
from trainshed.topics.upkeep import Upkeep

log = logging.getLogger(__name__)
_PAGE = 1000
_LONGEST_DEADLINE = 600
_MOST_PULLED = 1000
# What Google's clients look for when an exactly-once subscription refuses ack ids.
_INVALID, _UNORDERED = "PERMANENT_FAILURE_INVALID_ACK_ID", "TRANSIENT_FAILURE_UNORDERED_ACK_ID"


class Pulled(NamedTuple):
    """What was handed out, and when there may be more; None without anything that waits."""

    deliveries: list[Delivery]
    next_due: datetime | None
    options: Options | None  # of the subscription; None where nobody asked


class UncheckedError(Exception):
    """The topic has a schema that the messages were not checked against."""


class Service:
    """Topics, subscriptions, messages and their deliveries."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self.db = db
        self.clock = clock
        self.upkeep = Upkeep(db, clock)
        self.handover = Handover(db, clock, self.upkeep)
        self.snapshots = Snapshots(db, clock)
        self.backlogs = Backlogs(db)
        self.schemas = Schemas(db, clock)

    def create_topic(self, name: str, options: TopicOptions | None = None) -> Topic:
        """Make a topic. Raises AlreadyExists, and NotFound without its schema."""
        policy.check_name(policy.TOPIC, name)
        checked = policy.check_topic_options(options or TopicOptions())
        topic = Topic(name=name, options=checked, create_time=self.clock.now())

        def verb(conn: Connection) -> bool:
            _check_schema(conn, checked)
            notify(conn, attempts.CHANGED)
            return resources.insert_topic(conn, topic)

        if not self.db.write(verb):
            raise AlreadyExists(f"There is a topic {name!r} already.")
        return topic

    def ensure_topic_in(self, conn: Connection, name: str) -> None:
        """Make the topic be there, in the caller's transaction."""
        policy.check_name(policy.TOPIC, name)
        resources.insert_topic(conn, Topic(name=name, options=TopicOptions(), create_time=self.clock.now()))

    def get_topic(self, name: str) -> Topic:
        """Read a topic. Raises NotFound."""
        names.parse(policy.TOPIC, name)
        return self.db.read(lambda conn: resources.get_topic(conn, name))

    def list_topics(self, project: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Topic], str]:
        """Read a page of the topics of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        limit = min(page_size or _PAGE, _PAGE)
        after = names.read_page_token(page_token).get("after", "")
        read = partial(resources.list_topics, prefix=f"{project}/topics/", after=after, limit=limit)
        found = self.db.read(read)
        return found, names.page_token(after=found[-1].name) if len(found) == limit else ""

    def change_topic(self, name: str, change: Callable[[TopicOptions], TopicOptions]) -> Topic:
        """Replace the options of a topic. Raises NotFound."""

        def verb(conn: Connection) -> Topic:
            found = resources.get_topic(conn, name)
            options = policy.check_topic_options(change(found.options))
            if options.schema != found.options.schema:
                _check_schema(conn, options)
            resources.change_topic(conn, name, options)
            return resources.get_topic(conn, name)

        return self.db.write(verb)

    def delete_topic(self, name: str) -> None:
        """Remove a topic; its subscriptions keep what they have. Raises NotFound."""

        def verb(conn: Connection) -> None:
            resources.get_topic(conn, name)
            resources.delete_topic(conn, name)
            notify(conn, attempts.CHANGED)
            store_snapshots.orphan(conn, name)
            policies.forget(conn, name)

        self.db.write(verb)

    def topic_subscriptions(self, topic: str) -> list[str]:
        """Read the names of a topic's subscriptions. Raises NotFound."""

        def query(conn: Connection) -> list[str]:
            resources.get_topic(conn, topic)
            return [s.name for s in resources.list_subscriptions(conn, topic=topic)]

        return self.db.read(query)

    def list_topic_subscriptions(
        self, topic: str, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[str], str]:
        """Read a page of the names of a topic's subscriptions, and the token of the next page. Raises NotFound."""
        limit = min(page_size or _PAGE, _PAGE)
        after = names.read_page_token(page_token).get("after", "")

        def query(conn: Connection) -> list[str]:
            resources.get_topic(conn, topic)
            return [s.name for s in resources.list_subscriptions(conn, topic=topic, after=after, limit=limit)]

        found = self.db.read(query)
        return found, names.page_token(after=found[-1]) if len(found) == limit else ""

    def create_subscription(self, name: str, topic: str, options: Options) -> Subscription:
        """Make a subscription: it gets what is published from now on. Raises NotFound, AlreadyExists."""

        def verb(conn: Connection) -> Subscription:
            resources.get_topic(conn, topic)
            _check_dead_letter_topic(conn, options)
            if not resources.insert_subscription(conn, name, topic, options, now=self.clock.now()):
                raise AlreadyExists(f"There is a subscription {name!r} already.")
            notify(conn, attempts.CHANGED)
            return resources.show_subscription(conn, name)

        self._check(name, topic, options)
        return self.db.write(verb)

    def subscribe_in(self, conn: Connection, name: str, topic: str, options: Options) -> Subscription:
        """Make the subscription be there with these options, in the caller's transaction. Raises NotFound.

        One of that name on another topic is replaced.
        """
        self._check(name, topic, options)
        resources.get_topic(conn, topic)
        notify(conn, attempts.CHANGED)
        if not resources.insert_subscription(conn, name, topic, options, now=self.clock.now()):
            found = resources.get_subscription(conn, name)
            if found.topic == topic:
                resources.change_subscription(conn, found.subscription_id, options)
            else:
                resources.delete_subscription(conn, found.subscription_id)
                resources.insert_subscription(conn, name, topic, options, now=self.clock.now())
        return resources.get_subscription(conn, name)

    def unsubscribe_in(self, conn: Connection, name: str) -> None:
        """Remove a subscription, if it is there, in the caller's transaction."""
        try:
            found = resources.get_subscription(conn, name)
        except NotFound:
            return
        resources.delete_subscription(conn, found.subscription_id)
        notify(conn, attempts.CHANGED)

    def get_subscription(self, name: str) -> Subscription:
        """Read a subscription. Raises NotFound."""
        names.parse(policy.SUBSCRIPTION, name, field="subscription")
        return self.db.read(lambda conn: resources.show_subscription(conn, name))

    def list_subscriptions(
        self, project: str, *, page_size: int = 0, page_token: str = ""
    ) -> tuple[list[Subscription], str]:
        """Read a page of the subscriptions of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        limit = min(page_size or _PAGE, _PAGE)
        after = names.read_page_token(page_token).get("after", "")
        prefix = f"{project}/subscriptions/"
        found = self.db.read(lambda conn: resources.list_subscriptions(conn, prefix, after=after, limit=limit))
        return found, names.page_token(after=found[-1].name) if len(found) == limit else ""

    def change_subscription(self, name: str, change: Callable[[Options], Options]) -> Subscription:
        """Replace the options of a subscription. Raises NotFound."""

        def verb(conn: Connection) -> Subscription:
            found = resources.get_subscription(conn, name)
            _refuse_internal(found)
            options = policy.check_options(change(found.options))
            if options.dead_letter_policy != found.options.dead_letter_policy:
                _check_dead_letter_topic(conn, options)
            resources.change_subscription(conn, found.subscription_id, options)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.PUSHING)
            notify(conn, attempts.arrival(found.subscription_id))
            self.upkeep.used(found.subscription_id)
            return resources.show_subscription(conn, name)

        return self.db.write(verb)

    def delete_subscription(self, name: str) -> None:
        """Remove a subscription with what it has not acknowledged. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = resources.get_subscription(conn, name)
            resources.delete_subscription(conn, found.subscription_id)
            policies.forget(conn, name)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def detach_subscription(self, name: str) -> None:
        """Cut a subscription off its topic; it keeps nothing. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = resources.get_subscription(conn, name)
            _refuse_internal(found)
            resources.detach_subscription(conn, found.subscription_id)
            notify(conn, attempts.CHANGED)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def publish(self, topic: str, messages: Sequence[PubsubMessage]) -> list[str]:
        """Store messages and answer their ids once they are on disk. Raises NotFound, and InvalidArgument by a schema."""
        try:
            return self.begin_publish(topic, messages).result()
        except UncheckedError:
            return self.publish_checked(topic, messages)

    def begin_publish(self, topic: str, messages: Sequence[PubsubMessage]) -> "Future[list[str]]":
        """Do as `publish`, for callers that cannot wait here; done once they are on disk.

        Where the topic has a schema it ends with UncheckedError, and `publish_checked`, which takes its time, is to
        be called.
        """
        policy.check_messages(messages)
        return self._submit_publish(topic, messages, None)

    def publish_checked(self, topic: str, messages: Sequence[PubsubMessage]) -> list[str]:
        """Publish to a topic with a schema. Raises NotFound, and InvalidArgument naming the message that does not fit."""
        while True:
            schema = self.get_topic(topic).options.schema
            marked = messages if schema is None else self.schemas.accept(schema, messages)
            try:
                return self._submit_publish(topic, marked, schema).result()
            except UncheckedError:  # somebody gave the topic another schema meanwhile
                continue

    def _submit_publish(
        self, topic: str, messages: Sequence[PubsubMessage], schema: SchemaSettings | None
    ) -> "Future[list[str]]":
        def accept(wanted: SchemaSettings) -> None:
            if wanted != schema:
                raise UncheckedError

        return self.db.submit(lambda conn: attempts.publish(conn, topic, messages, now=self.clock.now(), accept=accept))

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
        return self.begin_pull(name, room=Room(messages=max_messages, byte_count=UNBOUNDED)).result().deliveries

    def begin_pull(self, name: str, *, room: Room, deadline_seconds: float = 0) -> "Future[Pulled]":
        """Do as `pull`, for callers that cannot wait here; the ack deadline is the subscription's, or another."""
        if room.messages <= 0:
            raise InvalidArgument.field("maxMessages", "ask for at least one message")
        limited = room if room.messages <= _MOST_PULLED else replace(room, messages=_MOST_PULLED)

        def verb(conn: Connection) -> Pulled:
            found, now = resources.get_subscription(conn, name), self.clock.now()
            _refuse_pushing(found)
            self.upkeep.used(found.subscription_id)
            leased = attempts.lease(conn, found, room=limited, now=now, deadline_seconds=deadline_seconds)
            after = None if leased or not found.options.is_ordered else now  # what is held up is due, yet not to be had
            due = now if len(leased) == limited.messages else store.next_due(conn, found.subscription_id, after=after)
            return Pulled(deliveries=leased, next_due=due, options=found.options)

        return self.db.submit(verb)

    def acknowledge(self, name: str, ack_ids: Iterable[str]) -> int:
        """Finish deliveries; answers to an earlier attempt count for nothing. Answer how many counted.

        Raises InvalidArgument when an exactly-once subscription refuses one of them; the others count.
        """
        return refuse_failed(self.begin_acknowledge(name, ack_ids).result())

    def begin_acknowledge(self, name: str, ack_ids: Iterable[str]) -> "Future[Answered]":
        """Do as `acknowledge`, for callers that cannot wait here."""
        return self._answer(name, ack_ids, attempts.acknowledge)

    def modify_ack_deadline(self, name: str, ack_ids: Iterable[str], seconds: int) -> int:
        """Move the ack deadline to `seconds` from now; 0 refuses the message for now. Raises as `acknowledge`."""
        return refuse_failed(self.begin_modify(name, ack_ids, seconds).result())

    def begin_modify(self, name: str, ack_ids: Iterable[str], seconds: int) -> "Future[Answered]":
        """Do as `modify_ack_deadline`, for callers that cannot wait here."""
        if not 0 <= seconds <= _LONGEST_DEADLINE:
            raise InvalidArgument.field("ackDeadlineSeconds", f"{seconds} is outside 0..{_LONGEST_DEADLINE}")
        verb = partial(attempts.extend, seconds=seconds) if seconds else attempts.refuse
        return self._answer(name, ack_ids, verb)

    def redeliver(self, name: str, message_id: str) -> None:
        """Deliver an acknowledged or dead message once more. Raises NotFound, FailedPrecondition."""

        def verb(conn: Connection) -> None:
            found = resources.get_subscription(conn, name)
            number = int(message_id) if message_id.isdecimal() else 0
            row = store.find_delivery(conn, found.subscription_id, number)
            if row is None:
                raise NotFound(f"Message {message_id!r} of {name} is gone: it was cleaned away after its retention.")
            now = self.clock.now()
            if not store.transit(conn, found.subscription_id, [number], "replay", now=now, due_time=now):
                raise FailedPrecondition(f"Message {message_id!r} of {name} is being delivered already.")
            notify(conn, attempts.REPLAYED)
            notify(conn, attempts.PUSHING)
            notify(conn, attempts.arrival(found.subscription_id))

        self.db.write(verb)

    def counts(self, name: str) -> dict[str, int]:
        """Answer how many deliveries of a subscription are in each state. Raises NotFound."""
        return self.db.read(lambda conn: store.counts(conn, resources.get_subscription(conn, name).subscription_id))

    def clean(self) -> int:
        """Forget what is past its time, in small transactions; answer how many deliveries went."""
        return self.upkeep.clean()

    def _answer(self, name: str, ack_ids: Iterable[str], verb: attempts.Verb) -> "Future[Answered]":
        given = list(ack_ids)
        if not given:
            raise InvalidArgument.field("ackIds", "is empty; give at least one")

        def write(conn: Connection) -> Answered:
            found, now = resources.get_subscription(conn, name), self.clock.now()
            self.upkeep.used(found.subscription_id)
            if found.options.is_exactly_once:
                return attempts.exactly(conn, found, given, verb, now=now, is_ack=verb is attempts.acknowledge)
            answers = policy.read_ack_ids(found.subscription_id, given)
            return Answered(counted=verb(conn, found, answers, now=now))

        return self.db.submit(write)

    def _check(self, name: str, topic: str, options: Options) -> None:
        policy.check_name(policy.SUBSCRIPTION, name)
        policy.check_name(policy.TOPIC, topic, field="topic")
        policy.check_options(options)


def _with_parent(message: PubsubMessage, parent_receipt_id: str) -> PubsubMessage:
    return replace(message, parent_receipt_id=parent_receipt_id)


def _refuse_internal(subscription: Subscription) -> None:
    if subscription.options.kind is Kind.INTERNAL:
        raise FailedPrecondition(
            f"{subscription.name} belongs to {subscription.options.target}; change it there.",
            reason="SUBSCRIPTION_INTERNAL",
        )


def _refuse_pushing(subscription: Subscription) -> None:
    if subscription.is_detached:
        raise FailedPrecondition(
            f"{subscription.name} is detached from its topic; delete it and make another.",
            reason="SUBSCRIPTION_DETACHED",
        )
    if subscription.options.kind is not Kind.PULL:
        raise FailedPrecondition(
            f"{subscription.name} is a {subscription.options.kind} subscription: its messages go to "
            f"{subscription.options.target or subscription.options.push_endpoint}; pull from one without an endpoint.",
            reason="SUBSCRIPTION_NOT_PULL",
        )


def refuse_failed(answered: Answered) -> int:
    """Answer how many ack ids counted. Raises InvalidArgument as exactly-once subscriptions do when some did not."""
    failed = dict.fromkeys(answered.invalid, _INVALID) | dict.fromkeys(answered.unordered, _UNORDERED)
    if failed:
        raise InvalidAckIds(
            "ackIds: some are of an earlier attempt, too late, or out of their order; the others counted.",
            metadata=failed,
        )
    return answered.counted


def _check_dead_letter_topic(conn: Connection, options: Options) -> None:
    if options.dead_letter_policy is not None:
        resources.get_topic(conn, options.dead_letter_policy.topic)


def _check_schema(conn: Connection, options: TopicOptions) -> None:
    if options.schema is not None:
        check_settings(conn, options.schema)
