"""What people look for among runs. All of it is done by the database, newest runs first.

What no index narrows down (a part of a name, a parameter's value) is looked for among so many runs at once; the token of
the next page goes on where that ended, so a page may have fewer than asked for, or none, and still a next one (AIP-158).
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any

from sqlalchemy import Column, ColumnElement, Connection, Select, func, or_, select

from trainshed import names
from trainshed.errors import InvalidArgument
from trainshed.runs import commits, store
from trainshed.runs.model import Run
from trainshed.sql import has_member

_MOST_KNOWN = 100  # pipelines, triggers
_LOOKED_THROUGH = 20_000  # runs that one page looks through
_FAILED = 200  # newest ones among which those are looked for that failed last
_EXAMPLE = "num_epochs=3"
BY_HAND = "by hand"  # instead of a trigger: no identifier has a space


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which runs somebody looks for; what is empty does not matter."""

    state: str = ""
    pipeline: str = ""
    trigger: str = ""  # resource name, or the end of one; BY_HAND
    since: datetime | None = None  # created then or later
    until: datetime | None = None  # created before
    text: str = ""  # in its name
    value: str = ""  # of a parameter or a label: KEY=VALUE
    commit: str = ""  # of its code: seven characters of it, or more
    page_size: int = 50
    page_token: str = ""


@dataclass(frozen=True, kw_only=True)
class Used:
    """What the runs of one pipeline that one thing started used together."""

    pipeline: str
    trigger: str  # resource name; empty: somebody by hand
    runs: int
    machines: Mapping[str, Sequence[float]]  # as `Run.usage`


@dataclass(frozen=True, kw_only=True)
class Known:
    """What runs there are of."""

    pipelines: list[str]
    triggers: list[str]


def page(conn: Connection, wanted: Search) -> tuple[list[Run], str]:
    """Answer a page and the token of the next one. Raises InvalidArgument."""
    c = store.runs.c
    newest = select(c.create_time, c.name).order_by(c.create_time.desc(), c.name.desc())
    query = _after(newest.where(*_conditions(conn, wanted)), wanted.page_token)
    sifted = _sifted(wanted)
    stop = conn.execute(query.limit(1).offset(_LOOKED_THROUGH)).one_or_none() if sifted else None
    if stop is not None:
        query = query.where(c.create_time >= stop.create_time)
        query = query.where((c.create_time > stop.create_time) | (c.name >= stop.name))
    whole = query.with_only_columns(store.runs).where(*sifted).limit(wanted.page_size + 1)
    found = [Run.from_row(row) for row in conn.execute(whole)]
    if len(found) > wanted.page_size:
        last = found[wanted.page_size - 1]
        return found[:-1], names.time_token(last.create_time, last.name)
    return found, "" if stop is None else names.time_token(stop.create_time, stop.name)


def known(conn: Connection) -> Known:
    """Answer the pipelines and triggers of all runs, as far as a person can choose among them."""
    return Known(pipelines=_distinct(conn, store.runs.c.pipeline), triggers=_distinct(conn, store.runs.c.trigger))


def previous(conn: Connection, run: Run) -> Run | None:
    """Find the run before another one: of the same trigger and pipeline; without a trigger, of the pipeline."""
    c = store.runs.c
    query = select(store.runs).where(c.pipeline == run.pipeline, c.create_time <= run.create_time, c.name != run.name)
    if run.trigger:
        query = query.where(c.trigger == run.trigger)
    query = query.where((c.create_time < run.create_time) | (c.name < run.name))
    row = conn.execute(query.order_by(c.create_time.desc(), c.name.desc()).limit(1)).one_or_none()
    return None if row is None else Run.from_row(row)


def failed_last(conn: Connection, *, limit: int) -> list[Run]:
    """Answer the runs that failed last, whenever they had begun, among the newest that failed."""
    c = store.runs.c
    newest = select(c.name, c.end_time).where(c.state == "FAILED").order_by(c.create_time.desc(), c.name.desc())
    last = nlargest(limit, conn.execute(newest.limit(_FAILED)), key=lambda row: row.end_time)
    rows = conn.execute(select(store.runs).where(c.name.in_([row.name for row in last])))
    return [Run.from_row(row) for row in rows]


def used_since(conn: Connection, since: datetime) -> list[Used]:
    """Add up what the runs made since then used that have ended, as each row has it."""
    c, total = store.runs.c, dict[tuple[str, str], dict[str, list[float]]]()
    counted: Counter[tuple[str, str]] = Counter()
    query = select(c.pipeline, c.trigger, c.usage).where(c.create_time >= since, c.end_time.is_not(None))
    for pipeline, trigger, usage in conn.execute(query):
        of = (pipeline, trigger or "")
        counted[of] += 1
        machines = total.setdefault(of, {})
        for machine, (seconds, cores) in (usage or {}).items():
            mine = machines.setdefault(machine, [0.0, 0.0])
            mine[0] += seconds
            mine[1] += cores
    return [
        Used(pipeline=pipeline, trigger=trigger, runs=runs, machines=total[(pipeline, trigger)])
        for (pipeline, trigger), runs in counted.items()
    ]


def worked_before(conn: Connection, run: Run) -> Run | None:
    """Find the last run of the same pipeline, whatever started it, that succeeded and did something before this one."""
    c = store.runs.c
    query = select(store.runs).where(c.pipeline == run.pipeline, c.create_time < run.create_time)
    query = query.where(c.state == "SUCCEEDED", c.tasks_ran > 0)
    row = conn.execute(query.order_by(c.create_time.desc(), c.name.desc()).limit(1)).one_or_none()
    return None if row is None else Run.from_row(row)


def _conditions(conn: Connection, wanted: Search) -> list[ColumnElement[bool]]:
    c = store.runs.c
    found: list[ColumnElement[bool]] = []
    if wanted.state:
        found.append(c.state == wanted.state)
    if wanted.pipeline:
        found.append(c.pipeline == wanted.pipeline)
    if wanted.trigger == BY_HAND:
        found += [c.trigger == "", c.receipt_id == "", c.cause_kind.in_(("", "user"))]
    elif wanted.trigger:
        found.append(c.trigger.in_(_meant(conn, wanted.trigger)))
    if wanted.commit:
        found.append(commits.are_of(conn, wanted.commit))
    if wanted.since is not None:
        found.append(c.create_time >= wanted.since)
    if wanted.until is not None:
        found.append(c.create_time < wanted.until)
    return found


def _sifted(wanted: Search) -> list[ColumnElement[bool]]:
    """Answer what has to be looked for run by run. Raises InvalidArgument."""
    c = store.runs.c
    found: list[ColumnElement[bool]] = []
    if wanted.text:
        found.append(or_(*(column.contains(wanted.text, autoescape=True) for column in (c.name, c.display_name))))
    if wanted.value:
        found.append(_has(wanted.value))
    return found


def _meant(conn: Connection, trigger: str) -> list[str]:
    """Answer the triggers that a name, or the end of one, may mean."""
    if trigger.startswith("projects/"):
        return [trigger]
    return [name for name in _distinct(conn, store.runs.c.trigger) if name.endswith(f"/{trigger}")]


def _has(words: str) -> ColumnElement[bool]:
    """Answer the condition that a parameter, or a label, has a value. Raises InvalidArgument."""
    key, is_there, text = (part.strip() for part in words.partition("="))
    if not key or not is_there or '"' in key:
        raise InvalidArgument.field("value", f"{words!r} is not a parameter or label with its value, as {_EXAMPLE} is")
    c = store.runs.c
    readings: list[Any] = [text]
    with suppress(ValueError, RecursionError):  # a plain text
        readings.append(json.loads(text))
    return or_(*(has_member(c.parameters, key, value) for value in readings), has_member(c.labels, key, text))


def _after(query: Select[Any], token: str) -> Select[Any]:
    place = names.read_time_token(token)
    if place is None:
        return query
    c, (time, name) = store.runs.c, place
    # The first condition is what the index is entered by.
    return query.where(c.create_time <= time, (c.create_time < time) | (c.name < name))


def _distinct(conn: Connection, column: Column[str]) -> list[str]:
    """Answer the different values of an indexed column, stepping from one to the next."""
    first = select(func.min(column).label("value")).where(column > "").cte(recursive=True)
    following = select(func.min(column)).where(column > first.c.value).scalar_subquery()
    steps = first.union_all(select(following).where(first.c.value.is_not(None)))
    query = select(steps.c.value).where(steps.c.value.is_not(None)).limit(_MOST_KNOWN)
    return [str(value) for value in conn.execute(query).scalars()]
