"""Background duties of builds: start what is queued, end what was cancelled, expire."""

import asyncio
import logging
from functools import partial

from trainshed.builds import endings, processes, store
from trainshed.builds.execution import Execution, Surroundings
from trainshed.builds.service import Service
from trainshed.clock import Clock
from trainshed.duty import Background, Duty, Next, off_loop
from trainshed.sql import Database

log = logging.getLogger(__name__)
_PLACES = 10  # builds at once, as Cloud Build's default quota has it


class Engine:
    """Runs builds of one server."""

    def __init__(self, service: Service, clock: Clock, around: Surroundings, *, places: int = _PLACES) -> None:
        self._service = service
        self._clock = clock
        self._around = around
        self._places = places
        self._running: dict[str, asyncio.Task[None]] = {}
        self._background = Background()
        self._is_tidy = False  # whether what the last server left of builds is gone

    def duty(self, db: Database, *, interval_seconds: float) -> Duty:
        """Make the duty, woken by every change of a build."""
        duty = Duty("builds", self.run_once, interval_seconds=interval_seconds, clock=self._clock)
        db.listen(store.CHANNEL, duty.wake)
        return duty

    async def run_once(self) -> Next:
        """Start, stop and expire builds as their rows say."""
        await self.recover()
        if not self._is_tidy:
            await self._tidy_up()
            self._is_tidy = True
        await off_loop(self._service.reports.expire)
        await self._stop_ended()
        free = self._places - len(self._running)
        for build_id in await off_loop(self._service.reports.waiting, free) if free > 0 else ():
            if build_id not in self._running:
                execution = Execution(self._service, self._clock, self._around, build_id)
                task = self._background.spawn(execution.run(), name=f"build {build_id}")
                self._running[build_id] = task
                task.add_done_callback(partial(self._forget, build_id))
        return None

    async def recover(self) -> None:
        """End builds which nobody runs: as they had ended, or honestly as lost, with what is left of their processes.

        Their server went away, or it could not write how they ended.
        """
        for build_id in await off_loop(self._service.reports.working):
            if build_id in self._running:
                continue
            ended = await processes.end(f"{build_id}/", grace_seconds=0)
            detail = "the server went away while the build ran; submit it again (trainshed builds retry)"
            if await Execution(self._service, self._clock, self._around, build_id).give_up(detail):
                log.warning(
                    "Build %s was under way, and nobody runs it any more; %d of its processes were ended.",
                    build_id,
                    ended,
                    extra={"action": "build_lost", "build_id": build_id},
                )

    async def _tidy_up(self) -> None:
        """At start: end and remove what builds left that have ended, of those too that were cancelled at the last moment."""
        for workspace in await off_loop(self._service.left):
            await processes.end(f"{workspace.folder.name}/", grace_seconds=0)
            await off_loop(workspace.clear)
            await off_loop(endings.remove, workspace.folder)

    async def settled(self) -> None:
        """Wait until no build runs."""
        while self._running:
            await asyncio.wait(self._running.values())

    async def close(self) -> None:
        """End every build that runs, with its processes."""
        await self._background.close()

    def _forget(self, build_id: str, _task: "asyncio.Task[None]") -> None:
        self._running.pop(build_id, None)

    async def _stop_ended(self) -> None:
        for build_id, task in list(self._running.items()):
            build = await off_loop(self._service.get, build_id)
            if build.is_final and build.state == "CANCELLED":
                task.cancel()
