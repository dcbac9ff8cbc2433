"""Why each task of a run ran, or took earlier results: told afterwards, from what was kept of its key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, select

from trainshed.runs import caching, store
from trainshed.runs.model import Run, TaskRow

_CHUNK = 500


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided about one task."""

    reason: str
    run: str = ""  # the run whose results were taken


def decisions(conn: Connection, run: Run, tasks: Sequence[TaskRow]) -> Mapping[str, Decision]:
    """Answer a decision for each task that was decided about, by the task's id."""
    origins = _runs_of(conn, [task.cached_from for task in tasks if task.cached_from])
    return {task.id: found for task in tasks if (found := _decision(conn, run, task, origins)) is not None}


def _decision(conn: Connection, run: Run, task: TaskRow, origins: Mapping[str, str]) -> Decision | None:
    if task.cached_from:
        return Decision(
            reason="same component, inputs and environment as before", run=origins.get(task.cached_from, "")
        )
    if task.kind != "container" or task.start_time is None:
        return None
    if task.key_parts is None or not task.cache_key:
        return Decision(reason="caching is off" if run.caching is False else "nothing earlier was looked for")
    return Decision(reason=caching.why_different(_parts_before(conn, run, task), task.key_parts))


def _parts_before(conn: Connection, run: Run, task: TaskRow) -> Mapping[str, str] | None:
    c = store.cache.c
    query = select(c.parts).where(c.pipeline == run.pipeline, c.task == task.name, c.create_time <= task.start_time)
    parts: Mapping[str, str] | None = conn.execute(query.order_by(c.create_time.desc()).limit(1)).scalar()
    return parts


def _runs_of(conn: Connection, task_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for start in range(0, len(task_ids), _CHUNK):
        some = task_ids[start : start + _CHUNK]
        rows = conn.execute(select(store.tasks.c.id, store.tasks.c.run).where(store.tasks.c.id.in_(some)))
        found |= {row.id: row.run for row in rows}
    return found
