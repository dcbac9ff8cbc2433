"""Tables and SQL of schedules. Every function works inside the caller's transaction; no decisions here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    bindparam,
    delete,
    func,
    select,
    update,
)

from trainshed.errors import NotFound
from trainshed.schedules.lifecycle import FIRING, SCHEDULE
from trainshed.schedules.model import Firing, Options, Schedule, options_document
from trainshed.sql import Json, Timestamp, fire_many, insert_new, metadata, state_columns, state_constraints
from trainshed.sql.lifecycle import record

schedules_table = Table(
    "schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("options", Json, nullable=False),
    Column("next_due_time", Timestamp),
    Column("last_due_time", Timestamp),
    Column("last_attempt_time", Timestamp),
    Column("last_receipt_id", Text),
    Column("status_code", Text),
    Column("status_message", Text),
    Column("user_update_time", Timestamp, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    *state_columns(SCHEDULE),
    *state_constraints(SCHEDULE),
    Index("ix_schedules_due", "state", "next_due_time"),
)

# Firings that take longer than the transaction in which they come due: calls, retries, waiting ones. All others, the
# bulk, are told by their receipt alone.
firings_table = Table(
    "firings",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("schedule", Text, ForeignKey("schedules.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("schedule_time", Timestamp, nullable=False),
    Column("receipt_id", Text, nullable=False),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("attempt_time", Timestamp, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    *state_columns(FIRING),
    *state_constraints(FIRING),
    Index("ix_firings_due", "state", "attempt_time"),
    sqlite_autoincrement=True,
)

_s, _f = schedules_table.c, firings_table.c
_ADVANCE = (
    update(schedules_table)
    .where(_s.name == bindparam("key"))
    .values(
        next_due_time=bindparam("next_due"),
        last_due_time=bindparam("last_due"),
        last_attempt_time=bindparam("attempted"),
        last_receipt_id=bindparam("receipt"),
    )
)


def insert_schedule(
    conn: Connection,
    name: str,
    options: Options,
    *,
    next_due: datetime | None,
    last_due: datetime | None,
    now: datetime,
) -> bool:
    """Add a schedule unless one of that name exists."""
    values = {
        "name": name,
        "options": options_document(options),
        "next_due_time": next_due,
        "last_due_time": last_due,
        "user_update_time": now,
        "create_time": now,
    }
    is_new = insert_new(conn, schedules_table, values)
    if is_new:
        record(conn, SCHEDULE.noun, name, "created", SCHEDULE.initial[0], now)
    return is_new


def get_schedule(conn: Connection, name: str) -> Schedule:
    """Read one schedule. Raises NotFound."""
    row = conn.execute(select(schedules_table).where(_s.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no schedule {name!r}; `trainshed scheduler jobs list` shows them.")
    return Schedule.from_row(row)


def list_schedules(conn: Connection, prefix: str, *, after: str = "", limit: int | None = None) -> list[Schedule]:
    """Read schedules whose name starts with `prefix`, by name."""
    query = select(schedules_table).where(_s.name.startswith(prefix, autoescape=True), _s.name > after)
    return [Schedule.from_row(row) for row in conn.execute(query.order_by(_s.name).limit(limit))]


def search_schedules(conn: Connection, prefix: str, *, text: str, state: str, after: str, limit: int) -> list[Schedule]:
    """Read schedules by name, of those whose name holds a text, or that are in a state."""
    query = select(schedules_table).where(_s.name > max(prefix, after), _s.name < f"{prefix}\U0010ffff")
    if text:
        query = query.where(func.substr(_s.name, len(prefix) + 1).contains(text, autoescape=True))
    if state:
        query = query.where(_s.state == state)
    return [Schedule.from_row(row) for row in conn.execute(query.order_by(_s.name).limit(limit))]


def in_state(conn: Connection, state: str, *, limit: int) -> list[Schedule]:
    """Read schedules in a state, those that are due next first."""
    query = select(schedules_table).where(_s.state == state).order_by(_s.next_due_time, _s.name).limit(limit)
    return [Schedule.from_row(row) for row in conn.execute(query)]


def delete_schedule(conn: Connection, name: str, *, now: datetime) -> None:
    """Remove a schedule; its receipts and its history stay."""
    record(conn, SCHEDULE.noun, name, "deleted", "DELETED", now)
    conn.execute(delete(firings_table).where(_f.schedule == name))
    conn.execute(delete(schedules_table).where(_s.name == name))


def due_schedules(conn: Connection, *, now: datetime, limit: int) -> list[Schedule]:
    """Read enabled schedules whose time has come, the most overdue first."""
    query = (
        select(schedules_table)
        .where(_s.state == "ENABLED", _s.next_due_time <= now)
        .order_by(_s.next_due_time)
        .limit(limit)
    )
    return [Schedule.from_row(row) for row in conn.execute(query)]


def advance(conn: Connection, rows: Sequence[dict[str, Any]]) -> None:
    """Write how far schedules have come: key, next_due, last_due, attempted, receipt."""
    if rows:
        conn.execute(_ADVANCE, list(rows))


def set_status(conn: Connection, name: str, *, code: str, message: str, now: datetime) -> None:
    """Write how the last attempt of a schedule ended; an empty code is success."""
    conn.execute(
        update(schedules_table)
        .where(_s.name == name)
        .values(status_code=code, status_message=message, last_attempt_time=now)
    )


def next_due(conn: Connection) -> datetime | None:
    """Answer when the next schedule or attempt is due."""
    times = (
        conn.execute(select(func.min(_s.next_due_time)).where(_s.state == "ENABLED")).scalar(),
        conn.execute(select(func.min(_f.attempt_time)).where(_f.state == "PENDING")).scalar(),
    )
    return min((t for t in times if t is not None), default=None)


def insert_firings(conn: Connection, rows: Iterable[dict[str, Any]]) -> None:
    """Add firings: schedule, schedule_time, receipt_id, attempt_time, create_time, and `state` to begin in."""
    if values := list(rows):
        conn.execute(firings_table.insert(), values)


def open_firings(conn: Connection, names: Sequence[str]) -> dict[str, set[str]]:
    """Answer the states of the open firings of schedules."""
    query = select(_f.schedule, _f.state).where(_f.schedule.in_(names), _f.state.in_(FIRING.open_states)).distinct()
    found: dict[str, set[str]] = {}
    for row in conn.execute(query):
        found.setdefault(row.schedule, set()).add(row.state)
    return found


def firings(conn: Connection, state: str, *, until: datetime | None = None, schedule: str = "") -> list[Firing]:
    """Read firings in a state, those of earlier attempt time first."""
    query = select(firings_table).where(_f.state == state)
    if until is not None:
        query = query.where(_f.attempt_time <= until)
    if schedule:
        query = query.where(_f.schedule == schedule)
    return [Firing.from_row(row) for row in conn.execute(query.order_by(_f.attempt_time, _f.id))]


def count_attempt(conn: Connection, firing: Firing) -> Firing:
    """Begin the next attempt of a firing; its number fences the report."""
    conn.execute(update(firings_table).where(_f.id == firing.firing_id).values(attempt=firing.attempt + 1))
    return replace(firing, attempt=firing.attempt + 1)


def abandon_running(conn: Connection, *, now: datetime) -> int:
    """Take back the attempts that a former server had under way."""
    return fire_many(conn, firings_table, FIRING, _f.state == "RUNNING", "abandon", now=now, attempt_time=now)


def forget_firings(conn: Connection, *, before: datetime) -> int:
    """Remove firings that ended before a time; their receipts stay."""
    return conn.execute(delete(firings_table).where(_f.end_time < before)).rowcount


def is_idle(conn: Connection, *, now: datetime) -> bool:
    """Whether nothing waits and no attempt is due."""
    which = (_f.state == "WAITING") | ((_f.state == "PENDING") & (_f.attempt_time <= now))
    return conn.execute(select(_f.id).where(which).limit(1)).first() is None
