"""Seeing a run change without asking again and again: whoever waits is told after the commit."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from trainshed.duty import off_loop
from trainshed.runs import store
from trainshed.runs.lifecycle import RUN
from trainshed.runs.model import Run
from trainshed.sql import Database


@contextmanager
def changes(db: Database, *channels: str) -> Iterator[asyncio.Event]:
    """Yield an event that is set after each commit that notified one of the channels."""
    loop, changed = asyncio.get_running_loop(), asyncio.Event()

    def wake() -> None:
        with suppress(RuntimeError):  # the loop closed meanwhile
            loop.call_soon_threadsafe(changed.set)

    undo: list[Callable[[], None]] = [db.listen(channel, wake) for channel in channels]
    try:
        yield changed
    finally:
        for forget in undo:
            forget()


async def ended(db: Database, name: str, *, seconds: float) -> Run:
    """Answer a run once it has ended, or as it is after so many seconds. Raises NotFound."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    with changes(db, store.run_channel(name)) as changed:
        while True:
            changed.clear()
            run = await off_loop(db.read, lambda conn: store.get_run(conn, name))
            if RUN.is_final(run.state) or loop.time() >= until:
                return run
            await wait(changed, until - loop.time())


async def wait(changed: asyncio.Event, seconds: float) -> None:
    """Wait for the event, at most so long."""
    with suppress(TimeoutError):
        async with asyncio.timeout(max(0.0, seconds)):  # unlike `wait_for` it does not lose a cancel
            await changed.wait()
