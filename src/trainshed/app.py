"""The composition root: settings in, a running system out. The only place that picks implementations.

Features do not import each other; how they meet is written here: outbox kinds → service verbs, ports → services.
"""

import asyncio
import logging
from typing import Any

from trainshed import clock as clocks
from trainshed.clock import Clock
from trainshed.duty import Background, Duty, run_all
from trainshed.errors import InvalidArgument
from trainshed.home import Home
from trainshed.settings import Settings
from trainshed.sql import Database, Outbox
from trainshed.sql.migrations import upgrade

log = logging.getLogger(__name__)


class App:
    """One server: store, features, surface. `start` and `stop` once each."""

    def __init__(self, settings: Settings, clock: Clock | None = None) -> None:
        self.settings = settings
        self.clock: Clock = clock or _clock(settings.clock)
        self.home = Home(settings.home)
        self.background = Background()

    async def start(self) -> str:
        """Take the home, open the store, start the duties and the surface; answer the address."""
        self.home.acquire()
        try:
            self._build()
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
        await self.background.close()
        if database := getattr(self, "db", None):
            await asyncio.to_thread(database.close)
        self.home.release()

    def _build(self) -> None:
        upgrade(self.settings.database)
        self.db = Database(self.settings.database)
        self.outbox = Outbox(self.db, self.clock, self._handlers())

    def _handlers(self) -> dict[str, Any]:
        return {}

    def _duties(self) -> list[Duty]:
        return [self.outbox.duty(interval_seconds=self.settings.poll_seconds)]

    async def _open(self) -> str:
        self.background.spawn(run_all(self._duties()), name="duties")
        return ""


def _clock(kind: str) -> Clock:
    if kind == "virtual":
        return clocks.VirtualClock(clocks.SystemClock().now())
    if kind == "system":
        return clocks.SystemClock()
    raise InvalidArgument.field("clock", f"{kind!r} is neither system nor virtual")
