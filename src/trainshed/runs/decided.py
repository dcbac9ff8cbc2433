"""Why each task of a run ran, or took earlier results: told afterwards, from what was kept of its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from trainshed.runs import caching, store_cache, store_tasks
from trainshed.runs.model import Run, TaskRow
from trainshed.sql import chunks


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about one task."""

    reason: str
    run: str = ""  # the run whose results were taken


def decisions(conn: Connection, run: Run, tasks: Sequence[TaskRow]) -> Mapping[str, Decision]:
    """Answer a decision for each task that was decided about, by the task's id."""
    origins = _runs_of(conn, [task.cached_from for task in tasks if task.cached_from])
    before = _parts_before(conn, run, [task.id for task in tasks if task.key_parts is not None])
    return {task.id: found for task in tasks if (found := _decision(run, task, origins, before)) is not None}


def _decision(
    run: Run, task: TaskRow, origins: Mapping[str, str], before: Mapping[str, Mapping[str, str]]
) -> Decision | None:
    if task.cached_from:
        return Decision(
            reason="same component, inputs and environment as before", run=origins.get(task.cached_from, "")
        )
    if task.kind != "container" or task.start_time is None:
        return None
    if task.key_parts is None or not task.cache_key:
        return Decision(reason="caching is off" if run.caching is False else "nothing earlier was looked for")
    return Decision(reason=caching.why_different(before.get(task.id), task.key_parts))


def _parts_before(conn: Connection, run: Run, task_ids: Sequence[str]) -> dict[str, Mapping[str, str]]:
    """Read what the newest result before each task was keyed by."""
    c, t = store_cache.cache.c, store_tasks.tasks.c
    newest = select(c.parts).where(c.pipeline == run.pipeline, c.task == t.name, c.create_time <= t.start_time)
    parts = newest.order_by(c.create_time.desc()).limit(1).scalar_subquery()
    found: dict[str, Mapping[str, str]] = {}
    for some in chunks(task_ids):
        query = select(t.id, parts.label("parts")).where(t.id.in_(some))
        found |= {row.id: row.parts for row in conn.execute(query) if row.parts is not None}
    return found


def _runs_of(conn: Connection, task_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(task_ids):
        rows = conn.execute(
            select(store_tasks.tasks.c.id, store_tasks.tasks.c.run).where(store_tasks.tasks.c.id.in_(some))
        )
        found |= {row.id: row.run for row in rows}
    return found
