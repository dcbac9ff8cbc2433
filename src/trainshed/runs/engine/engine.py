"""The loop that goes on with every open run, and what it does when a transaction fails.

    wake ─► take the facts that came ─► one transaction: advance, fire, admit ─► after COMMIT: start and stop attempts
      ▲                                                                                │
      └──────────────────── reports of the runner, new runs, cancels, timers ◄─────────┘

Whatever goes wrong in a transaction, the memory of all runs is thrown away and rebuilt from rows. Facts are kept until
they are on disk: while the store takes no writes they wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from trainshed.clock import Clock
from trainshed.duty import Background, Duty, off_loop
from trainshed.errors import OUTAGES, TrainshedError
from trainshed.runners.contract import Report, Runner
from trainshed.runs import store
from trainshed.runs.engine.abandon import abandon
from trainshed.runs.engine.admission import Admission
from trainshed.runs.engine.applying import Applier
from trainshed.runs.engine.attempts import Attempts
from trainshed.runs.engine.inbox import Entry, Inbox
from trainshed.runs.engine.launching import Launcher
from trainshed.runs.engine.mounts import clean_up
from trainshed.runs.engine.open_runs import OpenRuns, TakeUp
from trainshed.runs.engine.turn import Turn
from trainshed.runs.engine.writer import Writer
from trainshed.runs.facts import CancelRequested, RunCreated
from trainshed.runs.model import Run
from trainshed.sql import Database

log = logging.getLogger(__name__)
_LOOK_AGAIN = timedelta(seconds=1)
_RUNS_AT_ONCE = 200  # taken up in one transaction


@dataclass(kw_only=True)
class Parts:
    """What the engine works with."""

    db: Database
    clock: Clock
    runner: Runner
    writer: Writer
    launcher: Launcher
    take_up: TakeUp
    foresee: Callable[[Sequence[Run]], None]  # blocks; before `take_up`, which runs in the store's writer
    ended_lately: Callable[[], Sequence[Path]]  # blocks: folders of the runs that ended last
    admission: Admission
    grace_seconds: float = 10.0
    reached: Callable[[str], None] = field(default=lambda _: None)  # tests stop the engine at named points


class Engine:
    """Goes on with every open run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._inbox = Inbox()
        self._background = Background()
        self._runs = OpenRuns(parts.take_up, parts.admission, parts.clock)
        self._applier = Applier(self._runs, parts.writer, parts.clock)
        self._attempts = Attempts(
            self._runs,
            parts.launcher,
            self._background,
            parts.clock,
            grace_seconds=parts.grace_seconds,
            put=self._add,
        )
        self._duty: Duty | None = None
        self._opened = False
        self._is_told = False  # that a run was created or is to be cancelled
        self._noticed = datetime.min.replace(tzinfo=UTC)  # when that was looked for

    def duty(self, *, interval_seconds: float) -> Duty:
        """Make the background duty, woken by every fact."""
        duty = Duty("runs", self.run_once, interval_seconds=interval_seconds, clock=self._parts.clock)
        self._parts.db.listen(store.CHANNEL, self._tell)
        self._duty = duty
        return duty

    def _tell(self) -> None:
        """Note that others wrote something about runs. Callable from every thread."""
        self._is_told = True
        if self._duty is not None:
            self._duty.wake()

    async def run_once(self) -> datetime | None:
        """Take every fact that is there to its conclusion; answer when the next retry or deadline is due."""
        if not self._opened:
            await self._open()
        if self._attempts.is_held:
            await self._forget()
        while True:
            entries = self._inbox.take()
            turn = await self._turn(entries)
            self._is_told |= turn.left_some
            self._follow(turn)
            self._inbox.settle(entries)
            if not self._inbox and not turn.left_some:
                return self._runs.next_time()

    async def close(self) -> None:
        """Let go; attempts go on without us."""
        await self._background.close()

    def report(self, report: Report) -> Awaitable[object]:
        """Take a report of the runner; the answer is done once what follows from it is on disk."""
        return self._attempts.report(report)

    def _add(self, entry: Entry) -> None:
        self._inbox.add(entry)
        if self._duty is not None:
            self._duty.wake()

    # One transaction

    async def _turn(self, entries: list[Entry]) -> Turn:
        try:
            return await self._write(entries, notice=self._has_to_look(entries))
        except OUTAGES:
            log.debug("The store took nothing; facts wait.")
        except Exception:
            log.exception("The engine starts anew from the store.", extra={"action": "engine_reset"})
        self._is_told = True
        try:
            await self._forget()
            await self._one_by_one(entries)
        except BaseException:
            self._attempts.hold()  # the next turn begins with the memory built anew
            self._inbox.put_back()
            raise
        return Turn(now=self._parts.clock.now())

    def _has_to_look(self, entries: list[Entry]) -> bool:
        """Whether somebody may have created or cancelled runs: we were told, or have not looked for a while."""
        now = self._parts.clock.now()
        if not self._is_told and entries and abs(now - self._noticed) < _LOOK_AGAIN:
            return False
        self._is_told, self._noticed = False, now
        return True

    async def _one_by_one(self, entries: list[Entry]) -> None:
        """Write each fact by itself, so that one of them cannot hold up the others.

        What follows from each is done at once: whoever forgets must know what was started.
        """
        outage: TrainshedError | None = None
        noticed = await off_loop(self._parts.db.read, store.noticed)
        new = [Entry(run=n, fact=RunCreated() if s == "PENDING" else CancelRequested()) for n, s in noticed]
        for entry in [*entries, *new]:
            try:
                self._follow(await self._write([entry], notice=False))
            except OUTAGES as error:
                outage = error
                await self._forget()
                continue
            except Exception as error:
                log.exception("A fact of %s could not be used.", entry.run, extra={"action": "engine_reset"})
                await self._give_up(entry.run, error)
                if entry.ended is not None:
                    entry.ended.discard()
            self._inbox.settle([entry])
        if outage is not None:
            raise outage

    async def _write(self, entries: list[Entry], *, notice: bool) -> Turn:
        self._parts.reached("before_turn")
        verb = partial(self._applier.apply, entries=entries, notice=notice)
        turn = await asyncio.wrap_future(self._parts.db.submit(verb))
        self._parts.reached("after_turn")
        return turn

    async def _give_up(self, run: str, error: BaseException) -> None:
        """End a run whose facts cannot be used: a defect of ours must not repeat for ever."""
        message = f"Trainshed failed on this run ({type(error).__name__}: {error})."
        verb = partial(abandon, name=run, reason=message, now=self._parts.clock.now())
        self._attempts.stop(await asyncio.wrap_future(self._parts.db.submit(verb)))
        await self._forget()

    # After COMMIT

    def _follow(self, turn: Turn) -> None:
        self._attempts.expect(turn)
        self._parts.reached("before_start")
        self._attempts.follow(turn)
        if turn.done or turn.ended:
            self._clean_up(turn.done, turn.ended)

    def _clean_up(self, done: Sequence[Path], ended: Sequence[Path]) -> None:
        in_use = partial(self._runs.mounts_in_use, set(ended))
        self._background.spawn(clean_up(done, ended, in_use), name="clean up")

    # Memory

    async def _open(self) -> None:
        """Start, or start again after a crash: hear from the runner what goes on, and go on with the rest."""
        await self._parts.runner.open(self.report)
        known = await self._parts.runner.attempts()
        self._parts.launcher.adopt(known)
        await self._take_up_all(known)
        self._attempts.stop(known - self._runs.under_way())  # of runs that were given up at the last moment
        for active in self._runs.all():
            if active.run.state == "RUNNING":
                self._add(Entry(run=active.run.name, fact=RunCreated()))
            elif active.run.state == "CANCELLING":
                self._attempts.stop(attempt for attempt in active.cancelling() if attempt in known)
        self._opened = True
        self._attempts.release()
        self._clean_up([], await off_loop(self._parts.ended_lately))  # of those a crash may have left something

    async def _forget(self) -> None:
        """Throw the memory away and build it again from rows; what workers do goes on, what they reported counts."""
        self._attempts.hold()
        known = self._attempts.known() | self._inbox.attempts()
        self._runs.clear()
        await self._take_up_all(known)
        self._attempts.release()

    async def _take_up_all(self, known: set[tuple[str, int]]) -> None:
        runs = await off_loop(self._parts.db.read, store.open_runs)
        for first in range(0, len(runs), _RUNS_AT_ONCE):
            batch = runs[first : first + _RUNS_AT_ONCE]
            await off_loop(self._parts.foresee, batch)
            verb = partial(self._runs.take_up, runs=batch, known=known)
            lost, stops = await asyncio.wrap_future(self._parts.db.submit(verb))
            for one in lost:
                self._attempts.lose(one)
            self._attempts.stop(stops)
