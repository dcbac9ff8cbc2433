"""Tables and SQL of the tasks of runs and of their attempts. Every function works inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    bindparam,
    select,
    update,
)

from trainshed.runs.lifecycle import TASK
from trainshed.runs.model import Attempt, Begun, TaskRow
from trainshed.sql import Json, Prepared, Timestamp, fire, insert_new, metadata, state_columns, state_constraints

tasks = Table(
    "tasks",
    metadata,
    Column("id", Text, primary_key=True),
    Column("run", Text, ForeignKey("runs.name"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("parent", Text, nullable=False),
    Column("iteration", Integer),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("failures", Integer, nullable=False, server_default="0"),
    Column("losses", Integer, nullable=False, server_default="0"),
    Column("ready_time", Timestamp),
    Column("outputs", Json),
    Column("error", Text, nullable=False, server_default=""),
    Column("cache_key", Text, nullable=False, server_default=""),
    Column("key_parts", Json),
    Column("cached_from", Text, nullable=False, server_default=""),
    Column("environment", Text, nullable=False, server_default=""),
    Column("execution_id", Integer),
    Column("cpus", Float, nullable=False),
    Column("memory_bytes", Integer, nullable=False),
    Column("machine_type", Text, nullable=False),
    Column("cpu_seconds", Float, nullable=False, server_default="0"),
    Column("peak_memory_bytes", Integer, nullable=False, server_default="0"),
    Column("create_time", Timestamp, nullable=False),
    Column("start_time", Timestamp),
    *state_columns(TASK),
    *state_constraints(TASK),
    UniqueConstraint("run", "name"),
)

attempts = Table(
    "attempts",
    metadata,
    Column("task_id", Text, ForeignKey("tasks.id"), primary_key=True),
    Column("attempt", Integer, primary_key=True),
    Column("outcome", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("start_time", Timestamp, nullable=False),
    Column("end_time", Timestamp, nullable=False),
    Column("cpu_seconds", Float, nullable=False),
    Column("peak_memory_bytes", Integer, nullable=False),
)


def insert_tasks(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record a run's tasks in their initial state."""
    if rows:
        conn.execute(tasks.insert(), [dict(row) for row in rows])


def tasks_of(conn: Connection, run: str) -> list[TaskRow]:
    """Read a run's tasks in the order of its plan."""
    query = select(tasks).where(tasks.c.run == run).order_by(tasks.c.position)
    return [TaskRow.from_row(row) for row in conn.execute(query)]


def tasks_of_runs(conn: Connection, names: Sequence[str]) -> dict[str, list[TaskRow]]:
    """Read the tasks of several runs at once."""
    found: dict[str, list[TaskRow]] = {name: [] for name in names}
    query = select(tasks).where(tasks.c.run.in_(names)).order_by(tasks.c.run, tasks.c.position)
    for row in conn.execute(query):
        found[row.run].append(TaskRow.from_row(row))
    return found


def tasks_begun(conn: Connection, run: str, since: datetime | None) -> list[Begun]:
    """Read which tasks of a run have been tried and are open, or ended since then, in the order in which they were made."""
    columns = (tasks.c.id, tasks.c.name, tasks.c.attempt, tasks.c.state, tasks.c.end_time)
    query = select(*columns).where(tasks.c.run == run, tasks.c.attempt > 0)
    if since is not None:
        query = query.where(tasks.c.end_time.is_(None) | (tasks.c.end_time >= since))
    return [Begun(**row._mapping) for row in conn.execute(query.order_by(tasks.c.position))]  # noqa: SLF001


def fire_task(
    conn: Connection,
    task_id: str,
    transition: str,
    *,
    now: datetime,
    attempt: int | None = None,
    next_attempt: int | None = None,
    **values: Any,
) -> None:
    """Take a transition of a task."""
    fire(conn, tasks, TASK, {"id": task_id}, transition, now=now, attempt=attempt, next_attempt=next_attempt, **values)


def note_resolution(conn: Connection, task_id: str, **values: Any) -> None:
    """Keep what was found out while a task's inputs were put together."""
    conn.execute(update(tasks).where(tasks.c.id == task_id).values(**values))


def tasks_channel(run: str) -> str:
    """Name what is notified when tasks of a run begin or end."""
    return f"tasks of {run}"


def insert_attempt(conn: Connection, attempt: Attempt) -> None:
    """Record how an attempt ended; a second report of it changes nothing."""
    insert_new(conn, attempts, vars(attempt))


def attempts_of(conn: Connection, run: str) -> list[Attempt]:
    """Read the ended attempts of a run's tasks."""
    joined = attempts.join(tasks, tasks.c.id == attempts.c.task_id)
    query = select(attempts).select_from(joined).where(tasks.c.run == run).order_by(attempts.c.attempt)
    known: dict[str, str] = {}  # thousands of attempts ended in few ways
    word = known.setdefault
    return [
        Attempt(
            task_id=row.task_id,
            attempt=row.attempt,
            outcome=word(row.outcome, row.outcome),
            message=word(row.message, row.message),
            start_time=row.start_time,
            end_time=row.end_time,
            cpu_seconds=row.cpu_seconds,
            peak_memory_bytes=row.peak_memory_bytes,
        )
        for row in conn.execute(query)
    ]


def usage_of(conn: Connection, run: str) -> dict[str, list[float]]:
    """Answer how long the tasks of a run worked on each type of machine, in all attempts: seconds, and those of cores."""
    found: dict[str, list[float]] = {}
    for machine, start, end, cores in (*_UNTRIED.rows(conn, run=run), *_TRIES.rows(conn, run=run)):
        seconds = ((end or start) - start).total_seconds()
        total = found.setdefault(machine, [0.0, 0.0])
        total[0] += seconds
        total[1] += cores or seconds
    return found


def _usages() -> tuple[Prepared, Prepared]:
    """Spell out what is read to add up what a run used: of tasks without an ended attempt, and of attempts."""
    t, a = tasks.c, attempts.c
    is_tried = select(a.task_id).where(a.task_id == t.id).exists()
    untried = select(t.machine_type, t.start_time, t.end_time, t.cpu_seconds).where(
        t.run == bindparam("run"), t.kind == "container", t.cached_from == "", t.start_time.is_not(None), ~is_tried
    )
    tries = select(t.machine_type, a.start_time, a.end_time, a.cpu_seconds).join_from(
        attempts, tasks, t.id == a.task_id
    )
    return Prepared(untried), Prepared(tries.where(t.run == bindparam("run")))


_UNTRIED, _TRIES = _usages()  # a page of a run that goes on asks for them again and again
