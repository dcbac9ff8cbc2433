"""What is forgotten of runs: a whole run, or tasks that begin anew. Every function works inside the caller's transaction."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select

from trainshed.runs.lifecycle import RUN, TASK
from trainshed.runs.model import Run
from trainshed.runs.store import run_channel, runs
from trainshed.runs.store_cache import cache
from trainshed.runs.store_tasks import attempts, tasks
from trainshed.sql import append, changes, notify
from trainshed.sql.lifecycle import history_table

DELETED_ENTRY = "run.deleted"  # the kind of outbox entry that each deletion leaves: {folder}


def delete_run(conn: Connection, run: Run, *, folder: str, now: datetime) -> None:
    """Forget a run with its tasks; what it made stays in lineage."""
    _delete_tasks(conn, tasks.c.run == run.name)
    conn.execute(delete(runs).where(runs.c.name == run.name))
    append(conn, DELETED_ENTRY, {"folder": folder}, now=now)
    for channel in (changes(RUN.noun), changes(RUN.noun, run.name), run_channel(run.name)):
        notify(conn, channel)


def numbered(conn: Connection, beginning: str) -> list[Run]:
    """Read the runs whose numbers begin so."""
    query = select(runs).where(runs.c.number.startswith(beginning, autoescape=True))
    return [Run.from_row(row) for row in conn.execute(query)]


def delete_tasks_in(conn: Connection, run: str, path: str) -> None:
    """Forget the tasks in a DAG task."""
    inside = [tasks.c.name.startswith(f"{path}{mark}", autoescape=True) for mark in (".", "[")]
    _delete_tasks(conn, and_(tasks.c.run == run, or_(*inside)))


def _delete_tasks(conn: Connection, which: ColumnElement[bool]) -> None:
    """Forget tasks with everything that is known of them."""
    ids = select(tasks.c.id).where(which)
    conn.execute(delete(attempts).where(attempts.c.task_id.in_(ids)))
    conn.execute(delete(cache).where(cache.c.task_id.in_(ids)))
    conn.execute(delete(history_table).where(history_table.c.noun == TASK.noun, history_table.c.resource.in_(ids)))
    conn.execute(delete(tasks).where(which))
