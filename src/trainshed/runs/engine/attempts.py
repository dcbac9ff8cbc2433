"""Attempts: started and stopped after COMMIT; what the runner reports of them becomes facts."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime

from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.errors import TrainshedError
from trainshed.runners.contract import ExitedNonZero, LeaseLost, Outcome, Report, StartFailed, Stopped
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine.ended import Ended, ending_of
from trainshed.runs.engine.inbox import Entry
from trainshed.runs.engine.launching import Launcher
from trainshed.runs.engine.open_runs import Lost, OpenRuns
from trainshed.runs.engine.turn import Turn
from trainshed.runs.facts import AttemptEnded

log = logging.getLogger(__name__)
Taken = asyncio.Future[None]  # done once what follows from a report is on disk


class Attempts:
    """The engine's side of the runner. All in the event loop."""

    def __init__(
        self,
        runs: OpenRuns,
        launcher: Launcher,
        background: Background,
        clock: Clock,
        *,
        grace_seconds: float,
        put: Callable[[Entry], None],
    ) -> None:
        self._runs = runs
        self._launcher = launcher
        self._background = background
        self._clock = clock
        self._grace_seconds = grace_seconds
        self._put = put
        self.is_held = True  # the runs in memory are not, or not yet, what the rows say
        self._early: list[tuple[Report, Taken | None]] = []  # came while they are held

    def known(self) -> set[tuple[str, int]]:
        """Answer the attempts that were started and whose end is no fact yet."""
        return self._launcher.under_way() | {(report.task_id, report.attempt) for report, _ in self._early}

    def hold(self) -> None:
        """Keep what is reported until the runs in memory are what the rows say."""
        self.is_held = True

    def release(self) -> None:
        """Take what was reported meanwhile, and from now on at once."""
        self.is_held = False
        early, self._early = self._early, []
        for report, taken in early:
            self._take(report, taken)

    # Reports

    def report(self, report: Report) -> Awaitable[object]:
        """Take a report of the runner; the answer is done once what follows from it is on disk."""
        taken: Taken = asyncio.get_running_loop().create_future()
        self._take(report, taken)
        return taken

    def _take(self, report: Report, taken: Taken | None = None) -> None:
        if self.is_held:
            self._early.append((report, taken))
            return
        active = self._runs.of_task(report.task_id)
        if active is None:
            self._launcher.ended(report.task_id, report.attempt)
            log.info(
                "A report of task %s came again, or after the end of its run, and was dropped.",
                report.task_id,
                extra={"action": "state_stale", "task": report.task_id, "attempt": report.attempt},
            )
            if taken is not None:
                taken.set_result(None)
            return
        ended = ending_of(report)
        if ended.needs_reading(active):
            self._background.spawn(self._read(active, ended, taken), name=f"outputs of {report.task_id}")
        else:
            self._end(active, self._launcher.collect(active, ended), taken)

    async def _read(self, active: ActiveRun, ended: Ended, taken: Taken | None) -> None:
        try:
            found = await off_loop(self._launcher.collect, active, ended)
        except (TrainshedError, OSError) as error:  # a full disk, a folder that cannot be read
            reason = f"its outputs could not be taken over: {getattr(error, 'message', error)}"
            found = ended.failed(ExitedNonZero(code=0, message=reason))
        self._end(active, found, taken)

    def _end(self, active: ActiveRun, ended: Ended, taken: Taken | None = None) -> None:
        self._launcher.ended(ended.report.task_id, ended.report.attempt)
        path, attempt = active.paths[ended.report.task_id], ended.report.attempt
        told = ended.of_buckets(active.mount_of(path, attempt))
        fact = AttemptEnded(task=path, attempt=attempt, ending=ended.ending)
        self._put(Entry(run=active.run.name, fact=fact, ended=told, taken=taken))

    def lose(self, lost: Lost) -> None:
        """Note that an attempt's worker is gone; whether it is held does not matter, its run is known."""
        task_id = lost.active.nodes[lost.path].id
        self._end(lost.active, ending_of(self._report(task_id, lost.attempt, LeaseLost(), lost.start_time)))

    # Orders

    def expect(self, turn: Turn) -> None:
        """Note what a turn starts, before anything of it is started: whoever forgets must know it."""
        for active, path, attempt in turn.starts:
            self._launcher.expect(active.nodes[path].id, attempt)

    def follow(self, turn: Turn) -> None:
        """Start and stop what a turn decided."""
        for active, path, attempt in turn.starts:
            self._background.spawn(self._start(active, path, attempt), name=f"start of {path}")
        self.stop(turn.stops)

    def stop(self, attempts: Iterable[tuple[str, int]]) -> None:
        """Stop attempts, each the id of its task and its number."""
        for task_id, attempt in attempts:
            self._background.spawn(self._stop(task_id, attempt), name=f"stop of {task_id}")

    async def _start(self, active: ActiveRun, path: str, attempt: int) -> None:
        begun = self._clock.now()
        try:
            await self._launcher.start(active, path, attempt)
        except Exception as error:  # noqa: BLE001  (an attempt that could not start is an outcome)
            reason = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
            task_id = active.nodes[path].id
            if self._launcher.give_up(task_id, attempt):
                self._take(self._report(task_id, attempt, StartFailed(reason=reason), begun))

    async def _stop(self, task_id: str, attempt: int) -> None:
        if self._launcher.give_up(task_id, attempt):
            self._take(self._report(task_id, attempt, Stopped(), self._clock.now()))
        else:
            await self._launcher.stop(task_id, attempt, grace_seconds=self._grace_seconds)

    def _report(self, task_id: str, attempt: int, outcome: Outcome, begun: datetime) -> Report:
        return Report(task_id=task_id, attempt=attempt, outcome=outcome, start_time=begun, end_time=self._clock.now())
