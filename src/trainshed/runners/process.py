"""Attempts as forked, isolated processes on this machine, in warm workers."""

import os
from collections.abc import Awaitable
from datetime import UTC, datetime

from trainshed.clock import Clock
from trainshed.duty import Background, off_loop
from trainshed.environments import Environment, Environments
from trainshed.errors import TrainshedError
from trainshed.runners.contract import (
    Launch,
    Report,
    ReportTo,
    StartFailed,
)
from trainshed.runners.machine import Machine, Share, accelerators
from trainshed.runners.translation import order, outcome
from trainshed.settings import Settings
from trainshed.workers import Ended, Pool, WorkerFailed


class ProcessRunner:
    """The runner of a server without a cluster; keeps `contract.Runner`."""

    def __init__(self, environments: Environments, settings: Settings, clock: Clock) -> None:
        self._environments = environments
        self._known: dict[str, Environment] = {}
        self._clock = clock
        self._grace_seconds = settings.grace_seconds
        self.accelerators = accelerators(settings.accelerators)  # that attempts may be given
        self.machine = Machine(cores=sorted(os.sched_getaffinity(0)), devices=self.accelerators)
        self._pool = Pool(
            runtime=settings.runtime / "workers",  # sockets of workers alone: every one found there is asked
            home=settings.home,
            lease_seconds=settings.lease_seconds,
            idle_seconds=settings.idle_environment_seconds,
        )
        self.refused: dict[
            str, tuple[str, datetime]
        ] = {}  # environment -> why its last attempt did not start, and when
        self._background = Background()
        self._report: ReportTo | None = None

    async def open(self, report: ReportTo) -> None:
        """Get ready; reports of attempts that outlived the last server follow."""
        self._report = report
        await self._pool.open(self._ended)
        for held in self._pool.held():
            self.machine.adopt(held.key, Share(cores=tuple(held.cores), devices=tuple(held.devices)))

    async def start(self, launch: Launch) -> None:
        """Start an attempt. What keeps it from starting is a report, StartFailed."""
        if self._pool.knows((launch.task_id, launch.attempt)):
            return
        try:
            environment = await self._environment(launch.environment)
            if not launch.folder.is_dir():
                launch.folder.mkdir(parents=True)
            share = self.machine.give((launch.task_id, launch.attempt), launch.limits)
            await self._pool.start(
                environment.digest, environment.python, order(launch, share, grace_seconds=self._grace_seconds)
            )
            self.refused.pop(launch.environment, None)
        except (WorkerFailed, TrainshedError) as error:
            self._refuse(launch, str(error))
        except OSError as error:
            self._refuse(launch, f"{error.filename or launch.folder}: {error.strerror}")

    async def stop(self, task_id: str, attempt: int, *, grace_seconds: float) -> None:
        """Ask an attempt to end, then end its whole process tree."""
        self._pool.stop((task_id, attempt), grace_seconds=grace_seconds)

    async def attempts(self) -> set[tuple[str, int]]:
        """Answer the attempts under way, or ended and not yet taken over."""
        return self._pool.attempts()

    async def warm(self, environment: str, modules: tuple[str, ...] = ()) -> None:
        """Have the worker of an environment ready before its first attempt. Raises NotFound, WorkerFailed."""
        found = await self._environment(environment)
        await self._pool.warm(found.digest, found.python, modules)

    async def close(self, *, end_attempts: bool) -> None:
        """Let go; without us attempts go on for the lease time unless they are to end."""
        await self._pool.close(end_attempts=end_attempts, grace_seconds=self._grace_seconds)
        await self._background.close()

    async def _environment(self, digest: str) -> Environment:
        if (known := self._known.get(digest)) is not None and known.python.exists():
            return known
        found = await off_loop(self._environments.get, digest)
        if found is None:
            raise WorkerFailed(f"there is no environment {digest!r}")
        self._known[digest] = found
        return found

    def _refuse(self, launch: Launch, reason: str) -> None:
        """Report that it never ran. Not on disk: a server that dies now has not been told, and starts it again."""
        self.machine.take_back((launch.task_id, launch.attempt))
        now = self._clock.now()
        self.refused[launch.environment] = reason, now
        assert self._report is not None, "the runner is not open"
        report = Report(
            task_id=launch.task_id,
            attempt=launch.attempt,
            outcome=StartFailed(reason=reason),
            start_time=now,
            end_time=now,
        )
        answer = self._report(report)
        if answer is not None:
            self._background.spawn(_finish(answer), name=f"report of {launch.task_id}")

    def _ended(self, ended: Ended) -> Awaitable[object] | None:
        self.machine.take_back(ended.key)
        assert self._report is not None, "the runner is not open"
        return self._report(
            Report(
                task_id=ended.task_id,
                attempt=ended.attempt,
                outcome=outcome(ended),
                start_time=datetime.fromtimestamp(ended.start_time or ended.end_time, UTC),
                end_time=datetime.fromtimestamp(ended.end_time, UTC),
                cpu_seconds=ended.cpu_seconds,
                peak_memory_bytes=ended.peak_memory_bytes,
            )
        )


async def _finish(answer: Awaitable[object]) -> None:
    await answer
