"""A deployment under way: what it said so far, and how it ended. Followed by whoever asked for it."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from trainshed.errors import TrainshedError
from trainshed.functions.model import Function


@dataclass(kw_only=True)
class Stage:
    """One of Google's names for a part of a deployment, and how far it is."""

    name: str  # BUILD, SERVICE or TRIGGER
    state: str = "NOT_STARTED"
    message: str = ""
    warnings: tuple[str, ...] = ()


class Deployment:
    """Lines of progress and one end. Written on the event loop or from a thread of it, read on the event loop."""

    def __init__(self, operation: str, name: str) -> None:
        self.operation = operation
        self.name = name
        self.lines: list[str] = []
        self.stages: list[Stage] = []
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

    def plan(self, *, has_trigger: bool, warnings: Sequence[str]) -> None:
        """Say which stages there will be, and what is to be said of the first."""
        names = ("BUILD", "SERVICE", "TRIGGER") if has_trigger else ("BUILD", "SERVICE")
        self.stages = [Stage(name=name) for name in names]
        self.stages[0].warnings = tuple(warnings)

    def enter(self, name: str, message: str) -> None:
        """Begin a stage; those before it are complete."""
        for stage in self.stages:
            if stage.name == name:
                stage.state, stage.message = "IN_PROGRESS", message
                break
            stage.state, stage.message = "COMPLETE", ""
        self.say(message)

    def end(self, *, function: Function | None = None, error: TrainshedError | None = None) -> None:
        """End it."""
        self.function, self.error = function, error
        for stage in self.stages if function is not None else ():
            stage.state, stage.message = "COMPLETE", ""
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
