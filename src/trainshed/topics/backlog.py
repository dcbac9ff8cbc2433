"""How much waits at subscriptions, and a look at it that takes nothing. Nothing here grows with what waits."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Integer, bindparam, func, select

from trainshed.sql import Database, Prepared
from trainshed.topics import attempts
from trainshed.topics.model import Kind, Subscription, Topic
from trainshed.topics.tables import Routing, deliveries_table, messages_table, subscriptions_table, topics_table

COUNTED = 1000  # deliveries of a state in a list; there are that many or more
COUNTED_WHOLE = 100_000  # where one looks at a single subscription
_LOOKED_THROUGH = 5000  # messages of all topics, newest first, for those of one
_d, _m, _s, _t = deliveries_table.c, messages_table.c, subscriptions_table.c, topics_table.c

_MOST = bindparam("most", type_=Integer)
_first = (
    select(_d.message_id)
    .where(_d.subscription_id == bindparam("subscription"), _d.state == bindparam("wanted"))
    .order_by(_d.due_time)
    .limit(_MOST)
    .subquery()
)
_counted: Any = select(func.count(), func.min(_first.c.message_id)).select_from(_first)
_COUNT = Prepared(_counted)


@dataclass(frozen=True, kw_only=True)
class Backlog:
    """What a subscription, or all of a topic, has not acknowledged. Counts stop at a bound: so many, or more."""

    waiting: int = 0
    out: int = 0
    dead: int = 0
    oldest_time: datetime | None = None  # when the oldest that is not acknowledged was published
    bound: int = COUNTED  # of each count

    @property
    def may_be_older(self) -> bool:
        """Whether more waits than was looked at: what was handed out before and comes last may have been published first."""
        return max(self.waiting, self.out) >= self.bound

    def __add__(self, other: "Backlog") -> "Backlog":
        """Add up what waits in two places."""
        times = [time for time in (self.oldest_time, other.oldest_time) if time]
        return Backlog(
            waiting=self.waiting + other.waiting,
            out=self.out + other.out,
            dead=self.dead + other.dead,
            oldest_time=min(times, default=None),
            bound=min(self.bound, other.bound),
        )


@dataclass(frozen=True, kw_only=True)
class Subscribed:
    """A subscription with what waits there."""

    subscription_id: int
    name: str
    topic: str
    kind: Kind
    is_detached: bool
    backlog: Backlog


@dataclass(frozen=True, kw_only=True)
class DeadLetters:
    """A subscription with messages that were given up."""

    name: str
    topic: str
    count: int
    bound: int = COUNTED  # of the count


@dataclass(frozen=True, kw_only=True)
class Looked:
    """A message as somebody sees it who does not take it."""

    message_id: int
    data: bytes
    attributes: dict[str, str]
    ordering_key: str
    publish_time: datetime
    parent_receipt_id: str = ""  # of the event that published it; empty: somebody outside
    attempt: int = 0
    due_time: datetime | None = None  # waiting: when it may be handed out; out: when its deadline ends


class Backlogs:
    """Reads what waits."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def topics(self, prefix: str, *, text: str, after: str, limit: int) -> list[Topic]:
        """Read topics by name, of those whose name holds a text."""

        def query(conn: Connection) -> list[Topic]:
            wanted = select(topics_table).where(_t.name > max(prefix, after), _t.name < f"{prefix}\U0010ffff")
            if text:
                wanted = wanted.where(func.substr(_t.name, len(prefix) + 1).contains(text, autoescape=True))
            return [Topic.from_row(row) for row in conn.execute(wanted.order_by(_t.name).limit(limit))]

        return self._db.read(query)

    def of_topic(self, topic: str, *, limit: int, after: str = "") -> list[Subscribed]:
        """Read subscriptions of a topic by name, each with what waits there."""
        return self._db.read(partial(_of_topic, topic=topic, limit=limit, after=after))

    def of_topics(self, topics: Sequence[str], *, limit: int) -> list[list[Subscribed]]:
        """Read the first subscriptions of each topic."""
        return self._db.read(lambda conn: [_of_topic(conn, topic=topic, limit=limit, after="") for topic in topics])

    def with_dead_letters(self, *, limit: int) -> list[DeadLetters]:
        """Read subscriptions with messages that were given up."""
        is_dead = select(_d.message_id).where(_d.subscription_id == _s.id, _d.state == "DEAD_LETTERED").exists()
        wanted = select(_s.id, _s.name, _s.topic).where(is_dead).order_by(_s.id).limit(limit)

        def query(conn: Connection) -> list[DeadLetters]:
            return [
                DeadLetters(name=name, topic=topic, count=_counted_in(conn, number, "DEAD_LETTERED", COUNTED)[0])
                for number, name, topic in conn.execute(wanted)
            ]

        return self._db.read(query)

    def untaken(self, before: datetime, *, limit: int) -> list[Subscribed]:
        """Read subscriptions with messages that could have been taken at a time, and that nobody took since."""
        waits = (
            select(_d.message_id)
            .where(_d.subscription_id == _s.id, _d.state == "PENDING", _d.due_time < before)
            .exists()
        )
        wanted = select(*_SUBSCRIBED).where(waits, _s.routing != Routing.DETACHED).order_by(_s.id).limit(limit)
        return self._db.read(lambda conn: [_subscribed(conn, row) for row in conn.execute(wanted)])

    def of(self, subscription: Subscription) -> Backlog:
        """Count what waits at one subscription."""
        return self._db.read(lambda conn: _backlog(conn, subscription.subscription_id, COUNTED_WHOLE))

    def peek(self, subscription: Subscription, state: str, *, limit: int) -> list[Looked]:
        """Look at deliveries of a state, those that come next first. Nothing is taken, no deadline moves."""

        def query(conn: Connection) -> list[Looked]:
            wanted = (
                select(messages_table, _d.attempt, _d.due_time)
                .join(messages_table, _m.id == _d.message_id)
                .where(_d.subscription_id == subscription.subscription_id, _d.state == state)
                .order_by(_d.due_time, _d.message_id)
                .limit(limit)
            )
            return [_looked(row, attempt=row.attempt, due_time=row.due_time) for row in conn.execute(wanted)]

        return self._db.read(query)

    def message(self, topic: str, message_id: int) -> Looked | None:
        """Read a message of a topic; None of one that is not kept."""
        wanted = select(messages_table).where(_m.id == message_id, _m.topic == topic)
        row = self._db.read(lambda conn: conn.execute(wanted).one_or_none())
        return None if row is None else _looked(row)

    def published(self, topic: str, *, limit: int) -> list[Looked]:
        """Read the last messages of a topic that are still kept, newest first, if they are among the last of all."""

        def query(conn: Connection) -> list[Looked]:
            last = select(_m.id, _m.topic).order_by(_m.id.desc()).limit(_LOOKED_THROUGH).subquery()
            ids = select(last.c.id).where(last.c.topic == topic).order_by(last.c.id.desc()).limit(limit)
            numbers = list(conn.execute(ids).scalars())
            rows = conn.execute(select(messages_table).where(_m.id.in_(numbers)).order_by(_m.id.desc()))
            return [_looked(row) for row in rows]

        return self._db.read(query)


def channels(subscribed: Sequence[tuple[int, Kind]]) -> list[str]:
    """Answer what tells that something was published for one of these subscriptions."""
    found = {attempts.arrival(number) if kind is Kind.PULL else attempts.PUSHING for number, kind in subscribed}
    return [attempts.CHANGED, *sorted(found)]


_SUBSCRIBED = (_s.id, _s.name, _s.topic, _s.kind, _s.routing)


def _of_topic(conn: Connection, *, topic: str, limit: int, after: str) -> list[Subscribed]:
    wanted = select(*_SUBSCRIBED).where(_s.topic == topic)
    if after:
        wanted = wanted.where(_s.name > after)
    return [_subscribed(conn, row) for row in conn.execute(wanted.order_by(_s.name).limit(limit))]


def _subscribed(conn: Connection, row: Any) -> Subscribed:
    return Subscribed(
        subscription_id=row.id,
        name=row.name,
        topic=row.topic,
        kind=Kind(row.kind),
        is_detached=row.routing == Routing.DETACHED,
        backlog=_backlog(conn, row.id, COUNTED),
    )


def _backlog(conn: Connection, subscription_id: int, bound: int) -> Backlog:
    (waiting, first_waiting), (out, first_out), (dead, _) = (
        _counted_in(conn, subscription_id, state, bound) for state in ("PENDING", "OUTSTANDING", "DEAD_LETTERED")
    )
    oldest = min((number for number in (first_waiting, first_out) if number is not None), default=None)
    return Backlog(waiting=waiting, out=out, dead=dead, oldest_time=_published(conn, oldest), bound=bound)


def _counted_in(conn: Connection, subscription_id: int, state: str, bound: int) -> tuple[int, int | None]:
    ((found, first),) = _COUNT.rows(conn, subscription=subscription_id, wanted=state, most=bound)
    return found, first


def _published(conn: Connection, message_id: int | None) -> datetime | None:
    if message_id is None:
        return None
    found: datetime | None = conn.execute(select(_m.publish_time).where(_m.id == message_id)).scalar()
    return found


def _looked(row: Any, **also: Any) -> Looked:
    return Looked(
        message_id=row.id,
        data=row.data,
        attributes=dict(row.attributes or {}),
        ordering_key=row.ordering_key or "",
        publish_time=row.publish_time,
        parent_receipt_id=row.parent_receipt_id or "",
        **also,
    )
