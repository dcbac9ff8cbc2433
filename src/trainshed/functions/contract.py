"""What a pool needs of an instance of a function. Kept by `instance.Instance` and by `scripted.ScriptedInstance`.

Call order: `start` once; then `call` any number of times, never two at once; `stop` at any time, also twice. After
an `Ended` that is not the user's own doing (or when `alive` is False) the instance is of no more use.
"""

from collections.abc import Callable
from typing import Protocol

from trainshed.functions.envelope import Request
from trainshed.functions.model import Ended, Version


class StartFailed(Exception):
    """An instance could not be started; the message holds the last lines that it printed."""


class Instance(Protocol):
    """One process that serves one event at a time."""

    id: str
    principal: str  # the service account whose credentials only this instance has

    @property
    def alive(self) -> bool:
        """Whether it can take a call."""
        ...

    async def start(self) -> None:
        """Import the user's code. Raises StartFailed."""
        ...

    async def call(self, request: Request, *, execution_id: str) -> Ended:
        """Run the function once, within its limits. Never raises for the user's fault."""
        ...

    async def stop(self) -> None:
        """End the whole process tree."""
        ...


Launch = Callable[[Version, str], Instance]  # version, instance id → an instance not yet started
