"""What a run would do, said before it does anything: reuse, import or run, and why."""

from dataclasses import dataclass

from sqlalchemy import Connection

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.runs import caching, importing, store
from trainshed.runs.active import ActiveRun
from trainshed.runs.advance import RunView, TaskView


@dataclass(frozen=True, kw_only=True)
class Step:
    """What would become of one task."""

    task: str
    decision: str  # reuse, run, import
    reason: str
    unseen: tuple[str, ...] = ()  # parameters that look like data whose content is not in the key
    resources: ir.Resources


def empty_view(plan: ir.Plan) -> RunView:
    """Answer the view of a run that has not begun."""
    return RunView.of(plan, {name: TaskView() for name in plan.tasks})


def steps(conn: Connection, blobs: Blobs, active: ActiveRun) -> list[Step]:
    """Walk the tasks in the order in which they would run."""
    found: list[Step] = []
    running: set[str] = set()
    for task in active.plan.tasks.values():
        step = _step(conn, blobs, active, task, running)
        if step.decision == "run":
            running.add(task.name)
        found.append(step)
    return found


def _step(conn: Connection, blobs: Blobs, active: ActiveRun, task: ir.Task, running: set[str]) -> Step:
    fresh = [name for name in task.upstream if name in running]
    if fresh:
        return Step(task=task.name, decision="run", reason=f"{fresh[0]} runs before it", resources=task.resources)
    if task.is_importer:
        return _import(conn, blobs, active, task)
    unseen = unseen_data(conn, blobs, active, task)
    if not caching.is_wanted(active, task):
        return Step(task=task.name, decision="run", reason="caching is off", unseen=unseen, resources=task.resources)
    key = caching.key_of(conn, blobs, active, task)
    hit = caching.look_up(conn, blobs, key.key, active.parent)
    if hit is None:
        reason = caching.why_different(store.latest_parts(conn, active.plan.name, task.name), key.parts)
        return Step(task=task.name, decision="run", reason=reason, unseen=unseen, resources=task.resources)
    active.outputs[task.name] = hit.outputs
    reason = f"same component, inputs and environment as in {hit.task.run.rsplit('/', 1)[-1]}"
    return Step(task=task.name, decision="reuse", reason=reason, unseen=unseen, resources=task.resources)


def _import(conn: Connection, blobs: Blobs, active: ActiveRun, task: ir.Task) -> Step:
    active.outputs[task.name] = importing.preview(conn, blobs, active, task)
    return Step(task=task.name, decision="import", reason="registers what exists", resources=task.resources)


def unseen_data(conn: Connection, blobs: Blobs, active: ActiveRun, task: ir.Task) -> tuple[str, ...]:
    """Name the parameters that are locations but whose content is not held here."""
    parameters = active.inputs_of(task.name).parameters
    known = caching.data_of(conn, blobs, parameters)
    return tuple(
        name
        for name, value in parameters.items()
        if isinstance(value, str) and "://" in value and name not in known and not caching.is_output_location(name)
    )
