"""A server that can be told where to die, and the processes of its home."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

from campaign import points
from trainshed.testing import Server

_HERE = Path(__file__).parent


class Mortal(Server):
    """A real server process through the entry point that understands named points."""

    def start(self, kill: str = "", *, dies_after: float | None = None) -> "Mortal":
        """Start it; `is_ready` tells whether it lived long enough to answer. It may be killed while it starts."""
        self.is_ready = False
        armed = {points.VARIABLE: kill} if kill else {}
        self._process = subprocess.Popen(
            [sys.executable, str(_HERE / "serve.py"), "up", "--port", "0"],
            env=self.environment | armed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        timer = threading.Timer(dies_after, self._process.kill) if dies_after is not None else None
        if timer is not None:
            timer.start()
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if " is ready on " in line:
            self.address = line.split(" is ready on ")[1].split()[0]
            self.is_ready, self.ready_time = True, time.time()
        else:
            rest = self._process.communicate(timeout=90)[0]
            assert self._process.returncode == -signal.SIGKILL, f"the server did not start: {line}{rest}"
        if timer is not None:
            timer.join()
            self._process.wait(30)
        return self

    @property
    def is_alive(self) -> bool:
        """Whether the process is there."""
        return self._process is not None and self._process.poll() is None

    def ended_itself(self) -> None:
        """Take note that it was killed by its own hand. Raises AssertionError when it ended in any other way."""
        if not self.is_ready:  # `start` saw it
            return
        assert self._process is not None
        said = self._process.communicate(timeout=90)[0]
        assert self._process.returncode == -signal.SIGKILL, f"the server ended ({self._process.returncode}): {said}"


def processes(home: Path) -> list[int]:
    """Answer the processes that have to do with a home directory."""
    found, needle = [], str(home).encode()
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if needle in words:
                found.append(int(entry.name))
    return found


def fork_servers(home: Path) -> list[int]:
    """Answer the fork servers of a home directory, without their children."""
    found = [p for p in processes(home) if b"workers/child/start.py" in _read(p, "cmdline")]
    return [p for p in found if _parent(p) not in found]


def tell(home: Path) -> str:
    """Say which processes have to do with a home directory."""
    return "\n".join(f"{p}: {_read(p, 'cmdline').replace(bytes(1), b' ').decode()[:200]}" for p in processes(home))


def _read(pid: int, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def _parent(pid: int) -> int:
    fields = _read(pid, "stat").rpartition(b")")[2].split()
    return int(fields[1]) if len(fields) > 1 else 0
