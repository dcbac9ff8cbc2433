"""Several runs, each with what people compare: its tasks, what they made, what they were made of.

Tasks in loops are left out: a run may have thousands of them, and a loop is compared as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from trainshed import ir, lineage
from trainshed.quantities import counted
from trainshed.runs import store_tasks
from trainshed.runs.model import Run

MOST_COMPARED = 300  # tasks of each run, and as many of what they made
_IN_LOOP = "%[%"
_COLUMNS = ("name", "kind", "state", "start_time", "end_time", "cached_from", "environment")


@dataclass(frozen=True, kw_only=True)
class TaskBrief:
    """As much of a task as is compared."""

    name: str
    kind: str
    state: str
    start_time: datetime | None
    end_time: datetime | None
    cached_from: str
    environment: str


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the runs."""

    run: Run
    tasks: Sequence[TaskBrief]
    products: Sequence[lineage.Product]
    code: Mapping[str, str]  # task -> digest of its component
    data: Mapping[
        tuple[str, str], str
    ]  # task and parameter -> what was read: how many objects, and a digest of them all
    plan: ir.Plan
    beyond: Mapping[str, int]  # how many there are of what is not all here: "task", "execution", "artifact"


def side(conn: Connection, run: Run, plan: ir.Plan) -> Side:
    """Read what is compared of a run."""
    works = lineage.works_of_context(conn, run.context_id, limit=MOST_COMPARED)
    products = lineage.products_of_context(conn, run.context_id, limit=MOST_COMPARED, outside_loops=True)
    tasks = _tasks(conn, run.name)
    is_whole = max(len(works), len(products), len(tasks)) < MOST_COMPARED
    return Side(
        run=run,
        tasks=tasks,
        products=products,
        code={work.task: str(work.code["component"])[:12] for work in works if work.code},
        data={(work.task, key): text for work in works for key, text in _read(work.properties)},
        plan=plan,
        beyond={} if is_whole else _beyond(conn, run),
    )


def _tasks(conn: Connection, name: str) -> list[TaskBrief]:
    c = store_tasks.tasks.c
    query = select(*(c[column] for column in _COLUMNS)).where(c.run == name, c.name.not_like(_IN_LOOP))
    rows = conn.execute(query.order_by(c.position).limit(MOST_COMPARED))
    return [TaskBrief(**row._mapping) for row in rows]  # noqa: SLF001  (a row's public mapping)


def _beyond(conn: Connection, run: Run) -> dict[str, int]:
    """Count what there is more of than is compared; a task that was tried anew in a retried run worked several times."""
    c = store_tasks.tasks.c
    tasks = select(func.count()).select_from(store_tasks.tasks).where(c.run == run.name, c.name.not_like(_IN_LOOP))
    works, made = lineage.count_outside_loops(conn, run.context_id)
    counts = {"task": conn.execute(tasks).scalar_one(), "execution": works, "artifact": made}
    return {noun: count for noun, count in counts.items() if count > MOST_COMPARED}


def _read(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    counts = properties.get("data_counts", {})
    found = []
    for key, objects in properties.get("data", {}).items():
        count = counts.get(key, len(objects))
        found.append((key, f"{counted(count, 'object')}, {ir.digest(objects)[:12]}"))
    return found
