"""One fork server as the pool sees it: how it is started, and the connection to it."""

import asyncio
import json
import logging
import os
import signal
import subprocess
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from trainshed.workers import child
from trainshed.workers.wire import VERSION, Ended, Held, Order, encode

log = logging.getLogger(__name__)
START = Path(child.__file__).parent / "start.py"
_UNSET = ("PYTHONDONTWRITEBYTECODE", "PYTHONHOME", "PYTHONPATH", "PYTHONSTARTUP", "__PYVENV_LAUNCHER__")
_HELLO_SECONDS = 5.0
_BEATS = 3  # pings within the time that a fork server may be silent
Key = tuple[str, int]


class WorkerFailed(Exception):
    """The worker of an environment does not start, or refuses an attempt; the message says why."""


class Left(WorkerFailed):
    """The fork server ended before it took the order, idle or because somebody ended it; ask another one."""


def launch(
    python: Path, options: Mapping[str, Any], log_file: Path, importing: Callable[[int], None] = lambda _: None
) -> int:
    """Start a fork server with an environment's interpreter; answer its pid once it listens. Blocks.

    `importing` hears the pid of one that imports much before it listens. It detaches, so it is nobody's child. Raises WorkerFailed with the last line it said, Left when it ended without a word.
    """
    log_file.parent.mkdir(parents=True, exist_ok=True)
    said_before = log_file.stat().st_size if log_file.exists() else 0
    with log_file.open("ab") as log:
        done = subprocess.Popen(
            [str(python), str(START), json.dumps(options)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            cwd="/",
            env=environ(python),
            start_new_session=True,
        )
    assert done.stdout is not None
    with done:
        line = done.stdout.readline()
        if line and (pid := json.loads(line).get("importing")):
            importing(pid)
            line = done.stdout.readline()
    if not line and log_file.stat().st_size == said_before:
        raise Left(f"the worker of {python} was ended while it started")
    answer = json.loads(line) if line else {"error": _last_line(log_file)}
    if "error" in answer:
        raise WorkerFailed(f"the worker of {python} does not start: {answer['error']}")
    return int(answer["pid"])


def environ(python: Path) -> dict[str, str]:
    """Make the variables of a fork server: ours, with its own environment first on the path."""
    ours = {k: v for k, v in os.environ.items() if k not in _UNSET}
    folder = python.parent
    path = f"{folder}{os.pathsep}{ours.get('PATH', os.defpath)}"
    return ours | {"PATH": path, "VIRTUAL_ENV": str(folder.parent), "_KFP_RUNTIME": "true"}


class _Lines(asyncio.Protocol):
    """Hands over each line as it comes; those that come before anybody listens are kept."""

    def __init__(self) -> None:
        self.lost: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._first: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._take: Callable[[bytes], None] | None = None
        self._kept: list[bytes] = []
        self._rest: list[bytes] = []  # of a line that is not whole yet

    async def first(self) -> bytes:
        """Wait for the first line; nothing when there is none."""
        either: set[asyncio.Future[Any]] = {self.lost, self._first}
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
        return self._first.result() if self._first.done() else b""

    def listen(self, take: Callable[[bytes], None]) -> None:
        """Hand over every line after the first from now on, and those that were kept."""
        self._take = take
        kept, self._kept = self._kept, []
        for line in kept:
            take(line)

    def data_received(self, data: bytes) -> None:
        """Cut what came into lines."""
        *lines, rest = data.split(b"\n")
        if lines:
            lines[0] = b"".join((*self._rest, lines[0]))
            self._rest = []
        self._rest.append(rest)
        for line in lines:
            if not self._first.done():
                self._first.set_result(line)
            elif self._take is None:
                self._kept.append(line)
            else:
                self._take(line)

    def connection_lost(self, _: Exception | None) -> None:
        """Tell whoever waits."""
        if not self.lost.done():
            self.lost.set_result(None)


class Link:
    """The connection to one fork server."""

    def __init__(
        self, digest: str, lines: _Lines, transport: asyncio.Transport, ended: Callable[[Ended], None]
    ) -> None:
        self.digest = digest
        self.pid = 0
        self.attempts: dict[Key, Held] = {}  # under way
        self.is_open = True
        self.path = Path()
        self.ahead: frozenset[str] = frozenset()  # frameworks that it imported
        self.learned: Callable[[Link, Path], None] = lambda _link, _python: None
        self._lines = lines
        self._transport = transport
        self._ended = ended
        self._pending: dict[Key, asyncio.Future[None]] = {}
        self._orders: dict[Key, Order] = {}  # of these
        self._heard = asyncio.Event()

    @classmethod
    async def connect(cls, path: Path, ended: Callable[[Ended], None]) -> "Link | None":
        """Connect to the fork server at a socket; None when nobody of our version is there."""
        try:
            transport, lines = await asyncio.get_running_loop().create_unix_connection(_Lines, str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return None
        link = cls(path.name.partition(".")[0], lines, transport, ended)
        hello: dict[str, Any] = {}
        with suppress(TimeoutError):  # it is stopped
            async with asyncio.timeout(_HELLO_SECONDS):
                line = await lines.first()
            hello = json.loads(line) if line else {}
        if hello.get("version") != VERSION:
            transport.close()
            return None
        link.pid, link.path = hello["pid"], path
        link.ahead = frozenset(hello.get("ahead", ()))
        held = [Held(**values) for values in hello["attempts"]]
        link.attempts = {each.key: each for each in held}
        return link

    async def listen(self) -> None:
        """Take events until the fork server is gone; what is under way then is `attempts`."""
        self._lines.listen(self._hear)
        await self._lines.lost
        self.is_open = False
        for key, future in self._pending.items():
            if not future.done():
                self.attempts.setdefault(key, Held.of(self._orders[key], 0))  # it may have run: that will be reported
                future.set_result(None)
        self._transport.close()

    async def watch(self, silence_seconds: float) -> None:
        """Kill the fork server when it is silent for too long: stopped or stuck, it cannot be told from gone."""
        while self.is_open:
            self._heard.clear()
            for _ in range(_BEATS):
                self.send({"do": "ping"})
                with suppress(TimeoutError):
                    async with asyncio.timeout(silence_seconds / _BEATS):
                        await self._heard.wait()
                if self._heard.is_set():
                    break
            else:
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)
                return
            await asyncio.sleep(silence_seconds / _BEATS)

    async def start(self, order: Order) -> None:
        """Hand in an order; return once it is under way. Raises WorkerFailed, Left."""
        future = self._pending[order.key] = asyncio.get_running_loop().create_future()
        self._orders[order.key] = order
        self.send(order.message())
        try:
            await future
        finally:
            self._pending.pop(order.key, None)
            self._orders.pop(order.key, None)

    def send(self, message: Mapping[str, Any]) -> None:
        """Say something; lost when the fork server is gone, which `listen` will notice."""
        if self.is_open:
            self._transport.write(encode(message))

    def close(self) -> None:
        """Let go of the connection; the fork server goes on for its lease."""
        self.is_open = False
        self._transport.close()

    def has(self, key: Key) -> bool:
        """Whether an attempt is here, or about to be."""
        return key in self.attempts or key in self._pending

    def under_way(self) -> set[Key]:
        """Every attempt that is here, or about to be."""
        return {*self.attempts, *self._pending}

    def _hear(self, line: bytes) -> None:
        self._heard.set()
        try:
            self._take(json.loads(line))
        except Exception:
            log.exception("What worker %d said could not be used.", self.pid, extra={"action": "duty_failed"})

    def _take(self, event: dict[str, Any]) -> None:
        match event["event"]:
            case "started":
                key = (event["task_id"], event["attempt"])
                if (order := self._orders.get(key)) is not None:
                    self.attempts[key] = Held.of(order, event["pid"])
                self._settle(event, None)
            case "refused":
                self._settle(event, WorkerFailed(event["reason"]))
            case "ended":
                ended = Ended.read(event)
                self.attempts.pop(ended.key, None)
                self._ended(ended)
            case "learned":
                self.learned(self, Path(event["python"]))
            case "bye":
                self.is_open = False
                for key in list(self._pending):
                    self._settle({"task_id": key[0], "attempt": key[1]}, Left())
                self._transport.close()

    def _settle(self, event: Mapping[str, Any], error: Exception | None) -> None:
        future = self._pending.get((event["task_id"], event["attempt"]))
        if future is None or future.done():
            return
        if error is None:
            future.set_result(None)
        else:
            future.set_exception(error)


def _last_line(log_file: Path) -> str:
    text = log_file.read_text("utf-8", errors="replace")[-4000:].strip()
    return text.splitlines()[-1] if text else "it said nothing"
