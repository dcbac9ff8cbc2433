"""The table of schedules of runs. Every function works inside the caller's transaction; no decisions here."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Connection,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    literal,
    select,
    type_coerce,
    update,
)

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
    Index("ix_run_schedules_create_time", "create_time", "name"),
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


def in_state(conn: Connection, state: str, *, limit: int) -> list[RunSchedule]:
    """Read schedules in a state, those that are looked at next first, without what they start."""
    columns = [c if c.name != "request" else literal({}, Json).label("request") for c in table.columns]
    query = select(*columns).where(_c.state == state).order_by(_c.wake_time, _c.name).limit(limit)
    return [RunSchedule.from_row(row) for row in conn.execute(query)]


def search(
    conn: Connection, parent: str, *, text: str, state: str, before: tuple[datetime, str] | None, limit: int
) -> list[RunSchedule]:
    """Read schedules of a place, newest first, without what they start: that may be big."""
    columns = [c if c.name != "request" else literal({}, Json).label("request") for c in table.columns]
    prefix = f"{parent}/schedules/"
    query = select(*columns).where(_c.name > prefix, _c.name < f"{prefix}\U0010ffff")
    if text:
        query = query.where(func.json_extract(type_coerce(_c.options, Text), "$.display_name").contains(text))
    if state:
        query = query.where(_c.state == state)
    if before is not None:
        time, name = before
        query = query.where(_c.create_time <= time, (_c.create_time < time) | (_c.name < name))
    rows = conn.execute(query.order_by(_c.create_time.desc(), _c.name.desc()).limit(limit))
    return [RunSchedule.from_row(row) for row in rows]


def titles(conn: Connection, names: Collection[str]) -> dict[str, str]:
    """Read what schedules are called."""
    title = func.json_extract(type_coerce(_c.options, Text), "$.display_name")
    return {
        row.name: row.title for row in conn.execute(select(_c.name, title.label("title")).where(_c.name.in_(names)))
    }


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
