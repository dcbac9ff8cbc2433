"""Tables and SQL of runs, their tasks and attempts, and of what is kept to be reused.

Every function works inside the caller's transaction.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    ColumnElement,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import NotFound
from trainshed.runs.lifecycle import RUN, TASK
from trainshed.runs.model import Attempt, Begun, Run, TaskRow
from trainshed.sql import (
    Json,
    Timestamp,
    append,
    changes,
    fire,
    insert_new,
    metadata,
    notify,
    state_columns,
    state_constraints,
)
from trainshed.sql.lifecycle import history_table, record

CHANNEL = "runs"  # notified when a run was created or is to be cancelled
specs = Table(
    "pipeline_specs",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("document", Text, nullable=False),  # {"spec": …, "platform": …} as JSON
)

runs = Table(
    "runs",
    metadata,
    Column("name", Text, primary_key=True),
    Column("number", Text, nullable=False, unique=True),
    Column("pipeline", Text, nullable=False),
    Column("spec_digest", Text, ForeignKey("pipeline_specs.digest"), nullable=False),
    Column("parameters", Json, nullable=False),
    Column("display_name", Text, nullable=False),
    Column("labels", Json, nullable=False),
    Column("root", Text, nullable=False),
    Column("failure_policy", Text, nullable=False),
    Column("caching", Boolean(create_constraint=False)),
    Column("service_account", Text, nullable=False),
    Column("template_uri", Text, nullable=False),
    Column("origin", Text, nullable=False, server_default=""),
    Column("input_artifacts", Json, nullable=False, server_default="{}"),
    Column("carried", Json, nullable=False, server_default="{}"),
    Column("cause_kind", Text, nullable=False),
    Column("receipt_id", Text, nullable=False),
    Column("trigger", Text, nullable=False, server_default=""),
    Column("run_key", Text, unique=True),
    Column("logical_time", Timestamp, nullable=False),
    Column("context_id", Integer, ForeignKey("contexts.id"), nullable=False),
    Column("tasks_total", Integer, nullable=False),
    Column("tasks_ran", Integer),
    Column("tasks_left_out", Integer),
    Column("outputs", Json),
    Column("usage", Json),
    Column("pauses", Json),  # [[ended, taken up again], …]; NULL: it was never retried
    Column("commit_sha", Text),  # of its code; empty: nobody knows; NULL: not looked for since it ended
    Column("error", Text, nullable=False, server_default=""),
    Column("create_time", Timestamp, nullable=False),
    Column("start_time", Timestamp),
    Column("update_time", Timestamp, nullable=False),
    *state_columns(RUN),
    *state_constraints(RUN),
    Index("ix_runs_create_time", "create_time", "name", "display_name"),  # the names: they are searched in it alone
    Index("ix_runs_state", "state", "create_time", "name"),
    Index("ix_runs_pipeline", "pipeline", "create_time", "name"),
    Index("ix_runs_trigger", "trigger", "create_time", "name"),
    Index("ix_runs_origin", "origin"),
    Index("ix_runs_commit_sha", "commit_sha", "create_time", "name"),
)

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

cache = Table(
    "task_cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("parts", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Index("ix_task_cache_pipeline", "pipeline", "task", "create_time"),
)

ENDED = "runs ended"  # the channel that is notified when any run has ended
ENDED_ENTRY = "run.ended"  # the kind of outbox entry that each run leaves at its end
MOST_NEW = 200  # runs that one transaction starts
_BY_AGE = (runs.c.create_time, runs.c.name)
_NEW = select(runs.c.name, runs.c.state).where(runs.c.state == "PENDING").order_by(*_BY_AGE).limit(MOST_NEW)
_CANCELLING = select(runs.c.name, runs.c.state).where(runs.c.state == "CANCELLING").order_by(*_BY_AGE)


def put_spec(conn: Connection, digest: str, document: str) -> None:
    """Keep a spec once: `{"spec": …, "platform": …}` as JSON."""
    insert_new(conn, specs, {"digest": digest, "document": document})


def get_spec(conn: Connection, digest: str) -> dict[str, Any]:
    """Read `{"spec": …, "platform": …}`."""
    text = conn.execute(select(specs.c.document).where(specs.c.digest == digest)).scalar_one()
    document: dict[str, Any] = json.loads(text)
    return document


def insert_run(conn: Connection, values: Mapping[str, Any]) -> None:
    """Record a run in its initial state."""
    conn.execute(runs.insert(), dict(values))
    record(conn, RUN.noun, values["name"], "created", RUN.initial[0], values["create_time"])


def insert_tasks(conn: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
    """Record a run's tasks in their initial state."""
    if rows:
        conn.execute(tasks.insert(), [dict(row) for row in rows])


def find_run(conn: Connection, *, name: str = "", run_key: str = "") -> Run | None:
    """Find a run by name or by run key."""
    which = runs.c.name == name if name else runs.c.run_key == run_key
    row = conn.execute(select(runs).where(which)).one_or_none()
    return None if row is None else Run.from_row(row)


def get_run(conn: Connection, name: str) -> Run:
    """Read a run. Raises NotFound."""
    found = find_run(conn, name=name)
    if found is None:
        raise NotFound(f"There is no run {name!r}; `trainshed pipelines list` shows them.", reason="RUN_NOT_FOUND")
    return found


def list_runs(
    conn: Connection,
    parent: str = "",
    *,
    limit: int = 100,
    before: tuple[datetime, str] | None = None,
    state: str = "",
    order: Sequence[tuple[str, bool]] = (),
    skip: int = 0,
    which: Sequence[ColumnElement[bool]] = (),
) -> list[Run]:
    """Read runs, newest first or by other columns, of which it is said whether they descend."""
    columns = [getattr(runs.c[name], "desc" if descends else "asc")() for name, descends in order]
    query = select(runs).order_by(*columns, runs.c.create_time.desc(), runs.c.name.desc()).limit(limit).offset(skip)
    query = query.where(*which)
    if parent:
        query = query.where(runs.c.name.startswith(f"{parent}/pipelineJobs/", autoescape=True))
    if state:
        query = query.where(runs.c.state == state)
    if before is not None:
        time, name = before
        query = query.where((runs.c.create_time < time) | ((runs.c.create_time == time) & (runs.c.name < name)))
    return [Run.from_row(row) for row in conn.execute(query)]


def usage_of(conn: Connection, run: str) -> dict[str, list[float]]:
    """Answer how long the tasks of a run worked on each type of machine, in all attempts: seconds, and those of cores."""
    is_tried = select(attempts.c.task_id).where(attempts.c.task_id == tasks.c.id).exists()
    untried = select(tasks.c.machine_type, tasks.c.start_time, tasks.c.end_time, tasks.c.cpu_seconds).where(
        tasks.c.run == run, tasks.c.kind == "container", tasks.c.cached_from == "", tasks.c.start_time.is_not(None)
    )
    tries = select(tasks.c.machine_type, attempts.c.start_time, attempts.c.end_time, attempts.c.cpu_seconds)
    tries = tries.join_from(attempts, tasks, tasks.c.id == attempts.c.task_id).where(tasks.c.run == run)
    found: dict[str, list[float]] = {}
    for machine, start, end, cores in (*conn.execute(untried.where(~is_tried)), *conn.execute(tries)):
        seconds = ((end or start) - start).total_seconds()
        total = found.setdefault(machine, [0.0, 0.0])
        total[0] += seconds
        total[1] += cores or seconds
    return found


def count_open(conn: Connection, origin: str) -> int:
    """Count the runs on behalf of a resource that have not ended."""
    query = select(func.count()).where(runs.c.origin == origin, runs.c.state.in_(RUN.open_states))
    return conn.execute(query).scalar_one()


def open_runs(conn: Connection) -> list[Run]:
    """Read every run that has not ended, oldest first."""
    query = select(runs).where(runs.c.state.in_(RUN.open_states)).order_by(runs.c.create_time, runs.c.name)
    return [Run.from_row(row) for row in conn.execute(query)]


def noticed(conn: Connection) -> list[tuple[str, str]]:
    """Read (name, state) of the runs that somebody else than the engine put where they are: to be cancelled, or new.

    Of new ones at most MOST_NEW, the oldest first.
    """
    return [(row.name, row.state) for query in (_CANCELLING, _NEW) for row in conn.execute(query)]


def delete_run(conn: Connection, run: Run) -> None:
    """Forget a run with its tasks; what it made stays in lineage."""
    _delete_tasks(conn, tasks.c.run == run.name)
    conn.execute(delete(runs).where(runs.c.name == run.name))
    for channel in (changes(RUN.noun), changes(RUN.noun, run.name), run_channel(run.name)):
        notify(conn, channel)


def _delete_tasks(conn: Connection, which: ColumnElement[bool]) -> None:
    """Forget tasks with everything that is known of them."""
    ids = select(tasks.c.id).where(which)
    conn.execute(delete(attempts).where(attempts.c.task_id.in_(ids)))
    conn.execute(delete(cache).where(cache.c.task_id.in_(ids)))
    conn.execute(delete(history_table).where(history_table.c.noun == TASK.noun, history_table.c.resource.in_(ids)))
    conn.execute(delete(tasks).where(which))


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


def delete_tasks_in(conn: Connection, run: str, path: str) -> None:
    """Forget the tasks in a DAG task."""
    inside = [tasks.c.name.startswith(f"{path}{mark}", autoescape=True) for mark in (".", "[")]
    _delete_tasks(conn, and_(tasks.c.run == run, or_(*inside)))


def fire_run(conn: Connection, name: str, transition: str, *, now: datetime, **values: Any) -> None:
    """Take a transition of a run."""
    notify(conn, run_channel(name))
    if RUN.is_final(state := RUN[transition].target):
        notify(conn, ENDED)
        values["usage"] = usage_of(conn, name)
        append(conn, ENDED_ENTRY, {"id": names.uid(), "run": name, "state": state, "time": rfc3339(now)}, now=now)
    fire(conn, runs, RUN, {"name": name}, transition, now=now, update_time=now, **values)


def run_channel(name: str) -> str:
    """Name what is notified at each transition of a run."""
    return f"run {name}"


def tasks_channel(run: str) -> str:
    """Name what is notified when tasks of a run begin or end."""
    return f"tasks of {run}"


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


def insert_attempt(conn: Connection, attempt: Attempt) -> None:
    """Record how an attempt ended; a second report of it changes nothing."""
    insert_new(conn, attempts, vars(attempt))


def attempts_of(conn: Connection, run: str, *, again_only: bool = False) -> list[Attempt]:
    """Read the ended attempts of a run's tasks, or of those alone that were tried again."""
    joined = attempts.join(tasks, tasks.c.id == attempts.c.task_id)
    query = select(attempts).select_from(joined).where(tasks.c.run == run).order_by(attempts.c.attempt)
    if again_only:
        query = query.where((tasks.c.attempt > 1) | (tasks.c.start_time.is_(None)))
    return [Attempt(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001  (a row's public mapping)


def put_cache(
    conn: Connection, key: str, *, task_id: str, pipeline: str, task: str, parts: Mapping[str, str], now: datetime
) -> None:
    """Let a key name a task's outputs from now on."""
    conn.execute(delete(cache).where(cache.c.key == key))
    values = {"key": key, "task_id": task_id, "pipeline": pipeline, "task": task, "parts": dict(parts)}
    conn.execute(cache.insert().values(**values, create_time=now))


def find_cached(conn: Connection, key: str) -> TaskRow | None:
    """Find the task whose outputs a key names."""
    joined = tasks.join(cache, cache.c.task_id == tasks.c.id)
    row = conn.execute(select(tasks).select_from(joined).where(cache.c.key == key)).one_or_none()
    return None if row is None else TaskRow.from_row(row)


def latest_parts(conn: Connection, pipeline: str, task: str) -> dict[str, str] | None:
    """Read what the newest cached execution of a task was keyed by, to say why a key differs."""
    query = select(cache.c.parts).where(cache.c.pipeline == pipeline, cache.c.task == task)
    parts: dict[str, str] | None = conn.execute(query.order_by(cache.c.create_time.desc()).limit(1)).scalar()
    return parts


def seconds_of_tasks(conn: Connection, pipeline: str, *, last: int = 500) -> dict[str, list[float]]:
    """Read how long each task of a pipeline took, by path, when it really ran and succeeded, in the newest ones."""
    query = (
        select(tasks.c.name, tasks.c.start_time, tasks.c.end_time)
        .select_from(tasks.join(runs, runs.c.name == tasks.c.run))
        .where(runs.c.pipeline == pipeline, tasks.c.kind == "container")
        .where(tasks.c.state == "SUCCEEDED", tasks.c.start_time.is_not(None))
        .order_by(tasks.c.end_time.desc())
        .limit(last)
    )
    found: dict[str, list[float]] = {}
    for name, start, end in conn.execute(query):
        found.setdefault(name, []).append((end - start).total_seconds())
    return found
