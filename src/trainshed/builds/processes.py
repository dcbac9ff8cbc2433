"""A step's processes: started in a session of their own, found again wherever they went, ended together.

Every process of a step carries a mark in its environment, which its children inherit, daemons included. So the whole
tree can be found in /proc without a cgroup, also by the server that comes after a crashed one.
"""

import asyncio
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

MARK = "TRAINSHED_STEP"  # BUILD_ID/NUMBER
_PROC = Path("/proc")
_CHUNK = 65536
_LINGER_SECONDS = 0.3  # for output of processes that outlive the step's own
_LOOK_SECONDS = 0.02


class Child:
    """One step's process tree."""

    def __init__(self, process: asyncio.subprocess.Process, mark: str, reader: "asyncio.Task[None]") -> None:
        self._process = process
        self._mark = mark
        self._reader = reader

    @classmethod
    async def start(
        cls, argv: Sequence[str], *, cwd: Path, env: Mapping[str, str], mark: str, out: Callable[[bytes], None]
    ) -> "Child":
        """Start the program. Raises OSError when it cannot be started."""
        # A pipe of our own: asyncio's `wait` would wait for everybody who holds its pipe, daemons included.
        reading, writing = os.pipe()
        try:
            process = await asyncio.create_subprocess_exec(
                *argv,
                cwd=cwd,
                env={**env, MARK: mark},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        return cls(process, mark, asyncio.create_task(_read(reading, out), name=f"output of {mark}"))

    async def wait(self) -> int:
        """Wait for the program, then end what it left behind; answer its exit code, 128 + n for a signal."""
        code = await self._process.wait()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        done, _ = await asyncio.wait({self._reader}, timeout=_LINGER_SECONDS)
        if not done:  # a daemon of another session holds the pipe; in a container it would end here
            await end(self._mark, grace_seconds=0)
            await asyncio.wait({self._reader}, timeout=_LINGER_SECONDS)
            await self._let_go()
        return code if code >= 0 else 128 - code

    async def end(self, *, grace_seconds: float) -> None:
        """Ask the tree to end, then end it."""
        await end(self._mark, grace_seconds=grace_seconds, session=self._process.pid)
        await self._process.wait()
        await self._let_go()

    async def _let_go(self) -> None:
        self._reader.cancel()
        await asyncio.wait({self._reader})


async def _read(descriptor: int, out: Callable[[bytes], None]) -> None:
    stream = asyncio.StreamReader()
    transport, _ = await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(descriptor, "rb", buffering=0)
    )
    try:
        while chunk := await stream.read(_CHUNK):
            out(chunk)
    finally:
        transport.close()


async def end(mark: str, *, grace_seconds: float, session: int = 0) -> int:
    """End every process whose mark starts so: SIGTERM, then SIGKILL until none is left; answer how many there were."""
    found = await asyncio.to_thread(find, mark, session)
    ended = set(found)
    _send(found, signal.SIGTERM if grace_seconds > 0 else signal.SIGKILL)
    deadline = asyncio.get_running_loop().time() + grace_seconds
    while found := await asyncio.to_thread(find, mark, session):
        ended |= found
        if asyncio.get_running_loop().time() >= deadline:
            _send(found, signal.SIGKILL)
        await asyncio.sleep(_LOOK_SECONDS)
    return len(ended)


def find(mark: str, session: int = 0) -> set[int]:
    """Answer the processes with this mark, of this session, and everything below them. Never ourselves."""
    needle = f"{MARK}={mark}".encode()
    parents: dict[int, int] = {}
    found: set[int] = set()
    for entry in _PROC.iterdir() if _PROC.is_dir() else ():
        if not entry.name.isdigit():
            continue
        pid = int(entry.name)
        try:
            fields = (entry / "stat").read_bytes().rpartition(b")")[2].split()
            if fields[0] in {b"Z", b"X"}:
                continue
            parents[pid] = int(fields[1])
            if (session and int(fields[3]) == session) or _is_marked(entry, needle):
                found.add(pid)
        except (OSError, IndexError):
            continue
    while below := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= below
    return found - {os.getpid()}


def _is_marked(entry: Path, needle: bytes) -> bool:
    try:
        return any(variable.startswith(needle) for variable in (entry / "environ").read_bytes().split(b"\0"))
    except OSError:
        return False


def _send(pids: set[int], number: signal.Signals) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)
