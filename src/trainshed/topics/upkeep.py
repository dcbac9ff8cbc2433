"""What happens to topics in time: messages grow old, subscriptions lie unused, snapshots and deadlines pass."""

import logging
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from trainshed import policies
from trainshed.clock import Clock
from trainshed.sql import Database, notify
from trainshed.topics import attempts, store, store_snapshots
from trainshed.topics import store_resources as resources
from trainshed.topics.model import Subscription

log = logging.getLogger(__name__)
_CLEAN_AT_ONCE = 2000


class Upkeep:
    """Cleans up in small transactions, so that nobody waits for it."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock
        self._used: set[int] = set()
        self._is_first_turn = True

    def used(self, subscription_id: int) -> None:
        """Note that somebody uses a subscription; written at the next turn."""
        self._used.add(subscription_id)

    def clean(self) -> int:
        """Forget what is past its time; answer how many deliveries went."""
        self._note_activity()
        self._db.write(lambda conn: store_snapshots.forget_expired(conn, now=self._clock.now()))
        gone = sum(self._clean(s) for s in self._db.read(resources.list_subscriptions))
        while self._db.write(partial(store_snapshots.release, now=self._clock.now(), limit=_CLEAN_AT_ONCE)):
            pass
        return gone

    def _note_activity(self) -> None:
        """Write who was used. The time that no server ran counts against nobody."""
        used, self._used = self._used, set()
        if self._is_first_turn or used:
            which = None if self._is_first_turn else used
            self._db.write(lambda conn: resources.note_activity(conn, which, now=self._clock.now()))
        self._is_first_turn = False

    def _clean(self, subscription: Subscription) -> int:
        if self._is_unused(subscription):
            self._db.write(partial(self._remove, subscription=subscription))
            return 0
        if subscription.options.dead_letter_policy is not None:  # nobody may ever pull again
            self._db.write(lambda conn: attempts.miss(conn, subscription, now=self._clock.now()))
        self._expire(subscription)
        return self._forget(subscription)

    def _is_unused(self, subscription: Subscription) -> bool:
        seconds = subscription.options.expiration_seconds
        return seconds is not None and self._clock.now() - subscription.active_time >= timedelta(seconds=seconds)

    def _remove(self, conn: Connection, subscription: Subscription) -> None:
        log.info(
            "Subscription %s expired: nobody used it for as long as its policy says.",
            subscription.name,
            extra={"action": "subscription_expired", "subscription": subscription.name},
        )
        resources.delete_subscription(conn, subscription.subscription_id)
        policies.forget(conn, subscription.name)
        notify(conn, attempts.CHANGED)
        notify(conn, attempts.arrival(subscription.subscription_id))

    def _expire(self, subscription: Subscription) -> None:
        now, key = self._clock.now(), subscription.subscription_id
        before = now - timedelta(seconds=subscription.options.retention_seconds)
        ids = self._db.read(lambda conn: store.overdue_ids(conn, key, before=before, limit=_CLEAN_AT_ONCE))
        if ids:
            self._db.write(lambda conn: store.transit(conn, key, ids, "expire", now=now, due_time=now))

    def _forget(self, subscription: Subscription) -> int:
        key, gone = subscription.subscription_id, 0
        while ids := self._db.read(
            lambda conn: store.finished_ids(conn, key, now=self._clock.now(), limit=_CLEAN_AT_ONCE)
        ):
            self._db.write(partial(store.forget, subscription_id=key, message_ids=ids))
            gone += len(ids)
        return gone
