"""Snapshots and seeking: one transaction each."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from trainshed import names, policies
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from trainshed.sql import Database, notify
from trainshed.topics import attempts, policy
from trainshed.topics import store_resources as resources
from trainshed.topics import store_snapshots as store
from trainshed.topics.model import DELETED_TOPIC, Kind, Snapshot, Subscription

_LIFETIME = timedelta(days=7)
_LEAST_LIFETIME = timedelta(hours=1)


class Snapshots:
    """What subscriptions had not acknowledged at a time, and going back there."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def create(self, name: str, subscription: str, *, labels: Mapping[str, str]) -> Snapshot:
        """Make a snapshot. It lives seven days less the age of the oldest message in it.

        Raises NotFound, AlreadyExists, and FailedPrecondition where that is less than an hour.
        """
        policy.check_name(policy.SNAPSHOT, name)
        policy.check_labels(labels)

        def verb(conn: Connection) -> Snapshot:
            now, found = self._clock.now(), _usable(conn, subscription)
            oldest = store.oldest_unacknowledged(conn, found.subscription_id)
            expire_time = (oldest or now) + _LIFETIME
            if expire_time - now < _LEAST_LIFETIME:
                raise FailedPrecondition(
                    f"The oldest unacknowledged message of {subscription} is nearly seven days old, so that a snapshot "
                    "would live less than an hour; acknowledge it first.",
                    reason="SNAPSHOT_TOO_OLD",
                )
            if not store.insert_snapshot(conn, name, found, labels, now=now, expire_time=expire_time):
                raise AlreadyExists(f"There is a snapshot {name!r} already.")
            return store.get_snapshot(conn, name, now=now)

        return self._db.write(verb)

    def get(self, name: str) -> Snapshot:
        """Read a snapshot. Raises NotFound."""
        names.parse(policy.SNAPSHOT, name, field="snapshot")
        return self._db.read(lambda conn: store.get_snapshot(conn, name, now=self._clock.now()))

    def of_project(self, project: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Snapshot], str]:
        """Read a page of the snapshots of `projects/P`, and the token of the next page."""
        names.parse("projects/{project}", project, field="project")
        return self._page(f"{project}/snapshots/", "", page_size, page_token)

    def of_topic(self, topic: str, *, page_size: int = 0, page_token: str = "") -> tuple[list[Snapshot], str]:
        """Read a page of the snapshots of a topic, and the token of the next page. Raises NotFound."""
        self._db.read(lambda conn: resources.get_topic(conn, topic))
        return self._page("", topic, page_size, page_token)

    def change(self, name: str, change: Callable[[Snapshot], Snapshot]) -> Snapshot:
        """Replace labels and expire time of a snapshot. Raises NotFound."""

        def verb(conn: Connection) -> Snapshot:
            now = self._clock.now()
            found = store.get_snapshot(conn, name, now=now)
            wanted = change(found)
            policy.check_labels(wanted.labels)
            if not now < wanted.expire_time <= found.expire_time:
                raise InvalidArgument.field(
                    "snapshot.expireTime", "a snapshot can be made to end earlier, not before now"
                )
            made = replace(found, labels=wanted.labels, expire_time=wanted.expire_time)
            store.change_snapshot(conn, made, now=now)
            return made

        return self._db.write(verb)

    def delete(self, name: str) -> None:
        """Remove a snapshot. Raises NotFound."""

        def verb(conn: Connection) -> None:
            now = self._clock.now()
            store.delete_snapshot(conn, store.get_snapshot(conn, name, now=now), now=now)
            policies.forget(conn, name)

        self._db.write(verb)

    def seek_to_time(self, subscription: str, time: datetime) -> None:
        """Let what was published before a time be acknowledged, and what came then or later not. Raises NotFound."""
        self._db.write(partial(self._seek, name=subscription, wanted=store.since(time)))

    def seek_to_snapshot(self, subscription: str, snapshot: str) -> None:
        """Let exactly what a snapshot holds, and what was published since, be unacknowledged. Raises NotFound."""

        def verb(conn: Connection) -> None:
            found = store.get_snapshot(conn, snapshot, now=self._clock.now())
            topic = _usable(conn, subscription).topic
            if found.topic != topic or topic == DELETED_TOPIC:
                raise InvalidArgument.field("snapshot", f"{snapshot} is of {found.topic}, the subscription of {topic}")
            self._seek(conn, name=subscription, wanted=store.within(found))

        self._db.write(verb)

    def _seek(self, conn: Connection, *, name: str, wanted: store.Wanted) -> None:
        found, now = _usable(conn, name), self._clock.now()
        kept_until = now + timedelta(seconds=attempts.kept_seconds(found.options))
        store.seek(conn, found, wanted, now=now, kept_until=kept_until)
        notify(conn, attempts.REPLAYED)
        notify(conn, attempts.arrival(found.subscription_id))
        notify(conn, attempts.PUSHING)

    def _page(self, prefix: str, topic: str, page_size: int, page_token: str) -> tuple[list[Snapshot], str]:
        now = self._clock.now()

        def read(after: str, limit: int) -> list[Snapshot]:
            return self._db.read(
                lambda conn: store.list_snapshots(conn, prefix, topic=topic, after=after, limit=limit, now=now)
            )

        return names.page(read, lambda snapshot: snapshot.name, size=page_size, token=page_token, start="")


def _usable(conn: Connection, name: str) -> Subscription:
    found = resources.get_subscription(conn, name)
    if found.is_detached:
        raise FailedPrecondition(f"{name} is detached from its topic.", reason="SUBSCRIPTION_DETACHED")
    if found.options.kind is Kind.INTERNAL:
        raise FailedPrecondition(
            f"{name} belongs to {found.options.target}; `trainshed receipts replay` sends its messages again.",
            reason="SUBSCRIPTION_INTERNAL",
        )
    return found
