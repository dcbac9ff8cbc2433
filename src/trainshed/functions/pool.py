"""The instances of one version: given out one event at a time, up to a number, started with patience, ended when idle."""

import asyncio
import logging
from collections import deque
from datetime import datetime, timedelta

from trainshed import names
from trainshed.clock import Clock
from trainshed.functions.contract import Instance, Launch, StartFailed
from trainshed.functions.model import Version

log = logging.getLogger(__name__)
_FIRST_WAIT_SECONDS, _LONGEST_WAIT_SECONDS = 0.2, 10.0


class Retired(Exception):
    """A newer version serves now; ask its pool."""


class Pool:
    """Instances of one version. All methods are called on the event loop."""

    def __init__(self, version: Version, launch: Launch, clock: Clock) -> None:
        self.version = version
        self._launch = launch
        self._clock = clock
        self._idle: list[tuple[Instance, datetime]] = []  # the last one used is the warmest: taken first
        self._all: set[Instance] = set()
        self._starting = 0
        self._waiting: deque[asyncio.Future[Instance | None]] = deque()
        self._failures = 0
        self._retired = False
        self._ends: set[asyncio.Task[None]] = set()

    @property
    def size(self) -> int:
        """How many instances there are."""
        return len(self._all)

    async def acquire(self) -> Instance:
        """Answer an instance that is ours until `release`. Raises StartFailed or Retired."""
        while not self._retired:
            while self._idle:
                instance, _ = self._idle.pop()
                if instance.alive:
                    return instance
                self._discard(instance)
            if len(self._all) + self._starting < self.version.configuration.most_instances:
                return await self._start()
            if (handed := await self._wait()) is not None:
                return handed
        raise Retired

    def release(self, instance: Instance) -> None:
        """Give an instance back; the longest waiting event gets it."""
        if self._retired or not instance.alive:
            if not self._retired:
                self._failures += 1
            self._discard(instance)
            return
        self._failures = 0
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(instance)
                return
        self._idle.append((instance, self._clock.now()))

    async def warm(self) -> None:
        """Have at least the minimum of instances."""
        while not self._retired and len(self._all) + self._starting < self.version.configuration.min_instances:
            self.release(await self._start())

    def cool(self, idle_seconds: float) -> None:
        """End instances that have been idle for long, down to the minimum."""
        oldest = self._clock.now() - timedelta(seconds=idle_seconds)
        spare = len(self._all) - self.version.configuration.min_instances
        for instance, since in list(self._idle):
            if not instance.alive or (spare > 0 and since <= oldest):
                self._idle.remove((instance, since))
                self._discard(instance)
                spare -= 1

    def retire(self) -> None:
        """End idle instances now, busy ones when they are done; whoever waits asks elsewhere."""
        self._retired = True
        for instance, _ in self._idle:
            self._discard(instance)
        self._idle.clear()
        self._wake_all()

    async def close(self) -> None:
        """End everything at once."""
        self.retire()
        for instance in list(self._all):
            self._discard(instance)
        await asyncio.gather(*self._ends)

    async def _start(self) -> Instance:
        instance = self._launch(self.version, f"{names.short_id(10)}")
        self._starting += 1
        try:
            if self._failures:
                wait = min(_FIRST_WAIT_SECONDS * 2.0 ** (self._failures - 1), _LONGEST_WAIT_SECONDS)
                await asyncio.sleep(wait)
            self._all.add(instance)
            await instance.start()
        except BaseException as error:
            self._failures += isinstance(error, StartFailed)
            self._discard(instance)
            raise
        finally:
            self._starting -= 1
        context = {"function": self.version.function, "version": self.version.number}
        log.debug("Instance %s is ready.", instance.id, extra={"action": "instance_started", **context})
        return instance

    async def _wait(self) -> Instance | None:
        waiter: asyncio.Future[Instance | None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and (instance := waiter.result()) is not None:
                self.release(instance)
            raise

    def _discard(self, instance: Instance) -> None:
        self._all.discard(instance)
        end = asyncio.ensure_future(instance.stop())
        self._ends.add(end)
        end.add_done_callback(self._ends.discard)
        while self._waiting:  # there is room for another instance now
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return

    def _wake_all(self) -> None:
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
