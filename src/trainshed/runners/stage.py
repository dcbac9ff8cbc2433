"""Where the conformance suite plays: a runner, a server's life around it, and the user code that attempts run."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

from trainshed.duty import off_loop
from trainshed.runners.contract import Command, Launch, Limits, PythonComponent, Report, Runner

MEMORY_LIMIT = 200 << 20
_LOOK_SECONDS = 0.01
SOURCE = '''
import os, signal, subprocess, sys


def _gate():
    with open("running", "w"):
        pass
    with open("release"):
        pass


def succeed(text: str) -> str:
    print("working on", text)
    return text.upper()


def fail(text: str) -> str:
    print("before the end")
    raise ValueError(f"no {text} today")


def leave(text: str) -> str:
    sys.exit(0)


def leave_with_code(text: str) -> str:
    sys.exit(7)


def vanish(text: str) -> str:
    os.kill(os.getpid(), signal.SIGKILL)


def grow(text: str) -> str:
    held = bytearray(600 << 20)
    held[:] = b"x" * len(held)
    signal.pause()


def sit(text: str) -> str:
    signal.pause()


def tidy(text: str) -> str:
    """Cleans up when it is asked to end, and ends well."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(print("tidied up", flush=True)))
    signal.pause()


def held(text: str) -> str:
    print("holding", text)
    _gate()
    return text.upper()


def stubborn(text: str) -> str:
    """Ignores being asked to end, and so do its children, one of them in a session of its own."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    waiting = [sys.executable, "-c", "import signal; signal.pause()"]
    ours = subprocess.Popen(waiting)
    escaped = subprocess.Popen(waiting, start_new_session=True)
    with open("pids", "w") as file:
        file.write(f"{os.getpid()} {ours.pid} {escaped.pid}")
    _gate()
    signal.pause()


def abandon(text: str) -> str:
    """Ends well, and leaves a daemon behind."""
    waiting = [sys.executable, "-c", "import signal; signal.pause()"]
    daemon = subprocess.Popen(waiting, start_new_session=True)
    with open("pids", "w") as file:
        file.write(str(daemon.pid))
    return text
'''


class Gates(Protocol):
    """How a case knows that held work runs, and lets it go."""

    async def running(self, launch: Launch) -> None:
        """Return once the work has reached its gate."""
        ...

    async def release(self, launch: Launch) -> None:
        """Let the work go on."""
        ...


class Fifos:
    """Gates of runners that run real processes on this machine: two named pipes in the attempt's folder."""

    async def running(self, launch: Launch) -> None:
        """Return once the work has opened its first pipe."""
        await off_loop(_touch, launch.folder / "running", os.O_RDONLY)

    async def release(self, launch: Launch) -> None:
        """Open the second pipe, which the work waits for."""
        await off_loop(_touch, launch.folder / "release", os.O_WRONLY)


@dataclass
class Stage:
    """One runner under test, and a server's life around it."""

    folder: Path
    environment: str
    make: Callable[[], Runner]
    gates: Gates
    timeout_seconds: float = 90.0
    takes_over: bool = True  # whether the server stores what it hears
    soon_seconds: float = 0.2  # a limit on time that is over soon, and not before the work has begun
    dress: Callable[[Launch], Launch] = field(default=lambda launch: launch)  # as the runner under test takes it
    living: Callable[[Path], list[int]] = field(default_factory=lambda: living)  # processes of an attempt
    reports: list[Report] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)

    async def __aenter__(self) -> Self:
        """Open the first runner."""
        await self.reopen()
        return self

    async def __aexit__(self, *_: object) -> None:
        """End everything."""
        await self.runner.close(end_attempts=True)

    async def reopen(self) -> None:
        """Open a runner on the same ground, as a restarted server does; the old one was closed."""
        self.runner = self.make()
        await self.runner.open(self.take)

    def launch(self, task_id: str, work: str | Command, *, attempt: int = 1, limits: Limits | None = None) -> Launch:
        """Make an attempt of a function of SOURCE, or of a command, with a folder and gates of its own."""
        folder = self.folder / task_id / str(attempt)
        folder.mkdir(parents=True)
        for gate in ("running", "release"):
            os.mkfifo(folder / gate)
        output = folder / "output.json"
        executor_input = {
            "inputs": {"parameterValues": {"text": task_id}},
            "outputs": {"outputFile": str(output), "parameters": {"Output": {"outputFile": str(folder / "Output")}}},
        }
        launch = Launch(
            task_id=task_id,
            attempt=attempt,
            work=PythonComponent(function=work, source=SOURCE) if isinstance(work, str) else work,
            executor_input=json.dumps(executor_input),
            environment=self.environment,
            folder=folder,
            mount=folder / "mount",
            output_file=output,
            log_file=folder / "log",
            limits=limits or Limits(),
        )
        return self.dress(launch)

    async def begin(self, launch: Launch) -> None:
        """Start an attempt and return once its work is under way."""
        await self.runner.start(launch)
        await self.gates.running(launch)

    async def run(self, task_id: str, work: str | Command, **given: Any) -> Report:
        """Start an attempt and wait for its report."""
        await self.runner.start(self.launch(task_id, work, **given))
        return await self.report(task_id)

    async def report(self, task_id: str) -> Report:
        """Wait for the report of a task's attempt; there may be only one."""
        async with asyncio.timeout(self.timeout_seconds):
            while not (found := [report for report in self.reports if report.task_id == task_id]):
                self.arrived.clear()
                await self.arrived.wait()
        assert len(found) == 1, f"reported more than once: {found}"
        return found[0]

    async def said(self, launch: Launch, text: str) -> None:
        """Return once an attempt's log has a text; what carries it there may take a moment."""
        async with asyncio.timeout(self.timeout_seconds):
            while not launch.log_file.exists() or text not in launch.log_file.read_text():  # noqa: ASYNC110  (a file)
                await asyncio.sleep(_LOOK_SECONDS)

    def take(self, report: Report) -> Awaitable[object] | None:
        """Hear a report, and take it over unless the server is to die first."""
        self.reports.append(report)
        self.arrived.set()
        return None if self.takes_over else asyncio.get_running_loop().create_future()


def living(folder: Path) -> list[int]:
    """Answer which of the processes that an attempt noted in its folder still run."""
    with suppress(FileNotFoundError):
        return [pid for pid in map(int, (folder / "pids").read_text().split()) if is_alive(pid)]
    return []


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and not yet reaped does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def _touch(path: Path, flags: int) -> None:
    os.close(os.open(path, flags))
