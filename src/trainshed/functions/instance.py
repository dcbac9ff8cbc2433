"""One supervised process of a function: started in its own session, called over a kept connection, watched, ended."""

import asyncio
import json
import os
import socket
import time
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from trainshed.clock import Clock
from trainshed.duty import off_loop
from trainshed.functions import ceiling, tree
from trainshed.functions.contract import StartFailed
from trainshed.functions.envelope import Request
from trainshed.functions.guard import MOST_PROCESSES, Guard
from trainshed.functions.logs import Log, entry
from trainshed.functions.model import Ended, Version
from trainshed.functions.output import Pipe
from trainshed.functions.traces import LastException
from trainshed.functions.wire import Answer, exchange

_LAUNCHER = Path(__file__).with_name("launcher.py")
_LAST_WORDS_SECONDS = 0.5
_LOG_BYTES = 1 << 20  # of one execution
_TAIL_LINES = 20
_SERVER_ERROR = 400


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where and as whom an instance runs."""

    source: Path
    home: Path
    environment: Mapping[str, str]
    log: Log
    cookie: str
    start_seconds: float = 240.0


class Instance:
    """The real thing; see `contract.Instance`."""

    def __init__(self, version: Version, instance_id: str, principal: str, place: Place, clock: Clock) -> None:
        self.id = instance_id
        self.principal = principal
        self._version = version
        self._place = place
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._pipes: list[Pipe] = []
        self._execution = ""
        self._logged = 0
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)
        self._raised = LastException()
        self._guard = Guard(version.configuration.memory_bytes)
        self._ceiling = ceiling.Ceiling()
        self._broken = ""  # the transition of whoever ended the process

    @property
    def alive(self) -> bool:
        """Whether the process runs and was not ended by us."""
        return self._process is not None and self._process.returncode is None and not self._broken

    @property
    def pid(self) -> int:
        """The process, which is also its session and group."""
        assert self._process is not None
        return self._process.pid

    async def start(self) -> None:
        """Launch, wait until the user's code is imported. Raises StartFailed."""
        try:
            async with asyncio.timeout(self._place.start_seconds):
                ready = await self._watched(self._launch())
        except TimeoutError:
            await self._end("fail_start")
            raise StartFailed(
                f"it was not ready after {self._place.start_seconds:g} s: something at the top level of main.py "
                f"does not end.{self._last_lines()}"
            ) from None
        except BaseException:
            await self._end("fail_start")
            raise
        if self._broken or not ready:
            reason, lines = await self._broken_reason(), self._last_lines()
            why = "" if self._broken else self._raised.text()
            await self._end("exit")
            raise StartFailed((f"main.py does not import: {why}{_hint(why)}" if why else reason) + lines)

    async def call(self, request: Request, *, execution_id: str) -> Ended:
        """Run the function once, within its limits."""
        self._execution, self._logged = execution_id, 0
        self._tail.clear()
        self._raised = LastException()
        self._note("DEBUG", "Function execution started")
        tree.forget_peak(self.pid)
        self._guard.peak = 0
        began = time.monotonic()
        ended = await self._exchange(request)
        for pipe in self._pipes:
            pipe.drain()
        seconds = time.monotonic() - began
        memory = max(self._guard.peak, tree.peak(self.pid) if self.alive else 0)
        if not self.alive:
            await self._end(ended.transition)
        status = "ok" if ended.ok else ended.transition.replace("_", " ")
        self._note("DEBUG", f"Function execution took {1000 * seconds:.0f} ms, finished with status: {status}")
        return Ended(
            transition=ended.transition,
            error=ended.error,
            duration_seconds=seconds,
            memory_bytes=memory,
            answer=ended.answer,
            status=ended.status,
            headers=ended.headers,
        )

    async def stop(self) -> None:
        """End the whole process tree."""
        await self._end("interrupt")

    # -- starting

    async def _launch(self) -> bool:
        listen, connection = _socket_pair()
        ready_read, ready_write = os.pipe()
        pipes = {"stdout": Pipe(self._sink("INFO")), "stderr": Pipe(self._sink("ERROR"))}
        self._pipes = list(pipes.values())
        try:
            self._process = await self._spawn(listen, ready_write, pipes)
        finally:
            listen.close()
            os.close(ready_write)
            for pipe in self._pipes:
                pipe.started()
        try:
            self._streams = await asyncio.open_unix_connection(sock=connection)
            return bool(await _line(ready_read))
        finally:
            os.close(ready_read)

    async def _spawn(self, listen: socket.socket, ready: int, pipes: Mapping[str, Pipe]) -> asyncio.subprocess.Process:
        self._ceiling = await off_loop(ceiling.make, self._place.cookie)
        options = {
            "target": self._version.configuration.entry_point,
            "source": str(self._place.source / "main.py"),
            "signature": self._version.signature,
            "listen": listen.fileno(),
            "ready": ready,
            "parent": os.getpid(),
            "group": str(self._ceiling.group or ""),
            "user_tasks": self._ceiling.user_tasks,
        }
        self._place.home.mkdir(parents=True, exist_ok=True)
        try:
            return await asyncio.create_subprocess_exec(
                str(self._version.python),
                "-u",
                str(_LAUNCHER),
                json.dumps(options),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=pipes["stdout"].child,
                stderr=pipes["stderr"].child,
                cwd=self._place.source,
                env={**self._place.environment, tree.COOKIE: self._place.cookie},
                pass_fds=(listen.fileno(), ready),
                start_new_session=True,
            )
        except OSError as error:
            raise StartFailed(f"its interpreter does not start: {error}") from error

    # -- calling

    async def _exchange(self, request: Request) -> Ended:
        limit = self._version.configuration.timeout_seconds
        try:
            async with asyncio.timeout(limit):
                answer = await self._watched(self._talk(request))
        except TimeoutError:
            self._broken = "time_out"
            return Ended(transition="time_out", error=f"it did not return within {limit:g} s; --timeout sets the limit")
        except asyncio.CancelledError:
            self._broken = "interrupt"  # half an answer may be on the connection
            raise
        if not self._broken and self._ceiling.was_reached():
            self._broken = "exhaust_processes"
        if self._broken or answer is None:
            self._broken = self._broken or "exit"
            return Ended(transition=self._broken, error=await self._broken_reason())
        if answer.status >= _SERVER_ERROR and (answer.status >= 500 or self._version.signature != "http"):  # noqa: PLR2004
            for pipe in self._pipes:
                pipe.drain()
            return _ended("crash", self._raised.text() or f"it answered {answer.status}", answer)
        return _ended("return", "", answer)

    async def _talk(self, request: Request) -> Answer | None:
        assert self._streams is not None
        headers = {**request.headers, "Function-Execution-Id": self._execution}
        try:
            return await exchange(*self._streams, request._replace(headers=headers))
        except (EOFError, OSError, ValueError):  # EOFError: asyncio.IncompleteReadError as well
            return None

    def _running_pid(self) -> int | None:
        """Answer the process while it runs: 0 before it was started, None once it has ended."""
        if self._process is None:
            return 0
        return self._process.pid if self._process.returncode is None else None

    async def _watched(self, work: Any) -> Any:
        """Do `work` until it is done, the process ends or a limit is reached; None unless it was done."""
        working = asyncio.ensure_future(work)
        watching = asyncio.ensure_future(self._guard.watch(self._running_pid))
        try:
            await asyncio.wait({working, watching}, return_when=asyncio.FIRST_COMPLETED)
            if watching.done() and watching.exception() is None:  # a look that failed is no limit that was reached
                self._broken = self._broken or watching.result()
            if not self._broken:  # what it said before it ended counts
                await asyncio.wait({working}, timeout=_LAST_WORDS_SECONDS)
            return working.result() if working.done() else None
        finally:
            for task in (working, watching):
                task.cancel()
            await asyncio.gather(working, watching, return_exceptions=True)

    # -- ending

    async def _end(self, transition: str) -> None:
        self._broken = self._broken or transition
        if self._process is not None:
            pid = self._process.pid
            await off_loop(tree.kill, pid, self._place.cookie)
            await self._process.wait()
        await off_loop(self._ceiling.remove)
        if self._streams is not None:
            self._streams[1].close()
            with suppress(OSError):
                await self._streams[1].wait_closed()
            self._streams = None
        for pipe in self._pipes:
            pipe.close()
        self._pipes = []

    async def _broken_reason(self) -> str:
        configuration = self._version.configuration
        match self._broken:
            case "exhaust_memory":
                return f"it used more than {configuration.memory_bytes >> 20} MiB; --memory sets the limit"
            case "exhaust_processes":
                return f"it started more than {MOST_PROCESSES} processes, or {ceiling.MOST_TASKS} threads"
            case _:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_SECONDS):
                        await self._process.wait()  # type: ignore[union-attr]
                return f"its process ended with code {self._process.returncode} before it returned"  # type: ignore[union-attr]

    def _last_lines(self) -> str:
        for pipe in self._pipes:
            pipe.drain()
        return "\n" + "\n".join(self._tail) if self._tail else ""

    # -- logs

    def _sink(self, severity: str) -> Callable[[list[str], int], None]:
        def sink(lines: list[str], size: int) -> None:
            before, self._logged = self._logged, self._logged + size
            for line in lines:
                self._raised.see(line)
            if before > _LOG_BYTES:
                return
            self._tail.extend(line for line in lines[-_TAIL_LINES:] if line.strip())
            self._write([(severity, line) for line in lines if line.strip()])
            if self._logged > _LOG_BYTES:
                self._note("WARNING", f"The rest of the output is dropped: more than {_LOG_BYTES >> 20} MiB.")

        return sink

    def _note(self, severity: str, text: str) -> None:
        self._write([(severity, text)])

    def _write(self, lines: list[tuple[str, str]]) -> None:
        now = self._clock.now()
        number = self._version.number
        made = [entry(now, s, t, execution_id=self._execution, version=number) for s, t in lines]
        with suppress(OSError):  # a full disk must not fail the call
            self._place.log.write([e for e in made if e["text"]])


def _hint(exception: str) -> str:
    return "; name what provides it in requirements.txt" if exception.startswith("ModuleNotFoundError") else ""


def _ended(transition: str, error: str, answer: Answer) -> Ended:
    return Ended(transition=transition, error=error, answer=answer.body, status=answer.status, headers=answer.headers)


def _socket_pair() -> tuple[socket.socket, socket.socket]:
    """Make a listening socket without a path, and the one connection to it that there will ever be."""
    listen = socket.socket(socket.AF_UNIX)
    listen.bind("")
    listen.listen(1)
    connection = socket.socket(socket.AF_UNIX)
    connection.connect(listen.getsockname())
    connection.setblocking(False)
    return listen, connection


async def _line(descriptor: int) -> bytes:
    """Wait for a line, or the end of it all."""
    loop = asyncio.get_running_loop()
    readable: asyncio.Future[None] = loop.create_future()
    loop.add_reader(descriptor, _set, readable)
    try:
        await readable
        return os.read(descriptor, 64)
    finally:
        loop.remove_reader(descriptor)


def _set(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
