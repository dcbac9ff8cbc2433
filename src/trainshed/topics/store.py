"""SQL of messages and deliveries, inside the caller's transaction. No decisions here."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    or_,
    select,
    update,
)

from trainshed.sql import (
    Firing,
    Prepared,
    Timestamp,
    among,
    fire_many,
)
from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.tables import (
    deliveries_table,
    messages_table,
    subscriptions_table,
)

_d, _m, _s = deliveries_table.c, messages_table.c, subscriptions_table.c
_NOW = bindparam("now", type_=Timestamp())
_OF_SUBSCRIPTION = _d.subscription_id == bindparam("subscription")
_AMONG_IDS = among(_d.message_id, "ids", (_d.subscription_id, "subscription"))
_IS_ATTEMPT = _d.attempt == bindparam("in_attempt")
_OUT = and_(_AMONG_IDS, _IS_ATTEMPT, _d.state == "OUTSTANDING")
_NEW_DUE = bindparam("new_due", type_=Timestamp())
_IS_DUE = and_(_OF_SUBSCRIPTION, _d.state == bindparam("wanted"), _d.due_time <= _NOW)
_MOST = bindparam("most", type_=Integer)
_DUE = Prepared(
    select(_d.message_id, _d.attempt, _d.forgiven).where(_IS_DUE).order_by(_d.due_time, _d.message_id).limit(_MOST)
)
_MESSAGES = (
    select(
        _d.attempt,
        _d.forgiven,
        _m.id,
        _m.topic,
        _m.data,
        _m.attributes,
        _m.ordering_key,
        _m.parent_receipt_id,
        _m.publish_time,
    )
    .join(messages_table, _m.id == _d.message_id)
    .where(_IS_DUE)
    .order_by(_d.due_time, _d.message_id)
    .limit(_MOST)
)
_DUE_MESSAGES = Prepared(_MESSAGES)
# In order: a key with something out waits, and so does what an earlier message of its key holds up.
_before = deliveries_table.alias("before")
_HELD_UP = exists().where(
    _before.c.subscription_id == _d.subscription_id,
    _before.c.ordering_key == _d.ordering_key,
    or_(
        _before.c.state == "OUTSTANDING",
        and_(_before.c.state == "PENDING", _before.c.message_id < _d.message_id, _before.c.due_time > _d.due_time),
    ),
)
_DUE_IN_ORDER = Prepared(_MESSAGES.where(or_(_d.ordering_key.is_(None), ~_HELD_UP)))
FORGIVEN = func.coalesce(_d.forgiven, 0) + 1
# What was done and comes again is another attempt, though nobody makes it: an answer to the last one must not end it.
REPLAYED = {"attempt": _d.attempt + 1, "forgiven": FORGIVEN + 1}
# What nobody had when it was passed counts as if it had been handed out, so that a replay forgives the same of all.
PASSED = {"attempt": case((_d.state == "PENDING", _d.attempt + 1), else_=_d.attempt)}
FOLLOWED = {
    "attempt": case((_d.state == "ACKED", _d.attempt + 1), else_=_d.attempt),
    "forgiven": case((_d.state == "ACKED", FORGIVEN + 1), else_=FORGIVEN),
}
_LIVE = Prepared(
    select(_d.message_id, _d.attempt, _d.ordering_key).where(_AMONG_IDS, _d.state == "OUTSTANDING", _d.due_time > _NOW)
)
_EXTEND = Prepared(update(deliveries_table).where(_OUT).values(due_time=_NEW_DUE))
_OUTSTANDING = Prepared(select(_d.message_id, _d.forgiven).where(_OUT))

_ENDS = select(select(func.min(_m.id)).scalar_subquery(), select(func.max(_m.id)).scalar_subquery())
_FIRST = bindparam("first", type_=Integer)
_AT = Prepared(select(_m.id, _m.publish_time).where(_m.id >= _FIRST).order_by(_m.id).limit(1))
_IS_WAITING = exists().where(
    _d.message_id == _m.id, _OF_SUBSCRIPTION, or_(_d.state == "PENDING", _d.state == "OUTSTANDING")
)
_WAITING = Prepared(  # goes by the messages: of a long backlog only what is old is looked at
    select(_m.id)
    .where(_m.id >= _FIRST, _m.id < bindparam("end", type_=Integer), _IS_WAITING)
    .order_by(_m.id)
    .limit(_MOST)
)


def _earliest(*, is_after: bool) -> Prepared:
    """Asked for one state at a time: both together would be a scan of everything that waits."""
    later = (_d.due_time > _NOW,) if is_after else ()
    each = (
        select(func.min(_d.due_time)).where(_OF_SUBSCRIPTION, _d.state == state, *later).scalar_subquery()
        for state in ("PENDING", "OUTSTANDING")
    )
    return Prepared(select(*each))


_NEXT_DUE, _NEXT_DUE_AFTER = _earliest(is_after=False), _earliest(is_after=True)


class DueMessage(NamedTuple):
    """A message that is due at a subscription, and the attempt it had last."""

    attempt: int
    forgiven: int | None
    id: int
    topic: str
    data: bytes
    attributes: dict[str, str] | None
    ordering_key: str | None
    parent_receipt_id: str | None
    publish_time: datetime


def due_rows(
    conn: Connection, subscription_id: int, state: str, *, now: datetime, limit: int
) -> list[tuple[int, int, int | None]]:
    """Read message id, attempt and those forgiven of deliveries in one state whose time has come, oldest first."""
    found: list[Any] = _DUE.rows(conn, subscription=subscription_id, wanted=state, now=now, most=limit)
    return found


def due_messages(
    conn: Connection, subscription_id: int, *, now: datetime, limit: int, is_ordered: bool = False
) -> list[DueMessage]:
    """Read the messages that are to be handed out, oldest first."""
    statement = _DUE_IN_ORDER if is_ordered else _DUE_MESSAGES
    rows = statement.rows(conn, subscription=subscription_id, wanted="PENDING", now=now, most=limit)
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
    if name == "replay":
        values |= REPLAYED
    return Firing(deliveries_table, DELIVERY, name, which, **values)


def extend(
    conn: Connection, subscription_id: int, message_ids: Sequence[int], attempt: int, *, due_time: datetime
) -> int:
    """Move the ack deadline of deliveries that are out in this attempt."""
    return _EXTEND.run(conn, subscription=subscription_id, ids=message_ids, in_attempt=attempt, new_due=due_time)


def outstanding(
    conn: Connection, subscription_id: int, message_ids: Sequence[int], attempt: int
) -> list[tuple[int, int | None]]:
    """Answer which of the messages are out in this attempt, and how many attempts each is forgiven."""
    rows: list[Any] = _OUTSTANDING.rows(conn, subscription=subscription_id, ids=message_ids, in_attempt=attempt)
    return rows


def live(conn: Connection, subscription_id: int, message_ids: Sequence[int], *, now: datetime) -> list[Any]:
    """Read message id, attempt and ordering key of those that are out and whose deadline has not passed."""
    return _LIVE.rows(conn, subscription=subscription_id, ids=message_ids, now=now)


def abandon_outstanding(conn: Connection, subscription_ids: Sequence[int], *, now: datetime) -> int:
    """Take back everything that these subscriptions had out."""
    which = and_(_d.subscription_id.in_(subscription_ids), _d.state == "OUTSTANDING")
    return fire_many(conn, deliveries_table, DELIVERY, which, "abandon", now=now, due_time=now, forgiven=FORGIVEN)


def find_delivery(conn: Connection, subscription_id: int, message_id: int) -> Any:
    """Read one delivery row, or None."""
    which = and_(_d.subscription_id == subscription_id, _d.message_id == message_id)
    return conn.execute(select(deliveries_table).where(which)).one_or_none()


def next_due(conn: Connection, subscription_id: int, *, after: datetime | None = None) -> datetime | None:
    """Answer the earliest time, after a time if one is given, at which something is due at a subscription."""
    statement = _NEXT_DUE if after is None else _NEXT_DUE_AFTER
    (found,) = statement.rows(conn, subscription=subscription_id, now=after)
    return min((due for due in found if due is not None), default=None)


def counts(conn: Connection, subscription_id: int) -> dict[str, int]:
    """Answer how many deliveries of a subscription are in each state."""
    query = select(_d.state, func.count()).where(_d.subscription_id == subscription_id).group_by(_d.state)
    return {row[0]: row[1] for row in conn.execute(query)}


def first_since(conn: Connection, time: datetime) -> int:
    """Answer the first id of a message that was published at a time or later, or the one after the last.

    Ids are in the order of publishing, so this looks at a few messages, however many there are.
    """
    lowest, highest = conn.execute(_ENDS).one()
    low: int = lowest or 0
    high: int = (highest or 0) + 1
    while low < high:
        middle = (low + high) // 2
        for number, published in _AT.rows(conn, first=middle):
            if published < time:
                low = number + 1
            else:
                high = middle
            break
        else:  # it was cleaned away meanwhile
            high = middle
    return low


def waiting_ids(conn: Connection, subscription_id: int, *, first: int, end: int, limit: int) -> list[int]:
    """Answer messages of `first` to before `end` that nobody has acknowledged, in their order."""
    rows = _WAITING.rows(conn, subscription=subscription_id, first=first, end=end, most=limit)
    return [number for (number,) in rows]


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
    is_held = or_(exists().where(_d.message_id == _m.id), _m.retain_until.is_not(None))
    conn.execute(delete(messages_table).where(_m.id.in_(message_ids), ~is_held))
