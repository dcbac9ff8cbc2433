"""One container seen to its end: its log, what it uses, its limits."""

import asyncio
import logging
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from trainshed.duty import off_loop
from trainshed.runners.containers import keeper
from trainshed.runners.containers.attempts import Attempt
from trainshed.runners.containers.engines import Engine, EngineFailed, State
from trainshed.runners.containers.following import copy_log, until_over

log = logging.getLogger(__name__)
_MEASURE_SECONDS = 0.5
_PAUSE_SECONDS = 1.0  # before an engine that failed is asked again
_DRAIN_SECONDS = 5.0  # that an ended container's log is waited for


class Watch:
    """Follows the container of one attempt. Cancelled, it lets go; the container goes on."""

    def __init__(self, engine: Engine, attempt: Attempt, *, lease_seconds: float, grace_seconds: float) -> None:
        self._engine = engine
        self._attempt = attempt
        self._lease_seconds = lease_seconds
        self._grace_seconds = grace_seconds

    async def run(self) -> State | None:
        """Wait for the end; answer the last state, None when nobody has heard of the container for the lease time."""
        attempt = self._attempt
        state = await self._look()
        if state is None:
            return None
        attempt.start_time = state.start_time or attempt.start_time
        copying = asyncio.create_task(self._copy_log(follow=True))
        measuring = asyncio.create_task(self._measure(state.pid))
        try:
            await self._until_ended()
            await asyncio.wait({copying}, timeout=_DRAIN_SECONDS)
        finally:
            for task in (copying, measuring):
                task.cancel()
            await asyncio.gather(copying, measuring, return_exceptions=True)
        with suppress(OSError):  # a full disk
            await self._copy_log(follow=False)
        return await self._look()

    async def _until_ended(self) -> None:
        """Wait for the end, and bring it about when somebody asks for it or the time is over."""
        engine, attempt = self._engine, self._attempt
        ended = asyncio.create_task(self._wait())
        stopped = asyncio.create_task(attempt.is_stopped.wait())
        try:
            limit = attempt.facts.timeout_seconds
            passed = (datetime.now(UTC) - attempt.start_time).total_seconds()
            left = None if limit is None else max(0.0, limit - passed)
            await asyncio.wait({ended, stopped}, timeout=left, return_when=asyncio.FIRST_COMPLETED)
            if not ended.done():
                cause = keeper.STOPPED if stopped.done() else keeper.TIMED_OUT
                grace = attempt.grace_seconds if stopped.done() else self._grace_seconds
                await off_loop(keeper.note, attempt.private, cause)
                await off_loop(engine.signal, attempt.name, "TERM")
                await asyncio.wait({ended}, timeout=grace)
            if not ended.done():
                await off_loop(engine.signal, attempt.name, "KILL")
            await ended
        finally:
            ended.cancel()
            stopped.cancel()
            await asyncio.gather(ended, stopped, return_exceptions=True)

    async def _wait(self) -> None:
        """Return once the container has ended, or nobody has heard of it for the lease time."""
        while True:
            with suppress(OSError):  # told by what is asked next
                await until_over(self._engine.wait(self._attempt.name))
            state = await self._look()
            if state is None or not state.is_running:
                return
            await asyncio.sleep(_PAUSE_SECONDS)  # the engine was restarted under us

    async def _look(self) -> State | None:
        """Answer the container's state; None when it is gone, or the engine has not answered for the lease time."""
        loop = asyncio.get_running_loop()
        until = loop.time() + self._lease_seconds
        while True:
            try:
                return await off_loop(self._engine.state, self._attempt.name)
            except EngineFailed as error:
                if loop.time() >= until:
                    log.warning(
                        "The container of task %s, attempt %d is out of reach: %s",
                        *self._attempt.facts.key,
                        error,
                        extra={"action": "worker_lost"},
                    )
                    return None
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _measure(self, pid: int) -> None:
        while pid:
            self._attempt.usage.look(pid)
            await asyncio.sleep(_MEASURE_SECONDS)

    async def _copy_log(self, *, follow: bool) -> None:
        facts = self._attempt.facts
        path = Path(facts.log_file)
        await copy_log(self._engine, self._attempt.name, path, offset=facts.log_offset, follow=follow)
