"""SQL of topics and subscriptions themselves. Every function works inside the caller's transaction."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Text, bindparam, delete, exists, select, type_coerce, update

from trainshed.errors import NotFound
from trainshed.sql import Prepared, insert_new
from trainshed.topics.model import (
    DELETED_TOPIC,
    Options,
    Subscription,
    Topic,
    TopicOptions,
    options_document,
    read_options,
    read_topic_options,
)
from trainshed.topics.store_publishing import options_of
from trainshed.topics.tables import Routing, deliveries_table, messages_table, subscriptions_table, topics_table

_d, _m, _s, _t = deliveries_table.c, messages_table.c, subscriptions_table.c, topics_table.c
_SUBSCRIPTIONS = select(subscriptions_table, _t.options.label("topic_options")).select_from(
    subscriptions_table.outerjoin(topics_table, _t.name == _s.topic)
)
_SUBSCRIPTION = Prepared(
    select(_s.id, _s.name, _s.topic, type_coerce(_s.options, Text), _s.create_time, _s.active_time, _s.routing).where(
        _s.name == bindparam("named")
    )
)

_SUBSCRIBERS = Prepared(
    select(_s.name).where(_s.topic == bindparam("topic"), _s.routing != Routing.DETACHED).order_by(_s.name)
)
_TOPIC = Prepared(select(_t.name).where(_t.name == bindparam("named")))


def insert_topic(conn: Connection, topic: Topic) -> bool:
    """Add a topic unless one of that name exists."""
    values = {"name": topic.name, "options": asdict(topic.options), "create_time": topic.create_time}
    return insert_new(conn, topics_table, values)


def get_topic(conn: Connection, name: str) -> Topic:
    """Read one topic. Raises NotFound."""
    row = conn.execute(select(topics_table).where(_t.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no topic {name!r}; `trainshed pubsub topics create` makes one.")
    return Topic.from_row(row)


def list_topics(conn: Connection, prefix: str, *, after: str, limit: int) -> list[Topic]:
    """Read topics whose name starts with `prefix`, by name."""
    c = topics_table.c
    query = select(topics_table).where(c.name.startswith(prefix, autoescape=True), c.name > after)
    return [Topic.from_row(row) for row in conn.execute(query.order_by(c.name).limit(limit))]


def change_topic(conn: Connection, name: str, options: TopicOptions) -> None:
    """Replace the options of a topic."""
    conn.execute(update(topics_table).where(_t.name == name).values(options=asdict(options)))


def topics_with_schema(conn: Connection, schema: str) -> list[Topic]:
    """Read the topics whose messages have to fit a schema."""
    every = map(Topic.from_row, conn.execute(select(topics_table)))
    return [topic for topic in every if topic.options.schema and topic.options.schema.schema == schema]


def delete_topic(conn: Connection, name: str) -> None:
    """Remove a topic; its subscriptions stay, without one."""
    conn.execute(delete(topics_table).where(_t.name == name))
    conn.execute(update(subscriptions_table).where(_s.topic == name).values(topic=DELETED_TOPIC))


def insert_subscription(conn: Connection, name: str, topic: str, options: Options, *, now: datetime) -> bool:
    """Add a subscription unless one of that name exists."""
    values = {"name": name, "topic": topic, "create_time": now, "active_time": now, "routing": _routing(options)}
    return insert_new(conn, subscriptions_table, values | _option_columns(options))


def change_subscription(conn: Connection, subscription_id: int, options: Options) -> None:
    """Replace the options of a subscription."""
    conn.execute(
        update(subscriptions_table).where(_s.id == subscription_id).values(**_option_columns(options)),
    )


def detach_subscription(conn: Connection, subscription_id: int) -> None:
    """Cut a subscription off its topic; it keeps nothing."""
    conn.execute(update(subscriptions_table).where(_s.id == subscription_id).values(routing=Routing.DETACHED))
    forget_all(conn, subscription_id)


def get_subscription(conn: Connection, name: str) -> Subscription:
    """Read one subscription, as every request needs it. Raises NotFound."""
    for key, found, topic, options, create_time, active_time, routing in _SUBSCRIPTION.rows(conn, named=name):
        return Subscription(
            subscription_id=key,
            name=found,
            topic=topic,
            options=options_of(options),
            create_time=create_time,
            active_time=active_time,
            is_detached=routing == Routing.DETACHED,
        )
    raise _no_subscription(name)


def show_subscription(conn: Connection, name: str) -> Subscription:
    """Read one subscription with what it takes from its topic. Raises NotFound."""
    row = conn.execute(_SUBSCRIPTIONS.where(_s.name == name)).one_or_none()
    if row is None:
        raise _no_subscription(name)
    return _subscription(row)


def list_subscriptions(
    conn: Connection, prefix: str = "", *, topic: str = "", after: str = "", limit: int | None = None
) -> list[Subscription]:
    """Read subscriptions by name, of a project or of a topic."""
    query = _SUBSCRIPTIONS.where(_s.name.startswith(prefix, autoescape=True), _s.name > after)
    if topic:
        query = query.where(_s.topic == topic, _s.routing != Routing.DETACHED)
    return [_subscription(row) for row in conn.execute(query.order_by(_s.name).limit(limit))]


def subscribers(conn: Connection, topic: str) -> list[str]:
    """Read the names of a topic's subscriptions: an overview asks for several topics. Raises NotFound."""
    if not _TOPIC.rows(conn, named=topic):
        get_topic(conn, topic)
    return [name for (name,) in _SUBSCRIBERS.rows(conn, topic=topic)]


def delete_subscription(conn: Connection, subscription_id: int) -> None:
    """Remove a subscription with its deliveries, and the messages that only it still held."""
    forget_all(conn, subscription_id)
    conn.execute(delete(subscriptions_table).where(_s.id == subscription_id))


def forget_all(conn: Connection, subscription_id: int) -> None:
    """Remove the deliveries of a subscription, and the messages that only it still held."""
    held = select(_d.message_id).where(_d.subscription_id == subscription_id)
    others = exists().where(_d.message_id == _m.id, _d.subscription_id != subscription_id)
    conn.execute(delete(messages_table).where(_m.id.in_(held), _m.retain_until.is_(None), ~others))
    conn.execute(delete(deliveries_table).where(_d.subscription_id == subscription_id))


def note_activity(conn: Connection, subscription_ids: Iterable[int] | None, *, now: datetime) -> None:
    """Note that subscriptions were used; None: all of them."""
    query = update(subscriptions_table).values(active_time=now)
    conn.execute(query if subscription_ids is None else query.where(_s.id.in_(list(subscription_ids))))


def _no_subscription(name: str) -> NotFound:
    return NotFound(f"There is no subscription {name!r}; `trainshed pubsub subscriptions create` makes one.")


def _option_columns(options: Options) -> dict[str, Any]:
    return {"kind": str(options.kind), "options": options_document(options)}


def _routing(options: Options) -> Routing:
    return Routing.BY_HAND if options.filter or options.is_ordered else Routing.PLAIN


def _subscription(row: Any) -> Subscription:
    topic = read_topic_options(row.topic_options) if row.topic_options else None
    return Subscription(
        subscription_id=row.id,
        name=row.name,
        topic=row.topic,
        options=read_options(row.options),
        create_time=row.create_time,
        active_time=row.active_time,
        is_detached=row.routing == Routing.DETACHED,
        topic_retention_seconds=topic.retention_seconds if topic else None,
    )
