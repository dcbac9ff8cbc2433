"""Tables and SQL of runs and of the specs that they follow. Every function works inside the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from shlex import quote
from typing import Any

from sqlalchemy import Boolean, Column, ColumnElement, Connection, ForeignKey, Index, Integer, Table, Text, func, select

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import NotFound
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import Run
from trainshed.runs.store_tasks import tasks, usage_of
from trainshed.sql import Json, Timestamp, append, fire, insert_new, metadata, notify, state_columns, state_constraints
from trainshed.sql.lifecycle import changed_lately, record

CHANNEL = "runs"  # notified when a run was created or is to be cancelled
ENDED = "runs ended"  # the channel that is notified when any run has ended
ENDED_ENTRY = "run.ended"  # the kind of outbox entry that each run leaves at its end
NAMES_PIPELINE = "NAMES_PIPELINE"  # the reason why there is no run of a name
MOST_NEW = 200  # runs that one transaction starts
_LATELY = 20_000  # changes of runs and all else that are looked through for runs that ended

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

_BY_AGE = (runs.c.create_time, runs.c.name)
_NEW = select(runs.c.name, runs.c.state).where(runs.c.state == "PENDING").order_by(*_BY_AGE).limit(MOST_NEW)
_CANCELLING = select(runs.c.name, runs.c.state).where(runs.c.state == "CANCELLING").order_by(*_BY_AGE)


def put_spec(conn: Connection, digest: str, document: str) -> None:
    """Keep a spec once: `{"spec": …, "platform": …}` as JSON."""
    insert_new(conn, specs, {"digest": digest, "document": document})


def get_spec(conn: Connection, digest: str) -> dict[str, Any]:
    """Read `{"spec": …, "platform": …}`."""
    document: dict[str, Any] = json.loads(get_spec_text(conn, digest))
    return document


def get_spec_text(conn: Connection, digest: str) -> str:
    """Read the same as it is stored."""
    text: str = conn.execute(select(specs.c.document).where(specs.c.digest == digest)).scalar_one()
    return text


def insert_run(conn: Connection, values: Mapping[str, Any]) -> None:
    """Record a run in its initial state."""
    conn.execute(runs.insert(), dict(values))
    record(conn, RUN.noun, values["name"], "created", RUN.initial[0], values["create_time"])


def find_run(conn: Connection, *, name: str = "", run_key: str = "") -> Run | None:
    """Find a run by name or by run key."""
    which = runs.c.name == name if name else runs.c.run_key == run_key
    row = conn.execute(select(runs).where(which)).one_or_none()
    return None if row is None else Run.from_row(row)


def get_run(conn: Connection, name: str) -> Run:
    """Read a run. Raises NotFound, which says where the name is a pipeline's."""
    found = find_run(conn, name=name)
    if found is None:
        raise _not_found(conn, name)
    return found


def _not_found(conn: Connection, name: str) -> NotFound:
    short = names.short(name)
    if conn.execute(select(runs.c.name).where(runs.c.pipeline == short).limit(1)).first() is None:
        return NotFound(f"There is no run {name!r}; `trainshed pipelines list` shows them.", reason="RUN_NOT_FOUND")
    wanted = quote(f'pipeline_name="{short}"')
    return NotFound(
        f"There is no run {short!r}, but a pipeline of that name; `trainshed pipelines list --filter {wanted}` shows its runs.",
        reason=NAMES_PIPELINE,
    )


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


def count_open(conn: Connection, origin: str) -> int:
    """Count the runs on behalf of a resource that have not ended."""
    query = select(func.count()).where(runs.c.origin == origin, runs.c.state.in_(RUN.open_states))
    return conn.execute(query).scalar_one()


def open_runs(conn: Connection) -> list[Run]:
    """Read every run that has not ended, oldest first."""
    query = select(runs).where(runs.c.state.in_(RUN.open_states)).order_by(runs.c.create_time, runs.c.name)
    return [Run.from_row(row) for row in conn.execute(query)]


def ended_lately(conn: Connection) -> list[Run]:
    """Read the runs that have ended among what changed last."""
    query = select(runs).where(runs.c.name.in_(changed_lately(RUN.noun, _LATELY)), runs.c.end_time.is_not(None))
    return [Run.from_row(row) for row in conn.execute(query)]


def noticed(conn: Connection) -> list[tuple[str, str]]:
    """Read (name, state) of the runs that somebody else than the engine put where they are: to be cancelled, or new.

    Of new ones at most MOST_NEW, the oldest first.
    """
    return [(row.name, row.state) for query in (_CANCELLING, _NEW) for row in conn.execute(query)]


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
