"""Ending a run that cannot go on here: a spec or an image that is of no use any more, or a defect of ours."""

from datetime import datetime

from sqlalchemy import Connection

from trainshed import lineage
from trainshed.runs import store, store_tasks
from trainshed.runs.lifecycle import RUN, TASK

_END = {
    "PENDING": ("cancel",),
    "QUEUED": ("cancel",),
    "RUNNING": ("cancel_running", "stopped"),
    "CANCELLING": ("stopped",),
}


def abandon(conn: Connection, name: str, reason: str, *, now: datetime) -> list[tuple[str, int]]:
    """End a run and all its tasks as they are; answer the attempts that were under way and have to be stopped."""
    run = store.find_run(conn, name=name)
    if run is None or RUN.is_final(run.state):
        return []
    left: list[tuple[str, int]] = []
    for task in store_tasks.tasks_of(conn, name):
        if TASK.is_final(task.state):
            continue
        if task.state in {"RUNNING", "CANCELLING"} and not task.is_dag:
            left.append((task.id, task.attempt))
        for transition in _END[task.state]:
            store_tasks.fire_task(conn, task.id, transition, now=now)
    is_cancelled = run.state == "CANCELLING"
    store.fire_run(conn, name, "cancelled" if is_cancelled else "fail", now=now, error=reason)
    state = "CANCELLED" if is_cancelled else "FAILED"
    lineage.record_run(conn, name=name, state=state, context_id=run.context_id, now=now, pipeline=run.pipeline)
    return left
