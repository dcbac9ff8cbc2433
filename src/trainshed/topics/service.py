"""The verbs of topics and subscriptions: one transaction each."""

import base64
import logging
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from sqlalchemy import Connection

from trainshed.clock import Clock
from trainshed.errors import FailedPrecondition, InvalidAckIds, InvalidArgument, NotFound
from trainshed.sql import Database, notify
from trainshed.topics import attempts, policy, store
from trainshed.topics import store_resources as resources
from trainshed.topics.backlog import Backlogs
from trainshed.topics.handover import Handover
from trainshed.topics.model import (
    Answered,
    Delivery,
    Kind,
    Options,
    PubsubMessage,
    Room,
    SchemaSettings,
    Subscription,
)
from trainshed.topics.resources import Resources
from trainshed.topics.schemas import Schemas
from trainshed.topics.snapshots import Snapshots

log = logging.getLogger(__name__)
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


class Service(Resources):
    """Topics, subscriptions, messages and their deliveries."""

    def __init__(self, db: Database, clock: Clock) -> None:
        super().__init__(db, clock)
        self.handover = Handover(db, clock, self.upkeep)
        self.snapshots = Snapshots(db, clock)
        self.backlogs = Backlogs(db)
        self.schemas = Schemas(db, clock)

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

    def begin_pull(self, name: str, *, room: Room, deadline_seconds: float = 0) -> "Future[Pulled]":
        """Hand out what is due at a pull subscription, now; the ack deadline is the subscription's, or another.

        Raises InvalidArgument; the answer raises NotFound, FailedPrecondition.
        """
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

    def begin_acknowledge(self, name: str, ack_ids: Iterable[str]) -> "Future[Answered]":
        """Finish deliveries; answers to an earlier attempt count for nothing.

        Raises InvalidArgument without any. The answer raises NotFound, and says which of them an exactly-once subscription
        refuses; the others count.
        """
        return self._answer(name, ack_ids, attempts.acknowledge)

    def begin_modify(self, name: str, ack_ids: Iterable[str], seconds: int) -> "Future[Answered]":
        """Move the ack deadline to `seconds` from now; 0 refuses the message for now. Raises as `begin_acknowledge`."""
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


def _with_parent(message: PubsubMessage, parent_receipt_id: str) -> PubsubMessage:
    return replace(message, parent_receipt_id=parent_receipt_id)


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
