"""Order within a key: one batch of a key is out at a time, and what comes again brings along what followed it.

Only deliveries of subscriptions in order have a key in their row. A message that has to wait for its backoff moves the
due time of what follows it, so that within a key messages are due in their order.
"""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Connection, and_, func, select, update

from trainshed.sql import fire_many
from trainshed.topics.lifecycle import DELIVERY
from trainshed.topics.store import FOLLOWED, DueMessage
from trainshed.topics.tables import deliveries_table

_d = deliveries_table.c


def one_of_each(messages: Sequence[DueMessage]) -> list[DueMessage]:
    """Answer the first message of each key: an endpoint gets one at a time."""
    seen: set[str] = set()
    found = []
    for message in messages:
        key = message.ordering_key
        if key is None or key not in seen:
            found.append(message)
            seen.add(key or "")
    return found


def follow(
    conn: Connection, subscription_id: int, message_ids: Sequence[int], *, now: datetime, due_time: datetime
) -> None:
    """Bring along what followed messages that are given back, acknowledged or not. It is nobody's failed attempt."""
    of_subscription = _d.subscription_id == subscription_id
    given_back = and_(of_subscription, _d.message_id.in_(message_ids), _d.ordering_key.is_not(None))
    first = select(_d.ordering_key, func.min(_d.message_id)).where(given_back).group_by(_d.ordering_key)
    for key, message_id in conn.execute(first).all():
        after = and_(of_subscription, _d.ordering_key == key, _d.message_id > message_id)
        fire_many(conn, deliveries_table, DELIVERY, after, "follow", now=now, due_time=due_time, **FOLLOWED)
        waiting = and_(after, _d.state == "PENDING", _d.due_time < due_time)
        conn.execute(update(deliveries_table).where(waiting).values(due_time=due_time))


def out_of_order(
    conn: Connection, subscription_id: int, keys: Collection[str], message_ids: Collection[int]
) -> set[int]:
    """Answer which of the messages, which are out, have an earlier one of their key out that is not among them."""
    if not keys:
        return set()
    query = (
        select(_d.ordering_key, _d.message_id)
        .where(_d.subscription_id == subscription_id, _d.ordering_key.in_(keys), _d.state == "OUTSTANDING")
        .order_by(_d.message_id)
    )
    missing: set[str] = set()
    late = set()
    for key, message_id in conn.execute(query):
        if message_id not in message_ids:
            missing.add(key)
        elif key in missing:
            late.add(message_id)
    return late
