"""Several runs, each with what people compare: its tasks, what they made, what they were made of.

Tasks in loops are left out: a run may have thousands of them, and a loop is compared as a whole.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from trainshed import ir, lineage
from trainshed.quantities import counted
from trainshed.runs import store, store_tasks
from trainshed.runs.model import Run

_MOST = 300  # tasks of each run
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
    data: Mapping[str, str]  # task and parameter -> what was read: how many objects, and a digest of them all


def side(conn: Connection, name: str) -> Side:
    """Read one run. Raises NotFound."""
    run = store.get_run(conn, name)
    works = [e for e in lineage.works_of_context(conn, run.context_id, limit=_MOST) if "[" not in e.task]
    products = lineage.products_of_context(conn, run.context_id, limit=_MOST)
    return Side(
        run=run,
        tasks=_tasks(conn, name),
        products=[product for product in products if "[" not in product.task],
        code={work.task: str(work.code["component"])[:12] for work in works if work.code},
        data={f"{work.task}: {key}": text for work in works for key, text in _read(work.properties)},
    )


def _tasks(conn: Connection, name: str) -> list[TaskBrief]:
    c = store_tasks.tasks.c
    query = select(*(c[column] for column in _COLUMNS)).where(c.run == name, c.name.not_like("%[%"))
    rows = conn.execute(query.order_by(c.position).limit(_MOST))
    return [TaskBrief(**row._mapping) for row in rows]  # noqa: SLF001  (a row's public mapping)


def _read(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    counts = properties.get("data_counts", {})
    found = []
    for key, objects in properties.get("data", {}).items():
        count = counts.get(key, len(objects))
        found.append((key, f"{counted(count, 'object')}, {ir.digest(objects)[:12]}"))
    return found
