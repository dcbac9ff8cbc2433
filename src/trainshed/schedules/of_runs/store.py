"""The table of schedules of runs. Every function works inside the caller's transaction; no decisions here."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import Boolean, Column, Connection, Index, Integer, Table, Text, delete, func, select, update

from trainshed.errors import NotFound
from trainshed.schedules.of_runs.lifecycle import RUN_SCHEDULE
from trainshed.schedules.of_runs.model import Options, RunSchedule, options_document, read_options
from trainshed.sql import Json, Timestamp, metadata, state_columns, state_constraints
from trainshed.sql.lifecycle import record

table = Table(
    "run_schedules",
    metadata,
    Column("name", Text, primary_key=True),
    Column("options", Json, nullable=False),
    Column("request", Json, nullable=False),
    Column("next_run_time", Timestamp),
    Column("wake_time", Timestamp),
    Column("is_behind", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("catch_up", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("started_run_count", Integer, nullable=False, server_default="0"),
    Column("last_pause_time", Timestamp),
    Column("last_resume_time", Timestamp),
    Column("last_run_time", Timestamp),
    Column("last_response", Text, nullable=False, server_default=""),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp, nullable=False),
    *state_columns(RUN_SCHEDULE),
    *state_constraints(RUN_SCHEDULE),
    Index("ix_run_schedules_due", "state", "wake_time"),
)
_c = table.c


def insert(
    conn: Connection,
    name: str,
    options: Options,
    request: Mapping[str, Any],
    *,
    next_run: datetime | None,
    wake: datetime | None,
    now: datetime,
) -> None:
    """Add a schedule."""
    times = {"next_run_time": next_run, "wake_time": wake, "create_time": now, "update_time": now}
    conn.execute(
        table.insert(), {"name": name, "options": options_document(options), "request": dict(request), **times}
    )
    record(conn, RUN_SCHEDULE.noun, name, "created", RUN_SCHEDULE.initial[0], now)


def get(conn: Connection, name: str) -> RunSchedule:
    """Read one schedule. Raises NotFound."""
    row = conn.execute(select(table).where(_c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no schedule {name!r}; `trainshed pipelines schedules list` shows them.")
    return RunSchedule.from_row(row)


def listing(conn: Connection, parent: str) -> list[RunSchedule]:
    """Read the schedules of a place, newest first."""
    query = select(table).where(_c.name.startswith(f"{parent}/schedules/", autoescape=True))
    return [RunSchedule.from_row(row) for row in conn.execute(query.order_by(_c.create_time.desc(), _c.name))]


def remove(conn: Connection, name: str, *, now: datetime) -> None:
    """Forget a schedule; its receipts, its history and its runs stay."""
    record(conn, RUN_SCHEDULE.noun, name, "deleted", "DELETED", now)
    conn.execute(delete(table).where(_c.name == name))


def due(conn: Connection, *, now: datetime, limit: int) -> list[RunSchedule]:
    """Read the active schedules whose time has come and that do not wait for runs to end, the most overdue first."""
    query = select(table).where(_c.state == "ACTIVE", _c.is_behind.is_(False), _c.wake_time <= now)
    return [RunSchedule.from_row(row) for row in conn.execute(query.order_by(_c.wake_time).limit(limit))]


def waiting(conn: Connection) -> list[tuple[str, Options]]:
    """Read the active schedules that wait for runs to end, longest first, without what they start: that may be big."""
    query = select(_c.name, _c.options).where(_c.state == "ACTIVE", _c.is_behind.is_(True))
    return [(row.name, read_options(row.options)) for row in conn.execute(query.order_by(_c.wake_time, _c.name))]


def next_wake(conn: Connection) -> datetime | None:
    """Answer when the next schedule is due that does not wait for runs to end."""
    query = select(func.min(_c.wake_time)).where(_c.state == "ACTIVE", _c.is_behind.is_(False))
    found: datetime | None = conn.execute(query).scalar()
    return found


def note(conn: Connection, name: str, **values: Any) -> None:
    """Write how far a schedule has come."""
    conn.execute(update(table).where(_c.name == name).values(**values))
