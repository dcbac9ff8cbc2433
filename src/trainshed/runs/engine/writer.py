"""Decisions of `advance` become rows in the caller's transaction; what has to happen after COMMIT goes into the turn."""

import logging
from collections import deque
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, assert_never

from sqlalchemy import Connection

from trainshed import ir, ledger
from trainshed.blobs import Blobs
from trainshed.errors import StaleState
from trainshed.runs import active as memory
from trainshed.runs import caching, importing, outputs, resolving, store
from trainshed.runs.active import ActiveRun
from trainshed.runs.advance import advance
from trainshed.runs.engine import recording
from trainshed.runs.engine.admission import waiting_of
from trainshed.runs.engine.beginning import MustRun, resolve
from trainshed.runs.engine.ended import Ended, checked
from trainshed.runs.engine.turn import Turn
from trainshed.runs.facts import (
    Admitted,
    AttemptEnded,
    CloseScope,
    Decision,
    Dispatch,
    Fact,
    Fire,
    FireRun,
    Open,
    Opened,
    Resolve,
    ScopeClosed,
    StartAttempt,
    StopAttempt,
    TaskEnded,
)
from trainshed.runs.lifecycle import TASK
from trainshed.runs.marks import marks_of
from trainshed.runs.nodes import NOTHING
from trainshed.runs.tallying import tally
from trainshed.sql import notify
from trainshed.tally import Tally

log = logging.getLogger(__name__)
_LOST = "a task that it needs did not succeed"
_ENDS = frozenset({"succeed", "fail", "cancelled", "overran"})  # of a run


@dataclass(kw_only=True)
class _Step:
    """One fact on its way through the decisions that follow from it."""

    conn: Connection
    turn: Turn
    active: ActiveRun
    ended: Ended | None
    facts: deque[Fact] = field(default_factory=deque)
    answers: list[Fact] = field(default_factory=list)  # to Resolve; they go first, so that nothing is resolved twice
    found: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> values found while resolving it
    hits: dict[str, caching.Hit] = field(default_factory=dict)


class Writer:
    """Carries out decisions in the caller's transaction."""

    def __init__(self, blobs: Blobs, *, must_run: MustRun = lambda *_: False) -> None:
        self._blobs = blobs
        self._must_run = must_run

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
            step.facts.extendleft(reversed(step.answers))
            step.answers = []

    def checked(self, conn: Connection, ended: Ended) -> Ended:
        """Answer how an attempt ended, now that it is known whether its outputs can be committed."""
        return checked(conn, self._blobs, ended)

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
                step.answers.append(self._resolve(step, task))
            case Open(task=task, first=first, count=count):
                rows = active.open(task, first, count, now=step.turn.now)
                store.insert_tasks(step.conn, rows)
                step.turn.made += (row["id"] for row in rows)
                step.facts.append(Opened(task=task, first=first, count=count))
            case CloseScope(task=task, iteration=iteration):
                step.turn.gone += active.close(task, iteration)
                step.facts.append(ScopeClosed(task=task))
            case Dispatch(task=task, wait_seconds=wait):
                self._dispatch(step, task, wait)
            case StartAttempt(task=task):
                if active.task(task).needs_worker:
                    step.turn.starts.append((active, task, active.view.tasks[task].attempt))
            case StopAttempt(task=task):
                step.turn.stops.append((active.nodes[task].id, active.view.tasks[task].attempt))
            case _:
                assert_never(decision)

    def _resolve(self, step: _Step, path: str) -> Fact:
        found = resolve(step.conn, self._blobs, step.active, path, self._must_run)
        if found.values:
            step.found[path] = dict(found.values)
        if found.hit is not None:
            step.hits[path] = found.hit
        return found.fact

    def _dispatch(self, step: _Step, path: str, wait_seconds: float) -> None:
        active = step.active
        node = active.nodes[path]
        if not node.task.needs_worker:  # nothing runs: it is done here and now
            step.facts.append(Admitted(task=path))
            attempt = active.view.tasks[path].attempt + 1
            step.facts.append(AttemptEnded(task=path, attempt=attempt, ending="succeeded"))
            return
        node.ready_time = step.turn.now + timedelta(seconds=wait_seconds)
        step.turn.waiting.append(waiting_of(active, path, node.ready_time))
        if wait_seconds:
            store.note_resolution(step.conn, node.id, ready_time=node.ready_time)

    # Transitions

    def _fire(self, step: _Step, path: str, name: str) -> None:
        active, now = step.active, step.turn.now
        view = active.view.tasks[path]
        is_dag = view.task.body is not None
        next_attempt = view.attempt + 1 if name == "claimed" else None
        attempt = view.attempt if view.state in {"RUNNING", "CANCELLING"} and not is_dag else None
        values = self._values_of_dag(step, path, name) if is_dag else self._values(step, path, name)
        store.fire_task(
            step.conn, active.nodes[path].id, name, now=now, attempt=attempt, next_attempt=next_attempt, **values
        )
        active.view.fired(path, name)
        if next_attempt is not None or TASK.is_final(view.state):
            notify(step.conn, store.tasks_channel(active.run.name))
        if TASK.is_final(view.state):
            active.nodes[path].inputs = None
            step.facts.append(TaskEnded(task=path))

    def _values(self, step: _Step, path: str, name: str) -> dict[str, Any]:
        """Answer what a leaf's row gets along with a transition."""
        view = step.active.view.tasks[path]
        values: dict[str, Any] = {}
        match name:
            case "claimed" if not view.has_begun:
                values = {"start_time": step.turn.now}
            case "inputs_ready" | "unresolvable":
                values = step.found.pop(path, {})
            case "cache_hit":
                values = self._reuse(step, path)
            case "succeeded":
                values = self._succeed(step, path)
            case "failed_retry" | "failed_final":
                values = {"failures": view.failures + 1, **self._fail(step, path)}
            case "lease_expired":
                values = {"losses": view.losses + 1}
            case "stopped":
                values = _used(step.ended) | {"execution_id": self._record(step, path, "CANCELLED", NOTHING)}
            case "upstream_lost":
                values = {"error": _LOST}
        return values

    def _values_of_dag(self, step: _Step, path: str, name: str) -> dict[str, Any]:
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

    def _succeed(self, step: _Step, path: str) -> dict[str, Any]:
        active, conn, now = step.active, step.conn, step.turn.now
        node = active.nodes[path]
        if node.task.kind == "importer":
            made = importing.record(conn, self._blobs, active, path, now=now)
        elif node.task.kind == "resolver":
            made = resolving.record(conn, self._blobs, active, path, now=now)
        else:
            made = self._commit(step, path)
        node.outputs = made
        values: dict[str, Any] = {}
        if node.key is not None and (key := caching.settled(active, path, node.key)) is not None:
            store.put_cache(
                conn, key.key, task_id=node.id, pipeline=active.plan.name, task=path, parts=key.parts, now=now
            )
            values = {"cache_key": key.key, "key_parts": dict(key.parts)} if key is not node.key else {}
        execution = self._record(step, path, "COMPLETE", made)
        if node.task.needs_worker:
            values |= _used(step.ended) | _image(active, path)
        return {"outputs": outputs.as_row(made), "execution_id": execution, **values}

    def _commit(self, step: _Step, path: str) -> ir.Outputs:
        active = step.active
        assert step.ended is not None
        assert step.ended.collected is not None
        made = outputs.record(
            step.conn,
            self._blobs,
            step.ended.collected,
            parent=active.parent,
            now=step.turn.now,
            receipt_id=active.run.receipt_id,
        )
        if step.ended.collected.artifacts:  # what is large goes at once, the rest when the run has ended
            step.turn.done.append(active.mount_of(path, active.view.tasks[path].attempt))
        return made

    def _reuse(self, step: _Step, path: str) -> dict[str, Any]:
        hit = step.hits.pop(path)
        step.active.nodes[path].outputs = hit.outputs
        execution = self._record(step, path, "CACHED", hit.outputs, hit)
        found = step.found.pop(path, {})
        reused = {"outputs": outputs.as_row(hit.outputs), "cached_from": hit.task.id, "execution_id": execution}
        return {**found, **reused, "start_time": step.turn.now}

    def _fail(self, step: _Step, path: str) -> dict[str, Any]:
        values: dict[str, Any] = {"error": step.ended.message if step.ended else "failed", **_used(step.ended)}
        values |= _image(step.active, path)
        step.active.nodes[path].error = values["error"]
        return values | {"execution_id": self._record(step, path, "FAILED", NOTHING)}

    def _record(self, step: _Step, path: str, state: str, made: ir.Outputs, hit: caching.Hit | None = None) -> int:
        return recording.record_task(step.conn, self._blobs, step.active, path, state, made, now=step.turn.now, hit=hit)

    # The run

    def _fire_run(self, step: _Step, name: str) -> None:
        active, now = step.active, step.turn.now
        values: dict[str, Any] = {}
        done = Tally()
        if name == "start" and active.run.start_time is None:
            values = {"start_time": now}
        elif name in _ENDS:
            done = tally(active.plan, marks_of(step.conn, active.run.name))
            counts = {"tasks_ran": done.ran, "tasks_total": done.worked, "tasks_left_out": done.left_out}
            values = {**counts, "outputs": memory.run_outputs(active)}
        if name == "fail":
            values["error"] = str(active.failures())
        store.fire_run(step.conn, active.run.name, name, now=now, **values)
        recording.record_run(step.conn, active, name, now=now)
        active.view.run_fired(name)
        active.is_final = name in _ENDS
        if active.is_final:
            step.turn.ended.append(active.folder)
        if name == "succeed" and active.run.receipt_id and done.worked and not done.ran:
            self._needless(step, done)

    def _needless(self, step: _Step, done: Tally) -> None:
        run, said = step.active.run, done.said()
        reason = f"nothing changed: {said}" if done.left_out else said
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


def _image(active: ActiveRun, path: str) -> dict[str, Any]:
    """Answer what a row gets of an image that nobody had asked for when its task was resolved."""
    digest = active.nodes[path].image
    return {"environment": digest} if digest else {}


def _used(ended: Ended | None) -> dict[str, Any]:
    if ended is None:
        return {}
    return {"cpu_seconds": ended.report.cpu_seconds, "peak_memory_bytes": ended.report.peak_memory_bytes}
