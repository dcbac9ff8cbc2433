"""Tables and SQL of builds. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    func,
    select,
    type_coerce,
    update,
)

from trainshed import names
from trainshed.builds.lifecycle import BUILD, STEP
from trainshed.builds.model import Build, Progress, StepRecord
from trainshed.errors import NotFound
from trainshed.sql import Json, Timestamp, fire, metadata, notify, state_columns, state_constraints
from trainshed.sql.lifecycle import record

CHANNEL = "builds"
_BATCH = 100

builds = Table(
    "builds",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("resolved", Json, nullable=False),
    Column("substitutions", Json, nullable=False),
    Column("trigger", Text, nullable=False, server_default=""),
    Column("trigger_id", Text, nullable=False, server_default=""),
    Column("commit_sha", Text, nullable=False, server_default=""),
    Column("ref", Text, nullable=False, server_default=""),  # the branch or tag that was built
    Column("approval", Json),
    Column("create_time", Timestamp, nullable=False),
    Column("start_time", Timestamp),
    Column("expire_time", Timestamp, nullable=False),
    Column("status_detail", Text, nullable=False, server_default=""),
    Column("failure", Json),
    Column("results", Json),
    Column("timing", Json),
    Column("warnings", Json),
    Column("log_uri", Text, nullable=False, server_default=""),
    *state_columns(BUILD),
    *state_constraints(BUILD),
    Index("ix_builds_create_time", "create_time", "id"),
    Index("ix_builds_state", "state", "create_time", "id"),
    Index("ix_builds_trigger", "trigger", "create_time", "id"),
    Index("ix_builds_commit_sha", "commit_sha"),
    Index("ix_builds_ref", "ref", "create_time", "id"),
)

build_steps = Table(
    "build_steps",
    metadata,
    Column("build_id", Text, ForeignKey("builds.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("step_id", Text, nullable=False, server_default=""),
    Column("name", Text, nullable=False),
    Column("start_time", Timestamp),
    Column("exit_code", Integer),
    Column("output", Text, nullable=False, server_default=""),
    *state_columns(STEP),
    *state_constraints(STEP),
)


def insert_build(conn: Connection, values: Mapping[str, Any], steps: Iterable[Mapping[str, Any]]) -> None:
    """Store a new build and its steps."""
    conn.execute(builds.insert().values(**values))
    record(conn, BUILD.noun, values["id"], "created", BUILD.initial[0], values["create_time"])
    rows = [{"build_id": values["id"], **step} for step in steps]
    conn.execute(build_steps.insert(), rows)
    notify(conn, CHANNEL)


def fire_build(conn: Connection, build_id: str, name: str, *, now: datetime, **values: Any) -> None:
    """Take a transition of a build. Raises StaleState."""
    fire(conn, builds, BUILD, {"id": build_id}, name, now=now, **values)
    notify(conn, CHANNEL)


def fire_step(conn: Connection, build_id: str, number: int, name: str, *, now: datetime, **values: Any) -> None:
    """Take a transition of a step. Raises StaleState."""
    fire(conn, build_steps, STEP, {"build_id": build_id, "number": number}, name, now=now, **values)


def abandon_steps(conn: Connection, build_id: str, *, now: datetime) -> None:
    """End every step that has not ended."""
    for step in steps_of(conn, build_id):
        if not STEP.is_final(step.state):
            fire_step(conn, build_id, step.number, "abandon", now=now)


def set_values(conn: Connection, build_id: str, **values: Any) -> None:
    """Set columns that are not state."""
    conn.execute(update(builds).where(builds.c.id == build_id).values(**values))


def steps_of(conn: Connection, build_id: str) -> tuple[StepRecord, ...]:
    """Read the steps of a build, in order."""
    query = select(build_steps).where(build_steps.c.build_id == build_id).order_by(build_steps.c.number)
    return tuple(StepRecord.from_row(row) for row in conn.execute(query))


def get_build(conn: Connection, build_id: str) -> Build:
    """Read one build with its steps. Raises NotFound."""
    row = conn.execute(select(builds).where(builds.c.id == build_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no build {build_id!r}; `trainshed builds list` shows them.", reason="BUILD_NOT_FOUND")
    return Build.from_row(row, steps_of(conn, build_id))


def that_begin(conn: Connection, text: str, *, most: int) -> list[str]:
    """Answer the identifiers of builds that begin with a text."""
    low, high = names.beginning(text)
    query = select(builds.c.id).where(builds.c.id >= low, builds.c.id < high)
    return list(conn.execute(query.order_by(builds.c.id).limit(most)).scalars())


def list_builds(
    conn: Connection,
    *,
    project: str = "",
    region: str = "",
    trigger: str = "",
    states: Iterable[str] | None = None,
    limit: int = 100,
    before: tuple[datetime, str] | None = None,
) -> list[Build]:
    """Read builds, newest first; `states`: only in these."""
    c = builds.c
    query = select(builds).order_by(c.create_time.desc(), c.id.desc()).limit(limit)
    if project:
        query = query.where(c.project == project)
    if region and region not in {"global", "-"}:
        query = query.where(c.region == region)
    if trigger:
        query = query.where((c.trigger == trigger) | c.trigger.endswith(f"/{trigger}", autoescape=True))
    if before is not None:  # the first condition is what the index is entered by
        time, build_id = before
        query = query.where(c.create_time <= time, (c.create_time < time) | (c.id < build_id))
    each = [query] if states is None else [query.where(c.state == state) for state in states]  # each lies in order
    found = [row for one in each for row in conn.execute(one)]
    rows = sorted(found, key=lambda row: (row.create_time, row.id), reverse=True)[:limit]
    steps = _steps_of_many(conn, [row.id for row in rows])
    return [Build.from_row(row, steps.get(row.id, ())) for row in rows]


def seconds_since(conn: Connection, since: datetime) -> dict[str, float]:
    """Add up how long the builds made since then have worked, by machine type; empty: none was asked for."""
    c = builds.c
    machine = func.json_extract(type_coerce(c.resolved, Text), "$.options.machineType").label("machine")
    query = select(c.start_time, c.end_time, machine).where(
        c.create_time >= since, c.start_time.is_not(None), c.end_time.is_not(None)
    )
    found: dict[str, float] = {}
    for start, end, name in conn.execute(query):
        found[name or ""] = found.get(name or "", 0.0) + (end - start).total_seconds()
    return found


def builds_at(conn: Connection, when: datetime, *, among: int) -> list[Build]:
    """Read the builds that were at work at a time, newest first, looking at so many of those made before it."""
    c = builds.c
    recent = select(builds).where(c.create_time <= when).order_by(c.create_time.desc(), c.id.desc()).limit(among)
    rows = [r for r in conn.execute(recent) if r.start_time and r.start_time <= when <= (r.end_time or when)]
    return [Build.from_row(row) for row in rows]


def builds_newest_first(
    conn: Connection,
    *,
    project: str,
    region: str,
    states: Iterable[str] | None,
    before: tuple[datetime, str] | None,
) -> Iterator[Build]:
    """Read builds one after the other, a batch at a time, for a filter that only looks at what it needs."""
    while True:
        batch = list_builds(conn, project=project, region=region, states=states, limit=_BATCH, before=before)
        yield from batch
        if len(batch) < _BATCH:
            return
        before = (batch[-1].create_time, batch[-1].build_id)


def _steps_of_many(conn: Connection, build_ids: Sequence[str]) -> dict[str, tuple[StepRecord, ...]]:
    c = build_steps.c
    found: dict[str, list[StepRecord]] = {}
    for start in range(0, len(build_ids), _BATCH):
        chunk = build_ids[start : start + _BATCH]
        query = select(build_steps).where(c.build_id.in_(chunk)).order_by(c.build_id, c.number)
        for row in conn.execute(query):
            found.setdefault(row.build_id, []).append(StepRecord.from_row(row))
    return {build_id: tuple(steps) for build_id, steps in found.items()}


def waiting(conn: Connection, limit: int) -> list[str]:
    """Answer the queued builds that are next, oldest first."""
    c = builds.c
    query = select(c.id).where(c.state == "QUEUED").order_by(c.create_time, c.id).limit(limit)
    return list(conn.execute(query).scalars())


def overdue(conn: Connection, now: datetime) -> list[str]:
    """Answer the builds that have waited longer than their queueTtl."""
    c = builds.c
    return list(conn.execute(select(c.id).where(c.state.in_(("PENDING", "QUEUED")), c.expire_time <= now)).scalars())


def progress(conn: Connection, build_ids: Sequence[str]) -> dict[str, Progress]:
    """Answer how far builds have come; what is gone is left out."""
    c = builds.c
    query = select(c.id, c.state, c.create_time, c.start_time, c.end_time).where(c.id.in_(build_ids))
    return {
        row.id: Progress(state=row.state, create_time=row.create_time, start_time=row.start_time, end_time=row.end_time)
        for row in conn.execute(query)
    }
