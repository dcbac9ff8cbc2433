"""Tables and SQL of topics. Every function works inside the caller's transaction; no decisions here.

A delivery row is in one of the states of `lifecycle`; its `due_time` is when the next thing may happen to it: being
handed out (PENDING), missing its deadline (OUTSTANDING), being cleaned away (ACKED and the other ends). One index
over (subscription, state, due time) therefore serves leasing, deadlines and cleaning alike.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache, lru_cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Column,
    Connection,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    and_,
    bindparam,
    delete,
    exists,
    func,
    select,
    type_coerce,
    update,
)

from trainshed.errors import NotFound
from trainshed.sql import (
    Firing,
    Json,
    Prepared,
    Timestamp,
    among,
    fire_many,
    insert_many,
    insert_new,
    metadata,
    state_columns,
    state_constraints,
)
from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.model import (
    DELETED_TOPIC,
    Kind,
    Options,
    PubsubMessage,
    Subscription,
    Topic,
    options_document,
    read_options,
)

topics_table = Table(
    "topics",
    metadata,
    Column("name", Text, primary_key=True),
    Column("labels", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
)

subscriptions_table = Table(
    "subscriptions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("name", Text, nullable=False, unique=True),
    Column("topic", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("options", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    sqlite_autoincrement=True,  # an ack id of a deleted subscription fits no later one
)

# One row: the last message id. Ids are never used again, though messages are cleaned away.
sequence_table = Table("message_ids", metadata, Column("last", Integer, primary_key=True))

messages_table = Table(
    "messages",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("data", LargeBinary, nullable=False),
    Column("attributes", Json),
    Column("ordering_key", Text),
    Column("parent_receipt_id", Text),
    Column("publish_time", Timestamp, nullable=False),
)

deliveries_table = Table(
    "deliveries",
    metadata,
    Column("message_id", Integer, primary_key=True),
    Column("subscription_id", Integer, primary_key=True),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("due_time", Timestamp, nullable=False),
    *state_columns(DELIVERY),
    *state_constraints(DELIVERY),
    Index("ix_deliveries_due", "subscription_id", "state", "due_time"),
    sqlite_with_rowid=False,
)

_d, _m, _s = deliveries_table.c, messages_table.c, subscriptions_table.c
_NOW = bindparam("now", type_=Timestamp())
_OF_SUBSCRIPTION = _d.subscription_id == bindparam("subscription")
_AMONG_IDS = and_(_OF_SUBSCRIPTION, among(_d.message_id, "ids"))
_IS_ATTEMPT = _d.attempt == bindparam("in_attempt")
_OUT = and_(_AMONG_IDS, _IS_ATTEMPT, _d.state == "OUTSTANDING")
_NEW_DUE = bindparam("new_due", type_=Timestamp())
_IS_DUE = and_(_OF_SUBSCRIPTION, _d.state == bindparam("wanted"), _d.due_time <= _NOW)
_MOST = bindparam("most", type_=Integer)
_ROUTES = Prepared(
    select(_s.id, _s.kind)
    .select_from(topics_table.outerjoin(subscriptions_table, _s.topic == topics_table.c.name))
    .where(topics_table.c.name == bindparam("topic"))
)
_ALLOCATE = Prepared(
    update(sequence_table)
    .values(last=sequence_table.c.last + bindparam("count", type_=Integer))
    .returning(sequence_table.c.last)
)
_FAN_OUT = Prepared(
    deliveries_table.insert().from_select(
        ["message_id", "subscription_id", "due_time"],
        select(_m.id, _s.id, _NOW)
        .join(subscriptions_table, _s.topic == _m.topic)
        .where(_m.id.between(bindparam("first"), bindparam("last_id"))),
    )
)
_DUE = Prepared(select(_d.message_id, _d.attempt).where(_IS_DUE).order_by(_d.due_time, _d.message_id).limit(_MOST))
_DUE_MESSAGES = Prepared(
    select(_d.attempt, _m.id, _m.topic, _m.data, _m.attributes, _m.ordering_key, _m.parent_receipt_id, _m.publish_time)
    .join(messages_table, _m.id == _d.message_id)
    .where(_IS_DUE)
    .order_by(_d.due_time, _d.message_id)
    .limit(_MOST)
)
_EXTEND = Prepared(update(deliveries_table).where(_OUT).values(due_time=_NEW_DUE))
_OUTSTANDING = Prepared(select(_d.message_id).where(_OUT))
# Asked for one state at a time: both together would be a scan of everything that waits.
_NEXT_DUE = Prepared(
    select(func.min(_d.due_time).label("due")).where(_OF_SUBSCRIPTION, _d.state == bindparam("wanted")),
)
_SUBSCRIPTION = Prepared(
    select(_s.id, _s.name, _s.topic, type_coerce(_s.options, Text), _s.create_time).where(_s.name == bindparam("named"))
)


class DueMessage(NamedTuple):
    """A message that is due at a subscription, and the attempt it had last."""

    attempt: int
    id: int
    topic: str
    data: bytes
    attributes: dict[str, str] | None
    ordering_key: str | None
    parent_receipt_id: str | None
    publish_time: datetime


def insert_topic(conn: Connection, topic: Topic) -> bool:
    """Add a topic unless one of that name exists."""
    values = {"name": topic.name, "labels": dict(topic.labels), "create_time": topic.create_time}
    return insert_new(conn, topics_table, values)


def get_topic(conn: Connection, name: str) -> Topic:
    """Read one topic. Raises NotFound."""
    row = conn.execute(select(topics_table).where(topics_table.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no topic {name!r}; `trainshed pubsub topics create` makes one.")
    return Topic.from_row(row)


def list_topics(conn: Connection, prefix: str, *, after: str, limit: int) -> list[Topic]:
    """Read topics whose name starts with `prefix`, by name."""
    c = topics_table.c
    query = select(topics_table).where(c.name.startswith(prefix, autoescape=True), c.name > after)
    return [Topic.from_row(row) for row in conn.execute(query.order_by(c.name).limit(limit))]


def relabel_topic(conn: Connection, name: str, labels: Mapping[str, str]) -> None:
    """Replace the labels of a topic."""
    conn.execute(update(topics_table).where(topics_table.c.name == name).values(labels=dict(labels)))


def delete_topic(conn: Connection, name: str) -> None:
    """Remove a topic; its subscriptions stay, without one."""
    conn.execute(delete(topics_table).where(topics_table.c.name == name))
    conn.execute(update(subscriptions_table).where(_s.topic == name).values(topic=DELETED_TOPIC))


def insert_subscription(conn: Connection, name: str, topic: str, options: Options, *, now: datetime) -> bool:
    """Add a subscription unless one of that name exists."""
    values = {"name": name, "topic": topic, "create_time": now}
    return insert_new(conn, subscriptions_table, values | _option_columns(options))


def change_subscription(conn: Connection, subscription_id: int, options: Options) -> None:
    """Replace the options of a subscription."""
    conn.execute(
        update(subscriptions_table).where(_s.id == subscription_id).values(**_option_columns(options)),
    )


def detach_subscription(conn: Connection, subscription_id: int) -> None:
    """Cut a subscription off its topic."""
    conn.execute(update(subscriptions_table).where(_s.id == subscription_id).values(topic=DELETED_TOPIC))


def get_subscription(conn: Connection, name: str) -> Subscription:
    """Read one subscription. Raises NotFound."""
    for key, found, topic, options, create_time in _SUBSCRIPTION.rows(conn, named=name):
        return Subscription(
            subscription_id=key, name=found, topic=topic, options=_options_of(options), create_time=create_time
        )
    raise NotFound(f"There is no subscription {name!r}; `trainshed pubsub subscriptions create` makes one.")


def list_subscriptions(
    conn: Connection, prefix: str = "", *, topic: str = "", after: str = "", limit: int | None = None
) -> list[Subscription]:
    """Read subscriptions by name, of a project or of a topic."""
    query = select(subscriptions_table).where(_s.name.startswith(prefix, autoescape=True), _s.name > after)
    if topic:
        query = query.where(_s.topic == topic)
    return [_subscription(row) for row in conn.execute(query.order_by(_s.name).limit(limit))]


def delete_subscription(conn: Connection, subscription_id: int) -> None:
    """Remove a subscription with its deliveries, and the messages that only it still held."""
    held = select(_d.message_id).where(_d.subscription_id == subscription_id)
    others = exists().where(_d.message_id == _m.id, _d.subscription_id != subscription_id)
    conn.execute(delete(messages_table).where(_m.id.in_(held), ~others))
    conn.execute(delete(deliveries_table).where(_d.subscription_id == subscription_id))
    conn.execute(delete(subscriptions_table).where(_s.id == subscription_id))


def routes(conn: Connection, topic: str) -> list[tuple[int, Kind]]:
    """Answer which subscriptions get a topic's messages. Raises NotFound when there is no such topic."""
    rows = _ROUTES.rows(conn, topic=topic)
    if not rows:
        raise NotFound(f"There is no topic {topic!r}; `trainshed pubsub topics create` makes one.")
    return [(key, Kind(kind)) for key, kind in rows if key is not None]


def allocate_ids(conn: Connection, count: int) -> range:
    """Take the next `count` message ids."""
    rows = _ALLOCATE.rows(conn, count=count)
    if not rows:
        conn.execute(sequence_table.insert().values(last=count))
    last = rows[0][0] if rows else count
    return range(last - count + 1, last + 1)


def insert_messages(
    conn: Connection,
    topic: str,
    ids: Sequence[int],
    messages: Sequence[PubsubMessage],
    *,
    now: datetime,
) -> None:
    """Add messages and their deliveries to whoever subscribes now: two statements, whatever their number."""
    rows = [
        (n, m.data, dict(m.attributes) or None, m.ordering_key or None, m.parent_receipt_id or None)
        for n, m in zip(ids, messages, strict=True)
    ]
    columns = ("id", "data", "attributes", "ordering_key", "parent_receipt_id")
    insert_many(conn, messages_table, columns, rows, topic=topic, publish_time=now)
    _FAN_OUT.run(conn, now=now, first=ids[0], last_id=ids[-1])


def due_rows(conn: Connection, subscription_id: int, state: str, *, now: datetime, limit: int) -> list[tuple[int, int]]:
    """Read message id and attempt of deliveries in one state whose time has come, oldest first."""
    found: list[Any] = _DUE.rows(conn, subscription=subscription_id, wanted=state, now=now, most=limit)
    return found


def due_messages(conn: Connection, subscription_id: int, *, now: datetime, limit: int) -> list[DueMessage]:
    """Read the messages that are to be handed out, oldest first."""
    rows = _DUE_MESSAGES.rows(conn, subscription=subscription_id, wanted="PENDING", now=now, most=limit)
    return [DueMessage._make(row) for row in rows]


def read_messages(conn: Connection, ids: Iterable[int]) -> dict[int, Any]:
    """Read message rows by id."""
    return {row.id: row for row in conn.execute(select(messages_table).where(_m.id.in_(list(ids))))}


def transit(
    conn: Connection,
    subscription_id: int,
    message_ids: Sequence[int],
    name: str,
    *,
    now: datetime,
    due_time: datetime,
    attempt: int | None = None,
    is_new_attempt: bool = False,
) -> int:
    """Take one transition of several deliveries of a subscription; answer how many were in a state for it."""
    fire = _firing(name, is_fenced=attempt is not None, is_new_attempt=is_new_attempt)
    return fire(conn, now=now, subscription=subscription_id, ids=message_ids, new_due=due_time, in_attempt=attempt)


@cache
def _firing(name: str, *, is_fenced: bool, is_new_attempt: bool) -> Firing:
    which = and_(_AMONG_IDS, _IS_ATTEMPT) if is_fenced else _AMONG_IDS
    values: dict[str, Any] = {"due_time": _NEW_DUE} | ({"attempt": _d.attempt + 1} if is_new_attempt else {})
    return Firing(deliveries_table, DELIVERY, name, which, **values)


def extend(
    conn: Connection, subscription_id: int, message_ids: Sequence[int], attempt: int, *, due_time: datetime
) -> int:
    """Move the ack deadline of deliveries that are out in this attempt."""
    return _EXTEND.run(conn, subscription=subscription_id, ids=message_ids, in_attempt=attempt, new_due=due_time)


def outstanding(conn: Connection, subscription_id: int, message_ids: Sequence[int], attempt: int) -> list[int]:
    """Answer which of the messages are out in this attempt."""
    rows = _OUTSTANDING.rows(conn, subscription=subscription_id, ids=message_ids, in_attempt=attempt)
    return [number for (number,) in rows]


def abandon_outstanding(conn: Connection, subscription_ids: Sequence[int], *, now: datetime) -> int:
    """Take back everything that these subscriptions had out."""
    which = and_(_d.subscription_id.in_(subscription_ids), _d.state == "OUTSTANDING")
    return fire_many(conn, deliveries_table, DELIVERY, which, "abandon", now=now, due_time=now)


def find_delivery(conn: Connection, subscription_id: int, message_id: int) -> Any:
    """Read one delivery row, or None."""
    which = and_(_d.subscription_id == subscription_id, _d.message_id == message_id)
    return conn.execute(select(deliveries_table).where(which)).one_or_none()


def next_due(conn: Connection, subscription_id: int) -> datetime | None:
    """Answer the earliest time at which something is due at a subscription."""
    found = (_NEXT_DUE.rows(conn, subscription=subscription_id, wanted=state) for state in ("PENDING", "OUTSTANDING"))
    return min((due for ((due,),) in found if due is not None), default=None)


def counts(conn: Connection, subscription_id: int) -> dict[str, int]:
    """Answer how many deliveries of a subscription are in each state."""
    query = select(_d.state, func.count()).where(_d.subscription_id == subscription_id).group_by(_d.state)
    return {row[0]: row[1] for row in conn.execute(query)}


def overdue_ids(conn: Connection, subscription_id: int, *, before: datetime, limit: int) -> list[int]:
    """Answer messages published before a time that nobody has acknowledged."""
    query = (
        select(_d.message_id)
        .join(messages_table, _m.id == _d.message_id)
        .where(
            _d.subscription_id == subscription_id,
            _d.state.in_(("PENDING", "OUTSTANDING")),
            _m.publish_time < before,
        )
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def finished_ids(conn: Connection, subscription_id: int, *, now: datetime, limit: int) -> list[int]:
    """Answer messages that a subscription is done with and need not keep any longer."""
    query = (
        select(_d.message_id)
        .where(
            _d.subscription_id == subscription_id,
            _d.state.in_(("ACKED", "DEAD_LETTERED", "EXPIRED")),
            _d.due_time <= now,
        )
        .limit(limit)
    )
    return list(conn.execute(query).scalars())


def forget(conn: Connection, subscription_id: int, message_ids: Sequence[int]) -> None:
    """Remove finished deliveries, and their messages where no other subscription holds them."""
    which = and_(
        _d.subscription_id == subscription_id,
        _d.message_id.in_(message_ids),
        _d.state.in_(("ACKED", "DEAD_LETTERED", "EXPIRED")),
    )
    conn.execute(delete(deliveries_table).where(which))
    conn.execute(delete(messages_table).where(_m.id.in_(message_ids), ~exists().where(_d.message_id == _m.id)))


def _option_columns(options: Options) -> dict[str, Any]:
    return {"kind": str(options.kind), "options": options_document(options)}


def _subscription(row: Any) -> Subscription:
    return Subscription(
        subscription_id=row.id,
        name=row.name,
        topic=row.topic,
        options=read_options(row.options),
        create_time=row.create_time,
    )


@lru_cache(maxsize=4096)
def _options_of(text: str) -> Options:
    """Read options as they are stored; the same few are read for every request."""
    return read_options(json.loads(text))
