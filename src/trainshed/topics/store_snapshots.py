"""Tables and SQL of snapshots, retained messages and seeking. Every function works inside the caller's transaction.

A snapshot is the messages that were not acknowledged when it was made (a row for each) and everything that was
published to its topic after its last message id. `retain_until` of a message keeps it for snapshots and for topics
that retain their messages; deliveries that are missing are made from it.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)

from trainshed.errors import NotFound
from trainshed.sql import Json, Timestamp, fire_many, insert_new, metadata
from trainshed.topics import store, store_publishing
from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.model import DELETED_TOPIC, Snapshot, Subscription
from trainshed.topics.tables import deliveries_table, messages_table, sequence_table, topics_table

snapshots_table = Table(
    "snapshots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Column("last_message_id", Integer, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Column("expire_time", Timestamp, nullable=False),
    Index("ix_snapshots_topic", "topic"),
)

snapshot_messages_table = Table(
    "snapshot_messages",
    metadata,
    Column("snapshot_id", Integer, primary_key=True),
    Column("message_id", Integer, primary_key=True),
    sqlite_with_rowid=False,
)

_d, _m, _n, _k = (
    deliveries_table.c,
    messages_table.c,
    snapshots_table.c,
    snapshot_messages_table.c,
)
_t = topics_table.c
_AT_ONCE = 2000
Wanted = tuple[ColumnElement[bool], ColumnElement[bool]]  # a condition on deliveries, and the same on messages


def oldest_unacknowledged(conn: Connection, subscription_id: int) -> datetime | None:
    """Answer when the oldest message was published that nobody has acknowledged."""
    query = (
        select(func.min(_m.publish_time))
        .join(deliveries_table, _d.message_id == _m.id)
        .where(_unacknowledged(subscription_id))
    )
    oldest: datetime | None = conn.execute(query).scalar()
    return oldest


def insert_snapshot(
    conn: Connection,
    name: str,
    subscription: Subscription,
    labels: Mapping[str, str],
    *,
    now: datetime,
    expire_time: datetime,
) -> bool:
    """Add a snapshot of what a subscription has not acknowledged, unless one of that name exists."""
    last = conn.execute(select(sequence_table.c.last)).scalar() or 0
    values = {
        "name": name,
        "topic": subscription.topic,
        "labels": dict(labels),
        "last_message_id": last,
        "create_time": now,
        "expire_time": expire_time,
    }
    if not insert_new(conn, snapshots_table, values):
        return False
    key = conn.execute(select(_n.id).where(_n.name == name)).scalar_one()
    waiting = select(literal(key), _d.message_id).where(_unacknowledged(subscription.subscription_id))
    conn.execute(insert(snapshot_messages_table).from_select(["snapshot_id", "message_id"], waiting))
    held = select(_k.message_id).where(_k.snapshot_id == key)
    kept_less = or_(_m.retain_until.is_(None), _m.retain_until < expire_time)
    conn.execute(update(messages_table).where(_m.id.in_(held), kept_less).values(retain_until=expire_time))
    hold_topic(conn, subscription.topic, now=now)
    return True


def hold_topic(conn: Connection, topic: str, *, now: datetime) -> None:
    """Work out anew until when the snapshots of a topic need what is published."""
    latest = select(func.max(_n.expire_time)).where(_n.topic == topic, _n.expire_time > now).scalar_subquery()
    conn.execute(update(topics_table).where(_t.name == topic).values(held_until=latest))


def get_snapshot(conn: Connection, name: str, *, now: datetime) -> Snapshot:
    """Read one snapshot. Raises NotFound."""
    query = select(snapshots_table).where(_n.name == name, _n.expire_time > now)
    row = conn.execute(query).one_or_none()
    if row is None:
        raise NotFound(f"There is no snapshot {name!r}; `trainshed pubsub snapshots create` makes one.")
    return _snapshot(row)


def list_snapshots(
    conn: Connection, prefix: str, *, topic: str = "", after: str, limit: int, now: datetime
) -> list[Snapshot]:
    """Read snapshots by name, of a project or of a topic."""
    query = select(snapshots_table).where(
        _n.name.startswith(prefix, autoescape=True), _n.name > after, _n.expire_time > now
    )
    if topic:
        query = query.where(_n.topic == topic)
    return [_snapshot(row) for row in conn.execute(query.order_by(_n.name).limit(limit))]


def change_snapshot(conn: Connection, snapshot: Snapshot, *, now: datetime) -> None:
    """Replace labels and expire time of a snapshot."""
    values = {"labels": dict(snapshot.labels), "expire_time": snapshot.expire_time}
    conn.execute(update(snapshots_table).where(_n.id == snapshot.snapshot_id).values(**values))
    hold_topic(conn, snapshot.topic, now=now)


def delete_snapshot(conn: Connection, snapshot: Snapshot, *, now: datetime) -> None:
    """Remove a snapshot; what it kept stays until the time that it would have lived."""
    conn.execute(delete(snapshot_messages_table).where(_k.snapshot_id == snapshot.snapshot_id))
    conn.execute(delete(snapshots_table).where(_n.id == snapshot.snapshot_id))
    hold_topic(conn, snapshot.topic, now=now)


def orphan(conn: Connection, topic: str) -> None:
    """Note that the topic of snapshots is gone, and let go of what it retained: a later one of its name is another."""
    conn.execute(update(snapshots_table).where(_n.topic == topic).values(topic=DELETED_TOPIC))
    retained = and_(_m.topic == topic, _m.retain_until.is_not(None))
    is_held = exists().where(_d.message_id == _m.id)
    conn.execute(delete(messages_table).where(retained, ~is_held))
    conn.execute(update(messages_table).where(retained).values(retain_until=None))


def forget_expired(conn: Connection, *, now: datetime) -> None:
    """Remove snapshots whose time is over."""
    gone = select(_n.id).where(_n.expire_time <= now)
    conn.execute(delete(snapshot_messages_table).where(_k.snapshot_id.in_(gone)))
    conn.execute(delete(snapshots_table).where(_n.expire_time <= now))


def release(conn: Connection, *, now: datetime, limit: int) -> int:
    """Let go of messages that were retained until now; answer how many."""
    query = select(_m.id).where(_m.retain_until.is_not(None), _m.retain_until <= now).limit(limit)
    ids = list(conn.execute(query).scalars())
    if ids:
        conn.execute(update(messages_table).where(_m.id.in_(ids)).values(retain_until=None))
        is_held = exists().where(_d.message_id == _m.id)
        conn.execute(delete(messages_table).where(_m.id.in_(ids), ~is_held))
    return len(ids)


def since(time: datetime) -> Wanted:
    """Answer what is wanted after a seek to a time: of deliveries, and of messages."""
    published = exists().where(_m.id == _d.message_id, _m.publish_time >= time)
    return published, _m.publish_time >= time


def within(snapshot: Snapshot) -> Wanted:
    """Answer what is wanted after a seek to a snapshot: of deliveries, and of messages."""

    def of(column: ColumnElement[int]) -> ColumnElement[bool]:
        kept = exists().where(_k.snapshot_id == snapshot.snapshot_id, _k.message_id == column)
        return or_(column > snapshot.last_message_id, kept)

    return of(_d.message_id), of(_m.id)


def seek(
    conn: Connection,
    subscription: Subscription,
    wanted: Wanted,
    *,
    now: datetime,
    kept_until: datetime,
) -> None:
    """Let exactly the wanted messages, of those that are still there, be unacknowledged."""
    of_deliveries, of_messages = wanted
    table, own = deliveries_table, _d.subscription_id == subscription.subscription_id
    fire_many(conn, table, DELIVERY, and_(own, ~of_deliveries), "pass", now=now, due_time=kept_until, **store.PASSED)
    is_retained = exists().where(_m.id == _d.message_id, _m.retain_until > now)
    window = now - timedelta(seconds=subscription.options.retention_seconds)
    is_recent = exists().where(_m.id == _d.message_id, _m.publish_time > window)
    is_there = or_(is_retained, is_recent) if subscription.options.retain_acked else is_retained
    again = and_(own, of_deliveries, is_there)
    fire_many(conn, table, DELIVERY, again, "replay", now=now, due_time=now, **store.REPLAYED)
    conn.execute(delete(table).where(own, _d.state == "EXPIRED", of_deliveries, is_retained))
    _deliver_missing(conn, subscription, of_messages, now=now)


def _deliver_missing(
    conn: Connection, subscription: Subscription, of_messages: ColumnElement[bool], *, now: datetime
) -> None:
    has_it = exists().where(_d.message_id == _m.id, _d.subscription_id == subscription.subscription_id)
    last = 0
    while True:
        query = (
            select(_m.id, _m.attributes, _m.ordering_key)
            .where(_m.topic == subscription.topic, _m.retain_until > now, of_messages, ~has_it, _m.id > last)
            .order_by(_m.id)
            .limit(_AT_ONCE)
        )
        rows: list[Any] = list(conn.execute(query))
        if not rows:
            return
        last = rows[-1].id
        chosen = ((row.id, row.attributes, row.ordering_key) for row in rows)
        store_publishing.insert_chosen(conn, subscription.subscription_id, subscription.options, chosen, now=now)


def _unacknowledged(subscription_id: int) -> ColumnElement[bool]:
    return and_(_d.subscription_id == subscription_id, _d.state.in_(("PENDING", "OUTSTANDING")))


def _snapshot(row: Any) -> Snapshot:
    return Snapshot(
        snapshot_id=row.id,
        name=row.name,
        topic=row.topic,
        labels=row.labels,
        last_message_id=row.last_message_id,
        create_time=row.create_time,
        expire_time=row.expire_time,
    )
