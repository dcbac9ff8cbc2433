"""A run's tasks in as few words as its graph needs, and one of them with everything that is known of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, func, select

from trainshed import ir, lineage
from trainshed.runs import decided, handed, outputs, store_tasks
from trainshed.runs.decided import Decision
from trainshed.runs.lifecycle import TASK
from trainshed.runs.model import Attempt, Run, TaskRow
from trainshed.sql import chunks
from trainshed.sql.lifecycle import Change, history_table

_c = store_tasks.tasks.c
_COLUMNS = (
    _c.id, _c.name, _c.kind, _c.parent, _c.iteration, _c.attempt, _c.state, _c.cached_from,
    _c.start_time, _c.end_time, _c.machine_type, _c.cpu_seconds,
)  # fmt: skip


@dataclass(frozen=True, kw_only=True, slots=True)
class Mark:
    """One task: where it stands."""

    id: str
    name: str
    kind: str
    parent: str
    iteration: int | None
    attempt: int
    state: str
    cached_from: str
    start_time: datetime | None
    end_time: datetime | None
    machine_type: str
    cpu_seconds: float

    @property
    def is_dag(self) -> bool:
        """Whether it consists of other tasks."""
        return self.kind in {"dag", "loop"}


@dataclass(frozen=True, kw_only=True)
class Marks:
    """A run and where all its tasks stand."""

    run: Run
    plan: ir.Plan
    tasks: Sequence[Mark]


@dataclass(frozen=True, kw_only=True, slots=True)
class Brief(Mark):
    """One task: where it stands, where it worked and what went wrong."""

    environment: str
    error: str


@dataclass(frozen=True, kw_only=True)
class Briefly:
    """A run and its tasks, as an account tells of them."""

    run: Run
    plan: ir.Plan
    tasks: Sequence[Brief]
    attempts: Sequence[Attempt]


@dataclass(frozen=True, kw_only=True)
class OneTask:
    """A task with everything that is known of it."""

    row: TaskRow
    attempts: Sequence[Attempt]
    changes: Sequence[Change]
    decision: Decision | None
    execution: lineage.Execution | None = None
    events: Sequence[lineage.Event] = ()
    artifacts: Mapping[int, lineage.Artifact] = field(default_factory=dict)
    handed: ir.TaskInputs | None = None  # its inputs, until its execution has them

    @property
    def parameters(self) -> Mapping[str, Any]:
        """Answer what it was given, whether that is recorded already or not."""
        if self.execution is not None:
            return self.execution.properties.get("inputs") or {}
        return self.handed.parameters if self.handed is not None else {}

    @property
    def used(self) -> Sequence[tuple[str, str, lineage.Artifact]]:
        """Answer what each artifact is called that it reads or made, INPUT or OUTPUT, and the artifact."""
        found = [(event.path, event.type, event.artifact_id) for event in self.events]
        if self.handed is not None:
            found = [
                (key, "INPUT", outputs.artifact_id(a)) for key, some in self.handed.artifacts.items() for a in some
            ]
        return [(name, use, self.artifacts[key]) for name, use, key in found if key in self.artifacts]


def marks_of(conn: Connection, run: str) -> list[Mark]:
    """Read where a run's tasks stand, in the order in which they were made."""
    query = select(*_COLUMNS).where(_c.run == run).order_by(_c.position)
    known: dict[str, str] = {}  # thousands of rows have few different words
    return [Mark(**_values(row, known)) for row in conn.execute(query)]


def briefs_of(conn: Connection, run: str) -> list[Brief]:
    """Read the same, with where they worked and what went wrong."""
    query = select(*_COLUMNS, _c.environment, _c.error).where(_c.run == run).order_by(_c.position)
    known: dict[str, str] = {}
    word = known.setdefault
    return [
        Brief(**_values(row, known), environment=word(row[12], row[12]), error=word(row[13], row[13]))
        for row in conn.execute(query)
    ]


def _values(row: Sequence[Any], known: dict[str, str]) -> dict[str, Any]:
    word = known.setdefault
    return {
        "id": row[0], "name": row[1], "kind": word(row[2], row[2]), "parent": word(row[3], row[3]), "iteration": row[4],
        "attempt": row[5], "state": word(row[6], row[6]), "cached_from": word(row[7], row[7]), "start_time": row[8],
        "end_time": row[9], "machine_type": word(row[10], row[10]), "cpu_seconds": row[11],
    }  # fmt: skip


def rows_of(conn: Connection, ids: Sequence[str]) -> dict[str, TaskRow]:
    """Read some tasks whole, by id."""
    queries = (select(store_tasks.tasks).where(_c.id.in_(some)) for some in chunks(ids))
    return {row.id: TaskRow.from_row(row) for query in queries for row in conn.execute(query)}


def changes_of(conn: Connection, ids: Sequence[str]) -> dict[str, list[Change]]:
    """Read what happened to some tasks, oldest first, by id."""
    c = history_table.c
    found: dict[str, list[Change]] = {key: [] for key in ids}
    for some in chunks(ids):
        query = select(c.resource, c.transition, c.state, c.time, c.cause)
        query = query.where(c.noun == TASK.noun, c.resource.in_(some)).order_by(c.id)
        for resource, transition, state, time, cause in conn.execute(query):
            found[resource].append(Change(transition=transition, state=state, time=time, cause=cause or ""))
    return found


def begun(conn: Connection, ids: Sequence[str]) -> dict[str, datetime]:
    """Read when the last attempt of some tasks began, by id."""
    c = history_table.c
    of_tasks = select(c.resource, func.max(c.time)).where(c.noun == TASK.noun, c.transition == "claimed")
    queries = (of_tasks.where(c.resource.in_(some)).group_by(c.resource) for some in chunks(ids))
    return {resource: time for query in queries for resource, time in conn.execute(query)}


def find_task(conn: Connection, run: Run, plan: ir.Plan, folder: Path, path: str) -> OneTask | None:
    """Read one task of a run whose files are in a folder; None where the run has not made it."""
    found = conn.execute(select(store_tasks.tasks).where(_c.run == run.name, _c.name == path)).one_or_none()
    if found is None:
        return None
    row = TaskRow.from_row(found)
    of_attempts = (
        select(store_tasks.attempts)
        .where(store_tasks.attempts.c.task_id == row.id)
        .order_by(store_tasks.attempts.c.attempt)
    )
    execution, events = _execution(conn, row)
    given = handed.handed(conn, run, plan, folder, row) if execution is None else None
    wanted = [event.artifact_id for event in events]
    wanted += [outputs.artifact_id(a) for found in (given.artifacts if given else {}).values() for a in found]
    return OneTask(
        row=row,
        attempts=[Attempt(**entry._mapping) for entry in conn.execute(of_attempts)],  # noqa: SLF001  (a row's public mapping)
        changes=changes_of(conn, [row.id])[row.id],
        decision=decided.decisions(conn, run, [row]).get(row.id),
        execution=execution,
        events=events,
        artifacts=lineage.read_artifacts(conn, wanted),
        handed=given,
    )


def artifacts_of_tasks(conn: Connection, ids: Sequence[str], key: str) -> list[lineage.Artifact]:
    """Read what some tasks made under a name, in the order of the tasks."""
    rows = rows_of(conn, ids)
    outputs = (((rows[i].outputs or {}).get("artifacts") or {}).get(key, []) for i in ids if i in rows)
    wanted = [artifact_id for found in outputs for artifact_id in found]
    known = lineage.read_artifacts(conn, wanted)
    return [known[i] for i in wanted if i in known]


def _execution(conn: Connection, row: TaskRow) -> tuple[lineage.Execution | None, Sequence[lineage.Event]]:
    if row.execution_id is None:
        return None, ()
    return lineage.get_execution(conn, row.execution_id), lineage.events_of_execution(conn, row.execution_id)
