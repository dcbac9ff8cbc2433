"""SQL of publishing: who gets a topic's messages, and adding them. Inside the caller's transaction; no decisions here."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Integer, Text, and_, bindparam, case, select, type_coerce, update

from trainshed.errors import NotFound
from trainshed.sql import Prepared, Timestamp, insert_many
from trainshed.topics import filters
from trainshed.topics.model import Kind, Options, PubsubMessage, TopicOptions, read_options, read_topic_options
from trainshed.topics.tables import (
    Routing,
    deliveries_table,
    messages_table,
    sequence_table,
    subscriptions_table,
    topics_table,
)

_m, _s = messages_table.c, subscriptions_table.c
_NOW = bindparam("now", type_=Timestamp())
_ROUTES = Prepared(
    select(
        _s.id,
        _s.kind,
        _s.routing,
        case((_s.routing == Routing.BY_HAND, type_coerce(_s.options, Text))),
        type_coerce(topics_table.c.options, Text),
        type_coerce(topics_table.c.held_until, Text),
    )
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
        .join(subscriptions_table, and_(_s.topic == _m.topic, _s.routing == int(Routing.PLAIN)))
        .where(_m.id.between(bindparam("first"), bindparam("last_id"))),
    )
)


@dataclass(frozen=True, kw_only=True)
class Route:
    """A subscription that gets a topic's messages."""

    subscription_id: int
    kind: Kind
    by_hand: Options | None  # None: every message, in any order


@dataclass(frozen=True, kw_only=True)
class Routes:
    """Who gets what is published to a topic now, and how long it is kept for others."""

    topic: TopicOptions
    held_until: datetime | None
    subscriptions: Sequence[Route]
    by_hand: Sequence[tuple[int, Options]]  # those of the subscriptions with a filter, or in order
    has_plain: bool  # whether there are others

    def retain_until(self, now: datetime) -> datetime | None:
        """Answer how long a message of now is kept even if nobody is to get it; None: not at all."""
        if self.held_until is None and self.topic.retention_seconds is None:
            return None
        times = [] if self.held_until is None or self.held_until <= now else [self.held_until]
        if self.topic.retention_seconds is not None:
            times.append(now + timedelta(seconds=self.topic.retention_seconds))
        return max(times, default=None)


def routes(conn: Connection, topic: str) -> Routes:
    """Answer who gets a topic's messages. Raises NotFound when there is no such topic."""
    rows = _ROUTES.rows(conn, topic=topic)
    if not rows:
        raise NotFound(f"There is no topic {topic!r}; `trainshed pubsub topics create` makes one.")
    return _routes_of(tuple(rows))


@lru_cache(maxsize=4096)
def _routes_of(rows: tuple[tuple[Any, ...], ...]) -> Routes:
    """Read what was read of a topic; it is the same from message to message."""
    subscriptions = [
        Route(subscription_id=key, kind=Kind(kind), by_hand=options_of(by_hand) if by_hand else None)
        for key, kind, routing, by_hand, _, _ in rows
        if key is not None and routing != Routing.DETACHED
    ]
    *_, options, held_until = rows[0]
    chosen = [(route.subscription_id, route.by_hand) for route in subscriptions if route.by_hand is not None]
    return Routes(
        topic=topic_options_of(options),
        held_until=datetime.fromisoformat(held_until) if held_until else None,
        subscriptions=subscriptions,
        by_hand=chosen,
        has_plain=len(chosen) < len(subscriptions),
    )


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
    routes: Routes,
    *,
    now: datetime,
) -> None:
    """Add messages and their deliveries to whoever subscribes now: two statements, whatever their number.

    A subscription with a filter or in order takes one more.
    """
    rows = [
        (n, m.data, dict(m.attributes) or None, m.ordering_key or None, m.parent_receipt_id or None)
        for n, m in zip(ids, messages, strict=True)
    ]
    columns = ("id", "data", "attributes", "ordering_key", "parent_receipt_id")
    retained = routes.retain_until(now)
    kept = {} if retained is None else {"retain_until": retained}
    insert_many(conn, messages_table, columns, rows, topic=topic, publish_time=now, **kept)
    if routes.has_plain:
        _FAN_OUT.run(conn, now=now, first=ids[0], last_id=ids[-1])
    for subscription_id, options in routes.by_hand:
        chosen = ((n, m.attributes, m.ordering_key) for n, m in zip(ids, messages, strict=True))
        insert_chosen(conn, subscription_id, options, chosen, now=now)


def insert_chosen(
    conn: Connection,
    subscription_id: int,
    options: Options,
    messages: Iterable[tuple[int, Mapping[str, str] | None, str | None]],
    *,
    now: datetime,
) -> None:
    """Add deliveries of those messages (id, attributes, ordering key) that the filter of a subscription lets through."""
    wants = filters.compiled(options.filter) if options.filter else None
    rows = [
        (number, (key or None) if options.is_ordered else None)
        for number, attributes, key in messages
        if wants is None or wants(attributes or {})
    ]
    if rows:
        columns = ("message_id", "ordering_key")
        insert_many(conn, deliveries_table, columns, rows, subscription_id=subscription_id, due_time=now)


@lru_cache(maxsize=4096)
def options_of(text: str) -> Options:
    """Read options of a subscription as they are stored; the same few are read for every request."""
    return read_options(json.loads(text))


@lru_cache(maxsize=4096)
def topic_options_of(text: str) -> TopicOptions:
    """Read options of a topic as they are stored."""
    return read_topic_options(json.loads(text))
