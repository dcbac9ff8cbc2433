"""The verbs of delivering by ourselves, to endpoints and to features: one transaction each."""

from collections.abc import Sequence
from concurrent.futures import Future
from typing import Any

from sqlalchemy import Connection

from trainshed.clock import Clock
from trainshed.sql import Database
from trainshed.topics import attempts, store
from trainshed.topics import store_resources as resources
from trainshed.topics.model import UNBOUNDED, Delivery, Kind, Room, Subscription
from trainshed.topics.upkeep import Upkeep


class Handover:
    """What the delivering duty asks of the store."""

    def __init__(self, db: Database, clock: Clock, upkeep: Upkeep) -> None:
        self._db = db
        self._clock = clock
        self._upkeep = upkeep

    def pushing(self) -> list[Subscription]:
        """Read the subscriptions that we deliver to by ourselves."""
        found = self._db.read(resources.list_subscriptions)
        return [s for s in found if s.options.kind is not Kind.PULL and not s.is_detached]

    def dues(self, subscriptions: Sequence[Subscription]) -> dict[int, Any]:
        """Answer when each subscription has something due."""
        return self._db.read(
            lambda conn: {s.subscription_id: store.next_due(conn, s.subscription_id) for s in subscriptions}
        )

    def lease_for(
        self, slots: Sequence[tuple[Subscription, int]], under_way: Sequence[tuple[Subscription, int, int]]
    ) -> list[Delivery]:
        """Keep what is under way (message id, attempt) and hand out what is due, as many as there are slots."""

        def verb(conn: Connection) -> list[Delivery]:
            now = self._clock.now()
            for subscription, message_id, attempt in under_way:
                seconds = subscription.options.ack_deadline_seconds
                attempts.extend(conn, subscription, {attempt: [message_id]}, seconds=seconds, now=now)
            leased: list[Delivery] = []
            for subscription, limit in slots:
                room = Room(messages=limit, byte_count=UNBOUNDED)
                leased += attempts.lease(conn, subscription, room=room, now=now)
                self._upkeep.used(subscription.subscription_id)
            return leased

        return self._db.write(verb)

    def settle(self, subscription: Subscription, delivery: Delivery, *, is_acked: bool) -> "Future[int]":
        """Record the answer to an attempt of ours; done once it is on disk."""
        answers = {delivery.attempt: [int(delivery.message_id)]}
        verb = attempts.acknowledge if is_acked else attempts.refuse
        return self._db.submit(lambda conn: verb(conn, subscription, answers, now=self._clock.now()))

    def abandon(self) -> int:
        """At start: take back what the last server was delivering, so that it goes on at once."""
        ids = [s.subscription_id for s in self.pushing()]
        return self._db.write(lambda conn: store.abandon_outstanding(conn, ids, now=self._clock.now()))
