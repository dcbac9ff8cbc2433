"""One transaction's worth of work: decisions of `advance` become rows; what workers must be told is collected."""

import logging
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, assert_never

from sqlalchemy import Connection

from trainshed import ir, ledger, lineage
from trainshed.blobs import Blobs
from trainshed.errors import StaleState
from trainshed.runs import active as memory
from trainshed.runs import caching, importing, outputs, store
from trainshed.runs.active import ActiveRun
from trainshed.runs.admission import Waiting
from trainshed.runs.advance import (
    Admitted,
    AttemptEnded,
    Decision,
    Dispatch,
    Fact,
    Fire,
    FireRun,
    Resolve,
    Resolved,
    StartAttempt,
    StopAttempt,
    advance,
)
from trainshed.runs.attempt import Ended

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Turn:
    """What one transaction decided that has to happen after COMMIT."""

    now: datetime
    starts: list[tuple[ActiveRun, str, int]] = field(default_factory=list)
    stops: list[tuple[str, int]] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    done: list[Path] = field(default_factory=list)  # folders whose content is committed

    def take_waiting(self) -> list[Waiting]:
        """Answer the tasks that became ready, once."""
        found, self.waiting = self.waiting, []
        return found

    def join(self, other: "Turn") -> None:
        """Add what another transaction decided."""
        self.starts += other.starts
        self.stops += other.stops
        self.done += other.done


@dataclass(kw_only=True)
class _Step:
    """One fact on its way through the decisions that follow from it."""

    conn: Connection
    turn: Turn
    active: ActiveRun
    ended: Ended | None
    facts: deque[Fact] = field(default_factory=deque)
    found: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> values found while resolving it
    hits: dict[str, caching.Hit] = field(default_factory=dict)


class Writer:
    """Carries out decisions in the caller's transaction."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs

    def step(self, conn: Connection, turn: Turn, active: ActiveRun, fact: Fact, ended: Ended | None = None) -> None:
        """Carry a fact to its conclusion, the facts that follow from it included."""
        step = _Step(conn=conn, turn=turn, active=active, ended=ended, facts=deque([fact]))
        while step.facts:
            current = step.facts.popleft()
            decisions = advance(active.view, current)
            if isinstance(current, AttemptEnded) and not decisions and ended is not None:
                self._drop(active, ended)
            for decision in decisions:
                self._carry_out(step, decision)

    def admit(self, conn: Connection, turn: Turn, active: ActiveRun, task: str) -> bool:
        """Start a queued task's next attempt; False when it is no longer queued."""
        before = len(turn.starts)
        self.step(conn, turn, active, Admitted(task=task))
        return len(turn.starts) > before

    def _carry_out(self, step: _Step, decision: Decision) -> None:
        active = step.active
        match decision:
            case Fire(task=task, name=name):
                self._fire(step, task, name)
            case FireRun(name=name):
                self._fire_run(step, name)
            case Resolve(task=task):
                step.facts.append(self._resolve(step, task))
            case Dispatch(task=task, wait_seconds=wait):
                self._dispatch(step, task, wait)
            case StartAttempt(task=task):
                if not active.plan.tasks[task].is_importer:
                    step.turn.starts.append((active, task, active.view.tasks[task].attempt))
            case StopAttempt(task=task):
                step.turn.stops.append((active.ids[task], active.view.tasks[task].attempt))
            case _:
                assert_never(decision)

    # Tasks

    def _resolve(self, step: _Step, task: str) -> Fact:
        active, conn = step.active, step.conn
        definition = active.plan.tasks[task]
        inputs = active.inputs_of(task)
        if inputs.missing:
            step.found[task] = {"error": f"its input {inputs.missing[0]!r} has no value"}
            return Resolved(task=task, problem=inputs.missing[0])
        if definition.is_importer:
            return Resolved(task=task)
        environment = active.places[task].environment
        step.found[task] = {"environment": environment}
        if not caching.is_wanted(active, definition):
            return Resolved(task=task)
        key = caching.key_of(conn, self._blobs, active, definition)
        step.found[task] |= {"cache_key": key.key, "key_parts": dict(key.parts)}
        active.keys[task] = key
        hit = caching.look_up(conn, self._blobs, key.key, active.parent)
        if hit is not None:
            step.hits[task] = hit
        return Resolved(task=task, is_cached=hit is not None)

    def _dispatch(self, step: _Step, task: str, wait_seconds: float) -> None:
        active = step.active
        if active.plan.tasks[task].is_importer:  # nothing runs: it is done here and now
            step.facts.append(Admitted(task=task))
            step.facts.append(AttemptEnded(task=task, attempt=active.view.tasks[task].attempt + 1, ending="succeeded"))
            return
        row = active.rows[task]
        ready = step.turn.now + timedelta(seconds=wait_seconds)
        step.turn.waiting.append(
            Waiting(
                run=active.run.name,
                task=task,
                task_id=row.id,
                cpus=row.cpus,
                memory_bytes=row.memory_bytes,
                ready_time=ready,
            )
        )
        if wait_seconds:
            store.note_resolution(step.conn, row.id, ready_time=ready)

    def _fire(self, step: _Step, task: str, name: str) -> None:
        active, now = step.active, step.turn.now
        view = active.view.tasks[task]
        values: dict[str, Any] = {}
        next_attempt: int | None = None
        match name:
            case "claimed":
                next_attempt = view.attempt + 1
                values = {} if view.attempt else {"start_time": now}
            case "inputs_ready" | "unresolvable":
                values = step.found.pop(task, {})
            case "cache_hit":
                values = self._reuse(step, task)
            case "succeeded":
                values = self._succeed(step, task)
            case "failed_retry" | "failed_final":
                values = {"failures": view.failures + 1, **self._fail(step, task)}
            case "lease_expired":
                values = {"losses": view.losses + 1}
            case "stopped":
                values = _used(step.ended)
            case "upstream_lost":
                values = {"error": "a task that it needs did not succeed"}
        attempt = view.attempt if view.state in {"RUNNING", "CANCELLING"} else None
        store.fire_task(
            step.conn, active.ids[task], name, now=now, attempt=attempt, next_attempt=next_attempt, **values
        )
        active.view.fired(task, name)

    def _succeed(self, step: _Step, task: str) -> dict[str, Any]:
        active, conn, now = step.active, step.conn, step.turn.now
        definition = active.plan.tasks[task]
        if definition.is_importer:
            made = importing.record(conn, self._blobs, active, definition, now=now)
        else:
            assert step.ended is not None
            assert step.ended.collected is not None
            receipt = active.run.receipt_id
            made = outputs.record(
                conn, self._blobs, step.ended.collected, parent=active.parent, now=now, receipt_id=receipt
            )
            active.ran += 1
            step.turn.done.append(active.attempt_folder(task, active.view.tasks[task].attempt) / "mount")
        active.outputs[task] = made
        if (key := active.keys.get(task)) is not None:
            store.put_cache(
                conn, key.key, task_id=active.ids[task], pipeline=active.plan.name, task=task, parts=key.parts, now=now
            )
        execution = self._execution(step, task, "COMPLETE", made)
        used = {} if definition.is_importer else _used(step.ended)
        return {"outputs": outputs.as_row(made), "execution_id": execution, **used}

    def _reuse(self, step: _Step, task: str) -> dict[str, Any]:
        hit = step.hits.pop(task)
        step.active.outputs[task] = hit.outputs
        execution = self._execution(step, task, "CACHED", hit.outputs)
        found = step.found.pop(task, {})
        reused = {"outputs": outputs.as_row(hit.outputs), "cached_from": hit.task.id, "execution_id": execution}
        return {**found, **reused, "start_time": step.turn.now}

    def _fail(self, step: _Step, task: str) -> dict[str, Any]:
        values: dict[str, Any] = {"error": step.ended.message if step.ended else "failed", **_used(step.ended)}
        step.active.errors[task] = values["error"]
        execution = self._execution(step, task, "FAILED", ir.Outputs())
        return values | {"execution_id": execution}

    def _execution(self, step: _Step, task: str, state: str, made: ir.Outputs) -> int:
        active = step.active
        inputs = active.inputs_of(task)
        place = active.places.get(task)
        properties: dict[str, Any] = {"inputs": dict(inputs.parameters), "outputs": dict(made.parameters)}
        if place is not None:
            properties["environment"] = place.environment
        return lineage.record_execution(
            step.conn,
            type=active.plan.tasks[task].component,
            name=f"{active.run.name}/tasks/{task}",
            state=state,
            properties=properties,
            context_id=active.run.context_id,
            now=step.turn.now,
            inputs=_edges(inputs.artifacts),
            outputs=_edges(made.artifacts),
        )

    # The run

    def _fire_run(self, step: _Step, name: str) -> None:
        active, now = step.active, step.turn.now
        values: dict[str, Any] = {}
        if name == "start":
            values = {"start_time": now}
        elif name in {"succeed", "fail", "cancelled"}:
            values = {"tasks_ran": active.ran, "outputs": memory.run_outputs(active)}
        if name == "fail":
            values["error"] = _first_error(active)
        store.fire_run(step.conn, active.run.name, name, now=now, **values)
        active.view.run_fired(name)
        active.is_final = name in {"succeed", "fail", "cancelled"}
        workers = sum(not t.is_importer for t in active.plan.tasks.values())
        if name == "succeed" and active.run.receipt_id and workers and active.ran == 0:
            self._needless(step, workers)

    def _needless(self, step: _Step, workers: int) -> None:
        reason = f"nothing changed, 0 of {workers} tasks ran"
        run = step.active.run
        try:
            ledger.settle(step.conn, run.receipt_id, "needless", now=step.turn.now, reason=reason, link=run.name)
        except StaleState:  # the event started something else as well
            return

    def _drop(self, active: ActiveRun, ended: Ended) -> None:
        log.warning(
            "A report of attempt %d of task %s came too late and was dropped.", ended.report.attempt, ended.report.task_id,
            extra={"action": "state_stale", "run": active.run.name, "task": ended.report.task_id},
        )  # fmt: skip
        ended.discard()


def _used(ended: Ended | None) -> dict[str, Any]:
    if ended is None:
        return {}
    return {"cpu_seconds": ended.report.cpu_seconds, "peak_memory_bytes": ended.report.peak_memory_bytes}


def _edges(artifacts: Mapping[str, Any]) -> list[tuple[str, int]]:
    return [(key, outputs.artifact_id(a)) for key, found in artifacts.items() for a in found]


def _first_error(active: ActiveRun) -> str:
    for task, view in active.view.tasks.items():
        if view.state == "FAILED":
            error = active.errors.get(task) or active.rows[task].error
            return f"Task {task!r} failed: {error}"
    return ""
