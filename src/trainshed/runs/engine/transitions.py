"""Transitions that are taken: what a row gets along with each, and what lineage and the ledger are told."""

from typing import Any

from trainshed import ir, ledger
from trainshed.errors import StaleState
from trainshed.runs import active as memory
from trainshed.runs import caching, importing, outputs, resolving, store, store_cache, store_tasks
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine import recording
from trainshed.runs.engine.ended import Ended
from trainshed.runs.engine.turn import Step
from trainshed.runs.facts import TaskEnded
from trainshed.runs.lifecycle import RUN, TASK
from trainshed.runs.marks import marks_of
from trainshed.runs.nodes import NOTHING
from trainshed.runs.tallying import tally
from trainshed.sql import notify
from trainshed.tally import Tally

_LOST = "a task that it needs did not succeed"


def fire_task(step: Step, path: str, name: str) -> None:
    """Take a transition of a task."""
    active, now = step.active, step.turn.now
    view = active.view.tasks[path]
    is_dag = view.task.body is not None
    next_attempt = view.attempt + 1 if name == "claimed" else None
    attempt = view.attempt if view.state in {"RUNNING", "CANCELLING"} and not is_dag else None
    values = _of_dag(step, path, name) if is_dag else _of_leaf(step, path, name)
    store_tasks.fire_task(
        step.conn, active.nodes[path].id, name, now=now, attempt=attempt, next_attempt=next_attempt, **values
    )
    active.view.fired(path, name)
    if next_attempt is not None or TASK.is_final(view.state):
        notify(step.conn, store_tasks.tasks_channel(active.run.name))
    if TASK.is_final(view.state):
        active.nodes[path].inputs = None
        step.facts.append(TaskEnded(task=path))


def _of_leaf(step: Step, path: str, name: str) -> dict[str, Any]:
    """Answer what a leaf's row gets along with a transition."""
    view = step.active.view.tasks[path]
    values: dict[str, Any] = {}
    match name:
        case "claimed" if not view.has_begun:
            node = step.active.nodes[path]  # what it asks for may have been filled in since its row was made
            values = {"start_time": step.turn.now, "machine_type": node.machine, "cpus": node.cpus}
            values["memory_bytes"] = node.memory_bytes
        case "inputs_ready" | "unresolvable":
            values = step.found.pop(path, {})
        case "cache_hit":
            values = _reuse(step, path)
        case "succeeded":
            values = _succeed(step, path)
        case "failed_retry" | "failed_final":
            values = {"failures": view.failures + 1, **_fail(step, path)}
        case "lease_expired":
            values = {"losses": view.losses + 1}
        case "stopped":
            values = _used(step.ended) | {"execution_id": _record(step, path, "CANCELLED", NOTHING)}
        case "upstream_lost":
            values = {"error": _LOST}
    return values


def _of_dag(step: Step, path: str, name: str) -> dict[str, Any]:
    """Answer what a DAG task's row gets along with a transition."""
    active = step.active
    node = active.nodes[path]
    match name:
        case "opened":
            return {"start_time": step.turn.now}
        case "unresolvable":
            return step.found.pop(path, {})
        case "succeeded":
            node.outputs = active.gather(path)
            execution = recording.record_dag(step.conn, active, path, "COMPLETE", now=step.turn.now)
            return {"outputs": outputs.as_row(node.outputs), "execution_id": execution}
        case "failed_final":
            node.outputs = active.gather(path)  # what did succeed may still be asked for
            execution = recording.record_dag(step.conn, active, path, "FAILED", now=step.turn.now)
            return {"error": node.error, "outputs": outputs.as_row(node.outputs), "execution_id": execution}
        case "upstream_lost":
            return {"error": _LOST}
    return {}


def _succeed(step: Step, path: str) -> dict[str, Any]:
    active, conn, now = step.active, step.conn, step.turn.now
    node = active.nodes[path]
    if node.task.kind == "importer":
        made = importing.record(conn, step.blobs, active, path, now=now)
    elif node.task.kind == "resolver":
        made = resolving.record(conn, step.blobs, active, path, now=now)
    else:
        made = _commit(step, path)
    node.outputs = made
    values: dict[str, Any] = {}
    if node.key is not None and (key := caching.settled(active, path, node.key)) is not None:
        store_cache.put_cache(
            conn, key.key, task_id=node.id, pipeline=active.plan.name, task=path, parts=key.parts, now=now
        )
        values = {"cache_key": key.key, "key_parts": dict(key.parts)} if key is not node.key else {}
    execution = _record(step, path, "COMPLETE", made)
    if node.task.needs_worker:
        values |= _used(step.ended) | _image(active, path)
    return {"outputs": outputs.as_row(made), "execution_id": execution, **values}


def _commit(step: Step, path: str) -> ir.Outputs:
    active = step.active
    assert step.ended is not None
    assert step.ended.collected is not None
    made = outputs.record(
        step.conn,
        step.blobs,
        step.ended.collected,
        parent=active.parent,
        now=step.turn.now,
        receipt_id=active.run.receipt_id,
    )
    if step.ended.collected.artifacts:  # what is large goes at once, the rest when the run has ended
        step.turn.done.append(active.mount_of(path, active.view.tasks[path].attempt))
    return made


def _reuse(step: Step, path: str) -> dict[str, Any]:
    hit = step.hits.pop(path)
    step.active.nodes[path].outputs = hit.outputs
    execution = _record(step, path, "CACHED", hit.outputs, hit)
    found = step.found.pop(path, {})
    reused = {"outputs": outputs.as_row(hit.outputs), "cached_from": hit.task.id, "execution_id": execution}
    return {**found, **reused, "start_time": step.turn.now}


def _fail(step: Step, path: str) -> dict[str, Any]:
    values: dict[str, Any] = {"error": step.ended.message if step.ended else "failed", **_used(step.ended)}
    values |= _image(step.active, path)
    step.active.nodes[path].error = values["error"]
    return values | {"execution_id": _record(step, path, "FAILED", NOTHING)}


def _record(step: Step, path: str, state: str, made: ir.Outputs, hit: caching.Hit | None = None) -> int:
    return recording.record_task(step.conn, step.blobs, step.active, path, state, made, now=step.turn.now, hit=hit)


def fire_run(step: Step, name: str) -> None:
    """Take a transition of the run; at its end, count what its tasks did."""
    active, now = step.active, step.turn.now
    values: dict[str, Any] = {}
    done = Tally()
    has_ended = RUN.is_final(RUN[name].target)
    if name == "start" and active.run.start_time is None:
        values = {"start_time": now}
    elif has_ended:
        done = tally(active.plan, marks_of(step.conn, active.run.name))
        counts = {"tasks_ran": done.ran, "tasks_total": done.worked, "tasks_left_out": done.left_out}
        values = {**counts, "outputs": memory.run_outputs(active)}
    if name == "fail":
        values["error"] = str(active.failures())
    store.fire_run(step.conn, active.run.name, name, now=now, **values)
    recording.record_run(step.conn, active, name, now=now)
    active.view.run_fired(name)
    active.is_final = has_ended
    if has_ended:
        step.turn.ended.append(active.folder)
    if name == "succeed" and active.run.receipt_id and done.worked and not done.ran:
        _needless(step, done)


def _needless(step: Step, done: Tally) -> None:
    run, said = step.active.run, done.said()
    reason = f"nothing changed: {said}" if done.left_out else said
    try:
        ledger.settle(step.conn, run.receipt_id, "needless", now=step.turn.now, reason=reason, link=run.name)
    except StaleState:  # the event started something else as well
        return


def _image(active: ActiveRun, path: str) -> dict[str, Any]:
    """Answer what a row gets of an image that nobody had asked for when its task was resolved."""
    digest = active.nodes[path].image
    return {"environment": digest} if digest else {}


def _used(ended: Ended | None) -> dict[str, Any]:
    if ended is None:
        return {}
    return {"cpu_seconds": ended.report.cpu_seconds, "peak_memory_bytes": ended.report.peak_memory_bytes}
