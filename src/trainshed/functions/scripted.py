"""An instance that does what a test tells it to. Public, and held to the same suite as the real one."""

import asyncio
from collections import deque

from trainshed.functions.contract import Instance, StartFailed
from trainshed.functions.envelope import Request
from trainshed.functions.model import Ended, Version

_FATAL = {"exit", "time_out", "exhaust_memory", "exhaust_processes", "interrupt"}


class ScriptedInstance:
    """Keeps `contract.Instance` and checks that its caller does."""

    def __init__(self, script: "Script", version: Version, instance_id: str) -> None:
        self.id = instance_id
        self.principal = f"fn-{instance_id}@test.iam.gserviceaccount.com"
        self.version = version
        self.calls: list[Request] = []
        self.imports = 0
        self._script = script
        self._alive = False
        self._busy = False

    @property
    def alive(self) -> bool:
        """Whether it was started and not ended."""
        return self._alive

    async def start(self) -> None:
        """Start, or fail as told."""
        assert self.imports == 0, "an instance is started once"
        self.imports += 1
        if self._script.start_failures:
            raise StartFailed(self._script.start_failures.popleft())
        self._alive = True

    async def call(self, request: Request, *, execution_id: str) -> Ended:
        """Do the next thing in the script; without one, return."""
        assert self._alive, "a dead instance is called"
        assert not self._busy, "an instance serves one event at a time"
        self._busy = True
        try:
            self.calls.append(request)
            self._script.calls.append((self, execution_id, request))
            self._script.called.set()
            await self._script.gate.wait()
            ended = self._script.endings.popleft() if self._script.endings else Ended(transition="return")
            self._alive = self._alive and ended.transition not in _FATAL
            return ended
        finally:
            self._busy = False

    async def stop(self) -> None:
        """End."""
        self._alive = False


class Script:
    """What the instances of one test do, in order, and what was asked of them."""

    def __init__(self, *endings: Ended) -> None:
        self.endings = deque(endings)
        self.start_failures: deque[str] = deque()
        self.instances: list[ScriptedInstance] = []
        self.calls: list[tuple[ScriptedInstance, str, Request]] = []
        self.called = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    def launch(self, version: Version, instance_id: str) -> Instance:
        """Make an instance; the port of a host."""
        instance = ScriptedInstance(self, version, instance_id)
        self.instances.append(instance)
        return instance
