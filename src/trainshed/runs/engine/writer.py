"""Decisions of `advance` become rows in the caller's transaction; what has to happen after COMMIT goes into the turn."""

import logging
from collections import deque
from datetime import timedelta
from typing import assert_never

from sqlalchemy import Connection

from trainshed.blobs import Blobs
from trainshed.runs import store_tasks
from trainshed.runs.active import ActiveRun
from trainshed.runs.advance import advance
from trainshed.runs.engine.admission import waiting_of
from trainshed.runs.engine.beginning import MustRun, resolve
from trainshed.runs.engine.ended import Ended, checked
from trainshed.runs.engine.transitions import fire_run, fire_task
from trainshed.runs.engine.turn import Step, Turn
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
)
from trainshed.sql import after_commit

log = logging.getLogger(__name__)


class Writer:
    """Carries out decisions in the caller's transaction."""

    def __init__(self, blobs: Blobs, *, must_run: MustRun = lambda *_: False) -> None:
        self._blobs = blobs
        self._must_run = must_run

    def step(self, conn: Connection, turn: Turn, active: ActiveRun, fact: Fact, ended: Ended | None = None) -> None:
        """Carry a fact to its conclusion, the facts that follow from it included."""
        step = Step(conn=conn, blobs=self._blobs, turn=turn, active=active, ended=ended, facts=deque([fact]))
        while step.facts:
            current = step.facts.popleft()
            decisions = advance(active.view, current)
            if isinstance(current, AttemptEnded) and not decisions and ended is not None:
                self._drop(conn, active, ended)
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

    def _carry_out(self, step: Step, decision: Decision) -> None:
        active = step.active
        match decision:
            case Fire(task=task, name=name):
                fire_task(step, task, name)
            case FireRun(name=name):
                fire_run(step, name)
            case Resolve(task=task):
                step.answers.append(self._resolve(step, task))
            case Open(task=task, first=first, count=count):
                rows = active.open(task, first, count, now=step.turn.now)
                store_tasks.insert_tasks(step.conn, rows)
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

    def _resolve(self, step: Step, path: str) -> Fact:
        found = resolve(step.conn, step.blobs, step.active, path, self._must_run)
        if found.values:
            step.found[path] = dict(found.values)
        if found.hit is not None:
            step.hits[path] = found.hit
        return found.fact

    def _dispatch(self, step: Step, path: str, wait_seconds: float) -> None:
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
            store_tasks.note_resolution(step.conn, node.id, ready_time=node.ready_time)

    def _drop(self, conn: Connection, active: ActiveRun, ended: Ended) -> None:
        log.info(
            "A report of attempt %d of task %s came too late and was dropped.", ended.report.attempt, ended.report.task_id,
            extra={"action": "state_stale", "run": active.run.name, "task": ended.report.task_id},
        )  # fmt: skip
        after_commit(conn, ended.discard)  # until then it may be taken after all
