"""Facts applied to the open runs they are about, in the caller's transaction."""

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection

from trainshed.clock import Clock
from trainshed.runs import store
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine.deadlines import reason
from trainshed.runs.engine.ended import Ended, note
from trainshed.runs.engine.inbox import Entry
from trainshed.runs.engine.open_runs import OpenRuns
from trainshed.runs.engine.turn import Turn
from trainshed.runs.engine.writer import Writer
from trainshed.runs.facts import AttemptEnded, CancelRequested, Fact, RunCreated
from trainshed.sql import after_commit


class Applier:
    """Takes facts to the runs in memory, and has the writer write what follows."""

    def __init__(self, runs: OpenRuns, writer: Writer, clock: Clock) -> None:
        self._runs = runs
        self._writer = writer
        self._clock = clock

    def apply(self, conn: Connection, entries: Sequence[Entry], *, notice: bool) -> Turn:
        """Apply facts, end what is past its deadline, and start what fits; with `notice`, look for new and cancelled runs.

        When this raises or is not committed, memory is no longer what the rows say.
        """
        turn = Turn(now=self._clock.now())
        noticed = store.noticed(conn) if notice else []
        turn.left_some = sum(state == "PENDING" for _, state in noticed) >= store.MOST_NEW
        for name, state in noticed:
            self._notice(conn, turn, name, state)
        for name in self._runs.deadlines.due(turn.now):
            self._expire(conn, turn, name)
        for entry in entries:
            if isinstance(entry.fact, CancelRequested):
                self._notice(conn, turn, entry.run, "CANCELLING")
            elif (active := self._runs.get(conn, turn, entry.run)) is not None:
                self._step(conn, turn, active, entry.fact, entry.ended)
            elif entry.ended is not None:
                after_commit(conn, entry.ended.discard)
        self._admit(conn, turn)
        return turn

    def _notice(self, conn: Connection, turn: Turn, name: str, state: str) -> None:
        active = self._runs.get(conn, turn, name)
        if active is None:
            return
        if state == "PENDING":
            self._step(conn, turn, active, RunCreated())
        elif not active.is_cancelled:
            active.is_cancelled = True
            active.view.state = "CANCELLING"
            self._step(conn, turn, active, CancelRequested())

    def _expire(self, conn: Connection, turn: Turn, name: str) -> None:
        """End a run whose time is over, as a cancel does; it has failed then."""
        active = self._runs.get(conn, turn, name)
        self._runs.deadlines.forget(name)
        if active is not None and active.view.state == "RUNNING":
            store.fire_run(conn, name, "expire", now=turn.now, error=reason(active))
            active.view.is_expired = True
            self._notice(conn, turn, name, "CANCELLING")

    def _step(self, conn: Connection, turn: Turn, active: ActiveRun, fact: Fact, ended: Ended | None = None) -> None:
        if ended is not None:
            ended = self._writer.checked(conn, ended)
            fact = replace(fact, ending=ended.ending) if isinstance(fact, AttemptEnded) else fact
            path = active.paths.get(ended.report.task_id, "")
            if path and active.view.tasks[path].attempt == ended.report.attempt:
                self._runs.admission.release(ended.report.task_id)
            note(conn, ended)
        self._writer.step(conn, turn, active, fact, ended)
        self._runs.follow(conn, turn, active)

    def _admit(self, conn: Connection, turn: Turn) -> None:
        while (waiting := self._runs.admission.admit(turn.now)) is not None:
            active = self._runs.get(conn, turn, waiting.run)
            if active is None or not self._writer.admit(conn, turn, active, waiting.task):
                self._runs.admission.release(waiting.task_id)
