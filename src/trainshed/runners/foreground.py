"""Chosen tasks at the terminal of this process, under a debugger; every other one as another runner runs it.

For a command that hosts the engine itself (`pipelines run --debug-task T`):

    runner = ForegroundRunner(process_runner, environments, clock, is_chosen=lambda launch: launch.task == "train")

- A Python component stops at its function's first line, and where it fails; `breakpoint()` stops as well. A command runs
  as it is; a container is left to the other runner. Standard input and output are those of this process, which has to
  leave the terminal alone meanwhile: `attached(True)` is called before, `attached(False)` after. Several chosen tasks
  take turns.
- Inputs, folder, variables and environment are those of any attempt; so is what is reported. Memory and time are not
  limited: whoever debugs decides. The log gets what failed, not what was printed.
- It ends with this process, so nothing is attached to again: the next server finds the attempt lost.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.environments import Environments
from trainshed.errors import TrainshedError
from trainshed.runners.contract import Container, Launch, Outcome, Report, ReportTo, Runner, StartFailed, Stopped
from trainshed.runners.machine import Share
from trainshed.runners.translation import order, outcome
from trainshed.workers.foreground import Foreground

Key = tuple[str, int]


class ForegroundRunner:
    """Keeps `contract.Runner`."""

    def __init__(
        self,
        runner: Runner,
        environments: Environments,
        clock: Clock,
        *,
        is_chosen: Callable[[Launch], bool],
        attached: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self._runner = runner
        self._environments = environments
        self._clock = clock
        self._is_chosen = is_chosen
        self._attached = attached
        self._terminal = asyncio.Lock()
        self._under_way: dict[Key, Foreground | None] = {}  # None: it waits for the terminal
        self._seen: set[Key] = set()
        self._withdrawn: set[Key] = set()  # stopped before they had the terminal
        self._background = Background()
        self._report: ReportTo | None = None

    async def open(self, report: ReportTo) -> None:
        """Get ready; reports of attempts that outlived the last server follow."""
        self._report = report
        await self._runner.open(report)

    async def start(self, launch: Launch) -> None:
        """Start an attempt; one that was chosen as soon as the terminal is free."""
        key = (launch.task_id, launch.attempt)
        if isinstance(launch.work, Container) or not self._is_chosen(launch):
            await self._runner.start(launch)
        elif key not in self._seen:
            self._seen.add(key)
            self._under_way[key] = None
            self._background.spawn(self._run(key, launch), name=f"task {launch.task_id} in the foreground")

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Ask an attempt to end, then end its whole process tree."""
        key = (task_id, attempt)
        if key not in self._under_way:
            await self._runner.stop(task_id, attempt, grace_seconds=grace_seconds)
        elif (running := self._under_way[key]) is None:
            self._withdrawn.add(key)
        else:
            self._background.spawn(running.stop(grace_seconds), name=f"end of task {task_id}")

    async def attempts(self) -> set[Key]:
        """Answer the attempts under way, or ended and not yet taken over."""
        return {*self._under_way, *await self._runner.attempts()}

    async def close(self, *, end_attempts: bool) -> None:
        """Let go of the others; those at the terminal end, since it goes away."""
        for key in list(self._under_way):
            await self.stop(*key, grace_seconds=0)
        while self._under_way:
            await asyncio.gather(*self._background.tasks(), return_exceptions=True)
        await self._background.close()
        await self._runner.close(end_attempts=end_attempts)

    async def _run(self, key: Key, launch: Launch) -> None:
        start_time = self._clock.now()
        async with self._terminal:
            try:
                report = await self._attach(key, launch)
            except (TrainshedError, OSError) as error:
                report = self._told(key, StartFailed(reason=str(error)), start_time)
        assert self._report is not None, "the runner is not open"
        answer = self._report(report)
        try:
            if answer is not None:
                await answer
        finally:
            del self._under_way[key]

    async def _attach(self, key: Key, launch: Launch) -> Report:
        """Run it with the terminal, to its end."""
        if key in self._withdrawn:
            return self._told(key, Stopped(), self._clock.now())
        environment = await off_loop(self._environments.get, launch.environment)
        if environment is None:
            reason = f"there is no environment {launch.environment!r}"
            return self._told(key, StartFailed(reason=reason), self._clock.now())
        launch.folder.mkdir(parents=True, exist_ok=True)
        running = Foreground(order(launch, Share(), grace_seconds=0))
        self._attached(True)
        try:
            await running.start(environment.python)
            self._under_way[key] = running
            ended = await running.wait()
        finally:
            self._attached(False)
        return self._told(key, outcome(ended), datetime.fromtimestamp(ended.start_time, UTC))

    def _told(self, key: Key, how: Outcome, start_time: datetime) -> Report:
        return Report(task_id=key[0], attempt=key[1], outcome=how, start_time=start_time, end_time=self._clock.now())
