"""What happens to topics in time: messages grow old, subscriptions lie unused, snapshots and deadlines pass."""

import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from functools import partial

from sqlalchemy import Connection

from trainshed import policies
from trainshed.clock import Clock
from trainshed.duty import Pace
from trainshed.errors import NotFound
from trainshed.sql import Database, notify
from trainshed.topics import attempts, store, store_snapshots
from trainshed.topics import store_resources as resources
from trainshed.topics.model import Subscription

log = logging.getLogger(__name__)
_CLEAN_AT_ONCE = 2000


class Upkeep:
    """Cleans up in small transactions, so that nobody waits for it."""

    def __init__(self, db: Database, clock: Clock, *, pace: Callable[[], Pace] = Pace) -> None:
        self._db = db
        self._clock = clock
        self._pace = pace  # a turn's: thousands of subscriptions take seconds
        self._used: set[int] = set()
        self._is_first_turn = True
        self._using: list[Callable[[], Iterable[int]]] = []
        self._expired: dict[int, int] = {}  # of a subscription, the message up to which nothing is too old
        self._has_replays = False
        db.listen(attempts.REPLAYED, self._note_replays)

    def used(self, subscription_id: int) -> None:
        """Note that somebody uses a subscription; written at the next turn."""
        self._used.add(subscription_id)

    def watch(self, using: Callable[[], Iterable[int]]) -> None:
        """Ask at each turn who else uses subscriptions: whoever is connected and waits does nothing. From any thread."""
        self._using.append(using)

    def clean(self) -> int:
        """Forget what is past its time; answer how many deliveries went."""
        self._note_activity()
        self._db.write(lambda conn: store_snapshots.forget_expired(conn, now=self._clock.now()))
        subscriptions = self._db.read(resources.list_subscriptions)
        self._forget_turns({s.subscription_id for s in subscriptions})
        ends: dict[float, int] = {}  # by retention: most subscriptions have the same
        gone, pace = 0, self._pace()
        for subscription in subscriptions:
            gone += self._clean(subscription, ends)
            pace.step()
        while self._db.write(partial(store_snapshots.release, now=self._clock.now(), limit=_CLEAN_AT_ONCE)):
            pass
        return gone

    def _note_activity(self) -> None:
        """Write who was used. The time that no server ran counts against nobody."""
        used, self._used = self._used, set()
        used.update(*(using() for using in self._using))
        if self._is_first_turn or used:
            which = None if self._is_first_turn else used
            try:
                self._db.write(lambda conn: resources.note_activity(conn, which, now=self._clock.now()))
            except BaseException:
                self._used |= used
                raise
        self._is_first_turn = False

    def _note_replays(self) -> None:
        self._has_replays = True

    def _forget_turns(self, living: set[int]) -> None:
        """Look at everything again when old messages may wait again."""
        has_replays, self._has_replays = self._has_replays, False
        self._expired = {} if has_replays else {key: end for key, end in self._expired.items() if key in living}

    def _clean(self, subscription: Subscription, ends: dict[float, int]) -> int:
        if self._is_unused(subscription):
            self._db.write(partial(self._remove, subscription=subscription))
            return 0
        if subscription.options.dead_letter_policy is not None:  # nobody may ever pull again
            self._db.write(lambda conn: attempts.miss(conn, subscription, now=self._clock.now()))
        seconds = subscription.options.retention_seconds
        if seconds not in ends:
            before = self._clock.now() - timedelta(seconds=seconds)
            ends[seconds] = self._db.read(partial(store.first_since, time=before))
        self._expire(subscription, end=ends[seconds])
        return self._forget(subscription)

    def _is_unused(self, subscription: Subscription) -> bool:
        seconds = subscription.options.expiration_seconds
        return seconds is not None and self._clock.now() - subscription.active_time >= timedelta(seconds=seconds)

    def _remove(self, conn: Connection, subscription: Subscription) -> None:
        """Remove a subscription that nobody uses, unless somebody used or changed it since it was read."""
        try:
            now_is = resources.get_subscription(conn, subscription.name)
        except NotFound:
            return
        if now_is.subscription_id in self._used or not self._is_unused(now_is):
            return
        log.info(
            "Subscription %s expired: nobody used it for as long as its policy says.",
            subscription.name,
            extra={"action": "subscription_expired", "subscription": subscription.name},
        )
        resources.delete_subscription(conn, subscription.subscription_id)
        policies.forget(conn, subscription.name)
        notify(conn, attempts.CHANGED)
        notify(conn, attempts.arrival(subscription.subscription_id))

    def _expire(self, subscription: Subscription, *, end: int) -> None:
        """End what waits of the messages before `end`; those before the last turn's end are not looked at again."""
        key, first = subscription.subscription_id, self._expired.get(subscription.subscription_id, 0)
        while first < end and (ids := self._db.read(partial(self._waiting, key=key, first=first, end=end))):
            now = self._clock.now()
            self._db.write(
                partial(store.transit, subscription_id=key, message_ids=ids, name="expire", now=now, due_time=now)
            )
            first = ids[-1] + 1
        self._expired[key] = max(first, end)

    def _waiting(self, conn: Connection, *, key: int, first: int, end: int) -> list[int]:
        return store.waiting_ids(conn, key, first=first, end=end, limit=_CLEAN_AT_ONCE)

    def _forget(self, subscription: Subscription) -> int:
        key, gone = subscription.subscription_id, 0
        while ids := self._db.read(
            lambda conn: store.finished_ids(conn, key, now=self._clock.now(), limit=_CLEAN_AT_ONCE)
        ):
            self._db.write(partial(store.forget, subscription_id=key, message_ids=ids))
            gone += len(ids)
        return gone
