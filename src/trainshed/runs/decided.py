"""Why each task of a run ran, or took earlier results: told afterwards, from what was kept of its key."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from sqlalchemy import Connection, select

from trainshed.runs import caching, store_cache, store_tasks
from trainshed.runs.model import Run
from trainshed.sql import chunks

_TAKEN = "same component, inputs and environment as before"


class Decided(Protocol):
    """As much of a task as a decision about it is told by."""

    @property
    def id(self) -> str:
        """Its identifier."""

    @property
    def cached_from(self) -> str:
        """The task whose outputs it took."""

    @property
    def kind(self) -> str:
        """What it is."""

    @property
    def start_time(self) -> datetime | None:
        """When it was begun."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Decision:
    """What was decided about one task."""

    reason: str
    run: str = ""  # the run whose results were taken


def decisions(conn: Connection, run: Run, tasks: Sequence[Decided]) -> Mapping[str, Decision]:
    """Answer a decision for each task that was decided about, by the task's id."""
    origins = _runs_of(conn, [task.cached_from for task in tasks if task.cached_from])
    ran = [task.id for task in tasks if not task.cached_from and task.kind == "container" and task.start_time]
    reasons = dict(_reasons(conn, run, ran))
    taken = {
        task.id: Decision(reason=_TAKEN, run=origins.get(task.cached_from, "")) for task in tasks if task.cached_from
    }
    known = {reason: Decision(reason=reason) for reason in set(reasons.values())}  # thousands of tasks have few
    return taken | {task_id: known[reason] for task_id, reason in reasons.items()}


def _reasons(conn: Connection, run: Run, task_ids: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Say why tasks ran, by what they were keyed by and by what the newest result before each was."""
    c, t = store_cache.cache.c, store_tasks.tasks.c
    newest = select(c.parts).where(c.pipeline == run.pipeline, c.task == t.name, c.create_time <= t.start_time)
    before = newest.order_by(c.create_time.desc()).limit(1).scalar_subquery()
    for some in chunks(task_ids):
        query = select(t.id, t.cache_key, t.key_parts, before.label("before")).where(t.id.in_(some))
        for row in conn.execute(query):
            if row.key_parts is None or not row.cache_key:
                yield row.id, "caching is off" if run.caching is False else "nothing earlier was looked for"
            else:
                yield row.id, caching.why_different(row.before, row.key_parts)


def _runs_of(conn: Connection, task_ids: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in chunks(task_ids):
        rows = conn.execute(
            select(store_tasks.tasks.c.id, store_tasks.tasks.c.run).where(store_tasks.tasks.c.id.in_(some))
        )
        found |= {row.id: row.run for row in rows}
    return found
