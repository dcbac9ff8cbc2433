"""Table and SQL of what is kept of each minute of a function's calls. Every function works inside the caller's transaction."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from itertools import chain, groupby
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, bindparam, func, select, type_coerce, update

from trainshed.functions.metrics import Minute, Stretch, minutes_of
from trainshed.functions.model import Ended, Invocation
from trainshed.sql import Json, Prepared, Timestamp, metadata

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


_m = function_minutes.c
_wanted: Any = bindparam("wanted", type_=Integer)
# What was counted is read as text: a week of a busy function has ten thousand minutes, read in a few documents.
_READ = Prepared(
    select(_m.start_time, _m.ok, _m.crash, *(type_coerce(c, Text) for c in (_m.millis, _m.mebibytes, _m.instances)))
    .where(_m.function == bindparam("name"), _m.start_time >= bindparam("since", type_=Timestamp))
    .where(_m.start_time < bindparam("until", type_=Timestamp), _wanted.is_(None) | (_m.version == _wanted))
    .order_by(_m.start_time, _m.version)
)


def add_call(conn: Connection, invocation: Invocation, ended: Ended, now: datetime) -> None:
    """Count a call in the minute in which it ended, and its instance in every minute that it took."""
    times = minutes_of(invocation, now)
    for start in times:
        before = _find(conn, invocation.function, start, invocation.version)
        minute = (before or Minute(start_time=start, version=invocation.version)).having(invocation.instance)
        _put(conn, invocation.function, minute.with_call(ended) if start == times[-1] else minute, is_new=not before)


def list_stretches(
    conn: Connection, name: str, *, since: datetime, until: datetime, step: timedelta, version: int | None = None
) -> list[Stretch]:
    """Add up what is kept of a function from one time to before another, in steps of time, oldest first."""
    rows = _READ.rows(conn, name=name, since=since, until=until, wanted=version)
    return [
        _added_up(since + step * number, [row[1:] for row in mine])
        for number, mine in groupby(rows, key=lambda row: (row[0] - since) // step)
    ]


def count_calls(conn: Connection, names: Sequence[str], since: datetime) -> dict[str, tuple[int, int]]:
    """Answer for each of some functions how many calls ended since a time: well, and not."""
    m = function_minutes
    query = (
        select(m.c.function, func.sum(m.c.ok), func.sum(m.c.crash))
        .where(m.c.function.in_(names), m.c.start_time >= since)
        .group_by(m.c.function)
    )
    return {name: (ok, crash) for name, ok, crash in conn.execute(query)}


def _added_up(start_time: datetime, rows: Sequence[tuple[Any, ...]]) -> Stretch:
    ok, crash, millis, mebibytes, instances = zip(*rows, strict=True)
    return Stretch(
        start_time=start_time,
        ok=sum(ok),
        crash=sum(crash),
        millis=_counts(millis),
        mebibytes=_counts(mebibytes),
        instances=frozenset(chain.from_iterable(_documents(instances))),
    )


def _counts(texts: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for counts in _documents(texts):
        for value, count in counts.items():
            found[value] = found.get(value, 0) + count
    return found


def _documents(texts: Sequence[str]) -> list[Any]:
    found: list[Any] = json.loads(f"[{','.join(texts)}]")
    return found


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
