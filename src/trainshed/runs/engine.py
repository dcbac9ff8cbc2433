"""The engine: facts in, one transaction, decisions out, workers told after COMMIT. Nothing lives only here.

    wake ─► take the facts that came ─► one transaction: advance, fire, admit ─► after COMMIT: start and stop attempts
      ▲                                                                                │
      └──────────────────── reports of the runner, new runs, cancels, timers ◄─────────┘

Whatever goes wrong in a transaction, the memory of all runs is thrown away and rebuilt from rows. Facts are kept until
they are on disk: while the store takes no writes they wait.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial

from sqlalchemy import Connection

from trainshed.clock import Clock
from trainshed.duty import Background, Duty, off_loop
from trainshed.errors import OUTAGES, TrainshedError
from trainshed.runners.contract import ExitedNonZero, LeaseLost, Outcome, Report, Runner, StartFailed, Stopped
from trainshed.runs import marks, store
from trainshed.runs.abandon import abandon
from trainshed.runs.active import ActiveRun
from trainshed.runs.admission import Admission
from trainshed.runs.attempt import Ended, ending_of, note
from trainshed.runs.deadlines import Deadlines, reason
from trainshed.runs.facts import AttemptEnded, CancelRequested, Fact, RunCreated
from trainshed.runs.inbox import Entry, Inbox
from trainshed.runs.launching import Launcher
from trainshed.runs.model import Run, TaskRow
from trainshed.runs.mounts import clean_up
from trainshed.runs.turn import Turn, Writer, waiting_of
from trainshed.sql import Database

log = logging.getLogger(__name__)
CHANNEL = "runs"  # notified when a run was created or is to be cancelled
_LOOK_AGAIN = timedelta(seconds=1)
_RUNS_AT_ONCE = 200  # taken up in one transaction


TakeUp = Callable[
    [Connection, Sequence[Run], Mapping[str, Sequence[TaskRow]]], Mapping[str, ActiveRun | TrainshedError]
]


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
    admission: Admission
    grace_seconds: float = 10.0
    reached: Callable[[str], None] = field(default=lambda _: None)  # tests stop the engine at named points


class Engine:
    """Goes on with every open run."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self._active: dict[str, ActiveRun] = {}
        self._of_task: dict[str, str] = {}  # id of a task under way -> run
        self._inbox = Inbox()
        self._deadlines = Deadlines()
        self._background = Background()
        self._duty: Duty | None = None
        self._opened = False
        self._is_stale = False  # what is in memory is not what the rows say
        self._is_told = False  # that a run was created or is to be cancelled
        self._noticed = datetime.min.replace(tzinfo=UTC)  # when that was looked for
        self._early: list[tuple[Report, asyncio.Future[None] | None]] = []  # reports that came before we knew our runs

    def duty(self, *, interval_seconds: float) -> Duty:
        """Make the background duty, woken by every fact."""
        duty = Duty("runs", self.run_once, interval_seconds=interval_seconds, clock=self._parts.clock)
        self._parts.db.listen(CHANNEL, self._tell)
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
        if self._is_stale:
            await self._forget()
        while True:
            entries = self._inbox.take()
            turn = await self._turn(entries)
            self._is_told |= turn.left_some
            self._follow(turn)
            self._inbox.settle(entries)
            if not self._inbox and not turn.left_some:
                return min(filter(None, (self._parts.admission.next_time(), self._deadlines.next_time())), default=None)

    async def close(self) -> None:
        """Let go; attempts go on without us."""
        await self._background.close()

    # Facts

    def report(self, report: Report) -> Awaitable[object]:
        """Take a report of the runner; the answer is done once what follows from it is on disk."""
        taken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._reported(report, taken)
        return taken

    def _reported(self, report: Report, taken: "asyncio.Future[None] | None" = None) -> None:
        if self._is_stale or not self._opened:
            self._early.append((report, taken))
            return
        active = self._active.get(self._of_task.get(report.task_id, ""))
        if active is None:
            self._parts.launcher.ended(report.task_id, report.attempt)
            log.warning(
                "A report of task %s came too late and was dropped.",
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
            self._put(active, self._parts.launcher.collect(active, ended), taken)

    async def _read(self, active: ActiveRun, ended: Ended, taken: "asyncio.Future[None] | None") -> None:
        try:
            found = await off_loop(self._parts.launcher.collect, active, ended)
        except (TrainshedError, OSError) as error:  # a full disk, a folder that cannot be read
            reason = f"its outputs could not be taken over: {getattr(error, 'message', error)}"
            found = ended.failed(ExitedNonZero(code=0, message=reason))
        self._put(active, found, taken)

    def _put(self, active: ActiveRun, ended: Ended, taken: "asyncio.Future[None] | None" = None) -> None:
        self._parts.launcher.ended(ended.report.task_id, ended.report.attempt)
        path = active.paths[ended.report.task_id]
        fact = AttemptEnded(task=path, attempt=ended.report.attempt, ending=ended.ending)
        self._add(Entry(run=active.run.name, fact=fact, ended=ended, taken=taken))

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
            self._is_stale = True  # the next turn begins with the memory built anew
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
            self._inbox.settle([entry])
        if outage is not None:
            raise outage

    async def _write(self, entries: list[Entry], *, notice: bool = True) -> Turn:
        self._parts.reached("before_turn")
        verb = partial(self._apply, entries=entries, notice=notice)
        turn = await asyncio.wrap_future(self._parts.db.submit(verb))
        self._parts.reached("after_turn")
        return turn

    def _apply(self, conn: Connection, entries: list[Entry], *, notice: bool) -> Turn:
        turn = Turn(now=self._parts.clock.now())
        noticed = store.noticed(conn) if notice else []
        turn.left_some = sum(state == "PENDING" for _, state in noticed) >= store.MOST_NEW
        for name, state in noticed:
            self._notice(conn, turn, name, state)
        for name in self._deadlines.due(turn.now):
            self._expire(conn, turn, name)
        for entry in entries:
            if isinstance(entry.fact, CancelRequested):
                self._notice(conn, turn, entry.run, "CANCELLING")
            elif (active := self._get(conn, turn, entry.run)) is not None:
                self._step(conn, turn, active, entry.fact, entry.ended)
            elif entry.ended is not None:
                entry.ended.discard()
        self._admit(conn, turn)
        return turn

    def _notice(self, conn: Connection, turn: Turn, name: str, state: str) -> None:
        active = self._get(conn, turn, name)
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
        active = self._get(conn, turn, name)
        self._deadlines.forget(name)
        if active is not None and active.view.state == "RUNNING":
            store.fire_run(conn, name, "expire", now=turn.now, error=reason(active))
            active.view.is_expired = True
            self._notice(conn, turn, name, "CANCELLING")

    def _step(self, conn: Connection, turn: Turn, active: ActiveRun, fact: Fact, ended: Ended | None = None) -> None:
        if ended is not None:
            ended = self._parts.writer.checked(conn, ended)
            fact = replace(fact, ending=ended.ending) if isinstance(fact, AttemptEnded) else fact
            path = active.paths.get(ended.report.task_id, "")
            if path and active.view.tasks[path].attempt == ended.report.attempt:
                self._parts.admission.release(ended.report.task_id)
            note(conn, ended)
        self._parts.writer.step(conn, turn, active, fact, ended)
        for waiting in turn.take_waiting():
            self._parts.admission.queue(waiting)
        self._follow_tasks(turn, active)
        if active.is_final:
            self._drop(active)
        else:
            self._deadlines.know(conn, active, now=turn.now)

    def _follow_tasks(self, turn: Turn, active: ActiveRun) -> None:
        """Know the tasks that were made, and forget those that are gone."""
        self._of_task.update(dict.fromkeys(turn.made, active.run.name))
        for task_id in turn.gone:
            self._of_task.pop(task_id, None)
        turn.made, turn.gone = [], []

    def _admit(self, conn: Connection, turn: Turn) -> None:
        while (waiting := self._parts.admission.admit(turn.now)) is not None:
            active = self._get(conn, turn, waiting.run)
            if active is None or not self._parts.writer.admit(conn, turn, active, waiting.task):
                self._parts.admission.release(waiting.task_id)

    # Memory

    def _get(self, conn: Connection, turn: Turn, name: str) -> ActiveRun | None:
        if name not in self._active:
            run = store.find_run(conn, name=name)
            if run is None or run.end_time is not None:
                return None
            turn.stops += self._know(conn, [run])
        return self._active.get(name)

    def _know(self, conn: Connection, runs: Sequence[Run]) -> list[tuple[str, int]]:
        """Take runs into memory; answer the attempts of those that cannot go on, which have to be stopped."""
        stops: list[tuple[str, int]] = []
        rows = store.tasks_of_runs(conn, [run.name for run in runs])
        found = self._parts.take_up(conn, runs, rows)
        for run in runs:
            active = found[run.name]
            if isinstance(active, TrainshedError):  # an image that is bound no longer
                stops += abandon(conn, run.name, active.message, now=self._parts.clock.now())
                continue
            self._active[run.name] = active
            self._deadlines.know(conn, active, now=self._parts.clock.now())
            self._of_task.update(dict.fromkeys(active.paths, run.name))
        return stops

    def _drop(self, active: ActiveRun) -> None:
        self._active.pop(active.run.name, None)
        self._deadlines.forget(active.run.name)
        for task_id in active.paths:
            self._of_task.pop(task_id, None)

    async def _forget(self) -> None:
        """Throw the memory away and build it again from rows; what workers do goes on, what they reported counts."""
        self._is_stale = True
        known = self._parts.launcher.under_way() | self._inbox.attempts()
        known |= {(report.task_id, report.attempt) for report, _ in self._early}
        self._active.clear()
        self._of_task.clear()
        self._deadlines.clear()
        self._parts.admission.clear()
        await self._take_up_all(known)
        self._is_stale = False
        self._take_early()

    async def _take_up_all(self, known: set[tuple[str, int]]) -> None:
        runs = await off_loop(self._parts.db.read, store.open_runs)
        for first in range(0, len(runs), _RUNS_AT_ONCE):
            batch = runs[first : first + _RUNS_AT_ONCE]
            await off_loop(self._parts.foresee, batch)
            verb = partial(self._take_up, runs=batch, known=known)
            lost, stops = await asyncio.wrap_future(self._parts.db.submit(verb))
            for active, path, attempt, begun in lost:
                self._lose(active, path, attempt, begun)
            for task_id, attempt in stops:
                self._background.spawn(self._stop(task_id, attempt), name=f"stop of {task_id}")

    def _take_up(
        self, conn: Connection, runs: Sequence[Run], known: set[tuple[str, int]]
    ) -> tuple[list[tuple[ActiveRun, str, int, datetime]], list[tuple[str, int]]]:
        """Take up open runs; answer the attempts that nobody knows of and when they began, and those to be stopped."""
        lost: list[tuple[ActiveRun, str, int]] = []
        stops = self._know(conn, [run for run in runs if run.name not in self._active])
        for run in runs:
            active = self._active.get(run.name)
            if active is not None:
                lost += [(active, path, attempt) for path, attempt in self._claim_again(active, known)]
        began = marks.begun(conn, [active.nodes[path].id for active, path, _ in lost])
        now = self._parts.clock.now()
        return [(active, path, n, began.get(active.nodes[path].id, now)) for active, path, n in lost], stops

    def _claim_again(self, active: ActiveRun, known: set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        """Let the tasks of a run have what they had of the machine; answer the attempts that nobody knows of."""
        for path, view in active.view.tasks.items():
            node = active.nodes[path]
            ready = node.ready_time or self._parts.clock.now()
            if view.state == "QUEUED":
                self._parts.admission.queue(waiting_of(active, path, ready))
            elif view.state in {"RUNNING", "CANCELLING"} and view.task.body is None:
                self._parts.admission.take(waiting_of(active, path, ready))
                if (node.id, view.attempt) not in known and view.task.needs_worker:
                    yield path, view.attempt

    async def _open(self) -> None:
        """Start, or start again after a crash: hear from the runner what goes on, and go on with the rest."""
        await self._parts.runner.open(self.report)
        known = await self._parts.runner.attempts()
        self._parts.launcher.adopt(known)
        await self._take_up_all(known)
        for active in list(self._active.values()):
            if active.run.state == "RUNNING":
                self._add(Entry(run=active.run.name, fact=RunCreated()))
            elif active.run.state == "CANCELLING":
                self._stop_again(active, known)
        self._opened = True
        self._take_early()

    def _take_early(self) -> None:
        early, self._early = self._early, []
        for report, taken in early:
            self._reported(report, taken)

    def _lose(self, active: ActiveRun, task: str, attempt: int, begun: datetime) -> None:
        self._put(active, ending_of(self._report(active.nodes[task].id, attempt, LeaseLost(), begun)))

    def _stop_again(self, active: ActiveRun, known: set[tuple[str, int]]) -> None:
        for name, task in active.view.tasks.items():
            if task.state == "CANCELLING" and (active.nodes[name].id, task.attempt) in known:
                self._background.spawn(self._stop(active.nodes[name].id, task.attempt), name="stop")

    async def _give_up(self, run: str, error: BaseException) -> None:
        """End a run whose facts cannot be used: a defect of ours must not repeat for ever."""
        message = f"Trainshed failed on this run ({type(error).__name__}: {error})."
        verb = partial(abandon, name=run, reason=message, now=self._parts.clock.now())
        for task_id, attempt in await asyncio.wrap_future(self._parts.db.submit(verb)):
            self._background.spawn(self._stop(task_id, attempt), name=f"stop of {task_id}")
        await self._forget()

    # After COMMIT

    def _follow(self, turn: Turn) -> None:
        for active, task, attempt in turn.starts:
            self._parts.launcher.expect(active.nodes[task].id, attempt)
        self._parts.reached("before_start")
        for active, task, attempt in turn.starts:
            self._background.spawn(self._start(active, task, attempt), name=f"start of {task}")
        for task_id, attempt in turn.stops:
            self._background.spawn(self._stop(task_id, attempt), name=f"stop of {task_id}")
        if turn.done or turn.ended:
            self._background.spawn(clean_up(turn.done, turn.ended), name="clean up")

    async def _start(self, active: ActiveRun, task: str, attempt: int) -> None:
        begun = self._parts.clock.now()
        try:
            await self._parts.launcher.start(active, task, attempt)
        except Exception as error:  # noqa: BLE001  (an attempt that could not start is an outcome)
            reason = getattr(error, "message", "") or f"{type(error).__name__}: {error}"
            if self._parts.launcher.give_up(active.nodes[task].id, attempt):
                self._reported(self._report(active.nodes[task].id, attempt, StartFailed(reason=reason), begun))

    async def _stop(self, task_id: str, attempt: int) -> None:
        if self._parts.launcher.give_up(task_id, attempt):
            self._reported(self._report(task_id, attempt, Stopped(), self._parts.clock.now()))
        else:
            await self._parts.launcher.stop(task_id, attempt, grace_seconds=self._parts.grace_seconds)

    def _report(self, task_id: str, attempt: int, outcome: Outcome, begun: datetime) -> Report:
        now = self._parts.clock.now()
        return Report(task_id=task_id, attempt=attempt, outcome=outcome, start_time=begun, end_time=now)
