"""The composition root: settings in, a running system out. The only place that picks implementations.

Features do not import each other; how they meet is written here: outbox kinds → service verbs, ports → services.

- `App`: builds, starts and stops everything.
- `collecting`: when a server looks for garbage.
- `committing`: notes of each run that has ended which commit its code was of.
- `debugging`: a task at the terminal of this process.
- `leaving`: what is left to end when everything is stopped.
- `ports`: adapters between features.
- `surface`: servicers and routes.
"""

import asyncio
import logging
from collections.abc import Callable

from trainshed import clock as clocks
from trainshed.api.reach import Reach
from trainshed.app import committing
from trainshed.app.debugging import Debugging
from trainshed.app.explaining import explaining
from trainshed.app.features import Features
from trainshed.app.leaving import end_children
from trainshed.app.surface import surface
from trainshed.clock import Clock
from trainshed.duty import Background, Duty, off_loop, run_all
from trainshed.errors import InvalidArgument
from trainshed.home import Home
from trainshed.settings import Settings
from trainshed.sql import Database
from trainshed.sql.migrations import open_store

log = logging.getLogger(__name__)


class App:
    """One server: store, features, surface. `start` and `stop` once each."""

    def __init__(self, settings: Settings, clock: Clock | None = None, debugging: Debugging | None = None) -> None:
        self.settings = settings
        self._debugging = debugging
        self.clock: Clock = clock or _clock(settings.clock)
        self.home = Home(settings.home)
        self._background = Background()
        self._undo: list[Callable[[], object]] = []  # what `stop` has to do, last one first

    async def start(self) -> str:
        """Take the home, open the store, start the surface and the duties; answer the address.

        Raises FailedPrecondition when the home or the port is taken.
        """
        try:
            await off_loop(self._own)
            address = await self._open()
        except BaseException:
            await self.stop()
            raise
        self.home.publish_address(address)
        log.info("The server answers on %s.", address, extra={"action": "server_ready"})
        return address

    async def stop(self) -> None:
        """Drain: no new requests, duties end, the store is closed, the home given back. Safe at any point of start."""
        log.info("The server drains and ends.", extra={"action": "server_stopping"})
        while self._undo:
            result = self._undo.pop()()
            if asyncio.iscoroutine(result):
                await result
        await off_loop(end_children)

    def _own(self) -> None:
        self.home.acquire()
        self._undo.append(self.home.release)
        open_store(self.settings.database)
        self.db = Database(self.settings.database)
        self._undo.append(lambda: off_loop(self.db.close))
        self.reach = Reach(self.settings)
        self.features = Features(self.settings, self.clock, self.db, self.reach, self._debugging)

    async def _open(self) -> str:
        await off_loop(self.features.recover)
        self.surface = surface(self.settings, self.clock, self.features, self.reach, is_held=self.home.is_held)
        self._undo.append(self.surface.stop)
        address = await self.surface.start()
        self._undo.append(self.features.stop)
        await self.features.start()
        self._undo.append(self._background.close)
        self._background.spawn(run_all(self._duties()), name="duties")
        return address

    def _duties(self) -> list[Duty]:
        duties = self.features.duties(self._background)
        tell = explaining(self.settings, self.features).origin
        duties.append(committing.duty(self.features.runs, tell, interval_seconds=self.settings.poll_seconds))
        return duties


def _clock(kind: str) -> Clock:
    if kind == "virtual":
        return clocks.VirtualClock(clocks.SystemClock().now())
    if kind == "system":
        return clocks.SystemClock()
    raise InvalidArgument.field("clock", f"{kind!r} is neither system nor virtual")
