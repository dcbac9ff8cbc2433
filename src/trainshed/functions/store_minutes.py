"""Table and SQL of what is kept of each minute of a function's calls. Every function works inside the caller's transaction."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from sqlalchemy import Column, Connection, Integer, Table, Text, func, select, update

from trainshed.functions.metrics import Minute, minutes_of
from trainshed.functions.model import Ended, Invocation
from trainshed.sql import Json, Timestamp, metadata

function_minutes = Table(
    "function_minutes",
    metadata,
    Column("function", Text, primary_key=True),
    Column("start_time", Timestamp, primary_key=True),
    Column("version", Integer, primary_key=True),
    Column("ok", Integer, nullable=False),
    Column("crash", Integer, nullable=False),
    Column("millis", Json, nullable=False),
    Column("mebibytes", Json, nullable=False),
    Column("instances", Json, nullable=False),
)


def add_call(conn: Connection, invocation: Invocation, ended: Ended, now: datetime) -> None:
    """Count a call in the minute in which it ended, and its instance in every minute that it took."""
    times = minutes_of(invocation, now)
    for start in times:
        before = _find(conn, invocation.function, start, invocation.version)
        minute = (before or Minute(start_time=start, version=invocation.version)).having(invocation.instance)
        _put(conn, invocation.function, minute.with_call(ended) if start == times[-1] else minute, is_new=not before)


def list_minutes(
    conn: Connection, name: str, *, since: datetime, until: datetime, version: int | None = None
) -> list[Minute]:
    """Read the minutes of a function from one time to before another, oldest first."""
    m = function_minutes
    query = select(m).where(m.c.function == name, m.c.start_time >= since, m.c.start_time < until)
    if version is not None:
        query = query.where(m.c.version == version)
    return [Minute.from_row(row) for row in conn.execute(query.order_by(m.c.start_time, m.c.version))]


def count_calls(conn: Connection, names: Sequence[str], since: datetime) -> dict[str, tuple[int, int]]:
    """Answer for each of some functions how many calls ended since a time: well, and not."""
    m = function_minutes
    query = (
        select(m.c.function, func.sum(m.c.ok), func.sum(m.c.crash))
        .where(m.c.function.in_(names), m.c.start_time >= since)
        .group_by(m.c.function)
    )
    return {name: (ok, crash) for name, ok, crash in conn.execute(query)}


def _find(conn: Connection, name: str, start: datetime, version: int) -> Minute | None:
    m = function_minutes
    query = select(m).where(m.c.function == name, m.c.start_time == start, m.c.version == version)
    row = conn.execute(query).one_or_none()
    return None if row is None else Minute.from_row(row)


def _put(conn: Connection, name: str, minute: Minute, *, is_new: bool) -> None:
    m, values = function_minutes, asdict(minute)
    if is_new:
        conn.execute(m.insert().values(function=name, **values))
        return
    key = (m.c.function == name, m.c.start_time == minute.start_time, m.c.version == minute.version)
    conn.execute(update(m).where(*key).values(values))
