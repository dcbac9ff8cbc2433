"""A deployment under way: what it said so far, and how it ended. Followed by whoever asked for it."""

import asyncio
from collections.abc import AsyncIterator

from trainshed.errors import TrainshedError
from trainshed.functions.model import Function


class Deployment:
    """Lines of progress and one end. Written on the event loop or from a thread of it, read on the event loop."""

    def __init__(self, operation: str, name: str) -> None:
        self.operation = operation
        self.name = name
        self.lines: list[str] = []
        self.function: Function | None = None
        self.error: TrainshedError | None = None
        self._loop = asyncio.get_running_loop()
        self._changed = asyncio.Event()

    @property
    def done(self) -> bool:
        """Whether it ended, well or not."""
        return self.function is not None or self.error is not None

    def say(self, line: str) -> None:
        """Tell of progress. Callable from every thread."""
        self._loop.call_soon_threadsafe(self._say, line)

    def end(self, *, function: Function | None = None, error: TrainshedError | None = None) -> None:
        """End it."""
        self.function, self.error = function, error
        self._loop.call_soon_threadsafe(self._changed.set)

    async def follow(self) -> AsyncIterator[str]:
        """Yield every line from the first, until the end."""
        told = 0
        while True:
            while told < len(self.lines):
                yield self.lines[told]
                told += 1
            if self.done:
                return
            self._changed.clear()
            await self._changed.wait()

    async def wait(self) -> Function:
        """Wait for the end. Raises its error."""
        async for _ in self.follow():
            pass
        if self.error is not None:
            raise self.error
        assert self.function is not None
        return self.function

    def _say(self, line: str) -> None:
        self.lines.append(line)
        self._changed.set()
