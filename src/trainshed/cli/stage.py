"""Where the demo plays: a server of its own, the commands typed against it, and what they print.

Whatever happens, Ctrl-C and a failing step included, `Stage` ends every process that it started.
"""

import contextlib
import os
import queue
import re
import shlex
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from types import FrameType
from typing import Any, Self, TypeVar

import click

from trainshed.client import Client
from trainshed.clock import monotonic
from trainshed.errors import FailedPrecondition
from trainshed.home import read_address

T = TypeVar("T")
_MARK = ".demo"  # says that a home directory is the demo's to clear
_KEPT = {"environments", _MARK}  # what the next demo may use again
_START_SECONDS, _STOP_SECONDS = 60.0, 30.0
_GONE_SECONDS = 0.02  # between two looks whether what was killed is gone
_LOOK_SECONDS = 0.1  # at what a command prints
_ASK_SECONDS = 0.25  # the server, which has work to do on the same cores
_WHEEL = "|/-\\"
_NOISE = re.compile(r"^(Step #\d+ .*: )? *\+ \S+==\S+$")  # one line for each installed package


class StepFailed(Exception):
    """A step did not do what it should; `exit_code` is 1 where the user's files are at fault, 3 where we are."""

    def __init__(self, reason: str, *, exit_code: int) -> None:
        self.exit_code = exit_code
        super().__init__(reason)


class Stage:
    """A context: the server runs inside it."""

    def __init__(self, home: Path, *, project: str, region: str, stays: bool) -> None:
        self.home = home
        self.project, self.region = project, region
        self.stays = stays
        self.is_complete = False
        self._signals = _Signals()
        self._server: subprocess.Popen[str] | None = None
        self._typed: subprocess.Popen[str] | None = None  # the command that is under way, or the last one
        self._environment = _environment(home, project, region)
        self.address = ""

    def __enter__(self) -> Self:
        """Clear the home, start the server. Raises FailedPrecondition, StepFailed."""
        clear(self.home)
        self._signals.install()
        try:
            self._start()
        except BaseException:
            self._end()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """End the server, unless it stays and the demo came to its end."""
        if self.stays and self.is_complete:
            self._signals.restore()
        else:
            self._end()

    @property
    def client(self) -> Client:
        """A client of the stage's server."""
        return Client(self.address)

    @property
    def process_id(self) -> int:
        """The server's process."""
        assert self._server is not None
        return self._server.pid

    def trainshed(self, *arguments: str, folder: Path | None = None, quiet: bool = False) -> str:
        """Type `trainshed ARGUMENTS` and answer what it printed. Raises StepFailed."""
        command = [sys.executable, "-m", "trainshed", *arguments]
        return self._type(["trainshed", *arguments], command, folder=folder, quiet=quiet)

    def command(self, *arguments: str, folder: Path | None = None) -> str:
        """Type any other command and answer what it printed. Raises StepFailed."""
        return self._type(arguments, arguments, folder=folder, quiet=False)

    def wait_for(self, what: str, look: Callable[[], T | None], *, timeout_seconds: float) -> T:
        """Look until there is something to see. Raises StepFailed when time is up or the server is gone."""
        start = monotonic()
        with _Wheel(what) as wheel:
            while (seen := look()) is None:
                if self._server is not None and self._server.poll() is not None:
                    raise StepFailed(f"The server ended while waiting for {what}.", exit_code=3)
                if monotonic() - start > timeout_seconds:
                    raise StepFailed(f"Waited {timeout_seconds:.0f} s in vain for {what}.", exit_code=3)
                wheel.turn(monotonic() - start)
                threading.Event().wait(_ASK_SECONDS)
        return seen

    def _type(self, shown: Sequence[str], command: Sequence[str], *, folder: Path | None, quiet: bool) -> str:
        click.secho(f"$ {shlex.join(shown)}", bold=True)
        with self._process(command, folder=folder, joins_errors=True) as process:
            lines = list(_lines(process, quiet=quiet))
        if process.returncode:
            code = 1 if process.returncode == 1 else 3
            reason = lines[-1] if lines else f"exit code {process.returncode}"
            raise StepFailed(f"`{shlex.join(shown[:4])} …` failed: {reason}", exit_code=code)
        return "\n".join(lines)

    @contextlib.contextmanager
    def _process(
        self, command: Sequence[str], *, folder: Path | None, joins_errors: bool
    ) -> Iterator["subprocess.Popen[str]"]:
        with self._signals.deferred():
            # Known before an interrupt may be told: it comes out of `deferred`, where nobody else holds the process.
            self._typed = process = subprocess.Popen(
                command,
                cwd=folder,
                env=self._environment | ({"TRAINSHED_ADDRESS": self.address} if self.address else {}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT if joins_errors else None,
                text=True,
                errors="replace",
                start_new_session=True,
            )
        try:
            yield process
            process.wait()
        finally:
            _end_group(process)

    def _start(self) -> None:
        command = [sys.executable, "-m", "trainshed", "up", "--port", "0", "--home", str(self.home)]
        click.secho(f"$ {shlex.join(['trainshed', *command[3:]])}", bold=True)
        output = self.home / "demo-server.log"
        with self._signals.deferred(), output.open("w") as stream:
            self._server = subprocess.Popen(
                command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,
            )
        self.address = self.wait_for(
            "the server", lambda: read_address(self.home) or None, timeout_seconds=_START_SECONDS
        )
        click.echo(f"  ready on {self.address}")

    def _end(self) -> None:
        self._signals.ignore()
        try:
            for process in (self._typed, self._server):
                if process is not None:
                    _end_group(process)
            _end_workers(self.home)
        finally:
            self._signals.restore()


def clear(home: Path) -> None:
    """Empty the demo's home but for the environments. Raises FailedPrecondition where it is not the demo's."""
    if address := read_address(home):
        raise FailedPrecondition(
            f"A demo that was kept still runs on {address} (home {home}). "
            f"End it with: kill {(home / 'lock').read_text().strip()}"
        )
    if home.is_dir() and any(home.iterdir()) and not (home / _MARK).exists():
        raise FailedPrecondition(f"--home: {home} is not empty and not a demo's; give an empty or a new folder.")
    home.mkdir(parents=True, exist_ok=True)
    (home / _MARK).touch()
    for entry in home.iterdir():
        if entry.name in _KEPT:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class _Signals:
    """SIGINT and SIGTERM interrupt, but never between the start of a process and our knowing it."""

    _NUMBERS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

    def __init__(self) -> None:
        self._earlier: dict[int, Any] = {}
        self._is_deferring = False
        self._is_pending = False

    def install(self) -> None:
        self._earlier = {number: signal.signal(number, self._arrived) for number in self._NUMBERS}

    def ignore(self) -> None:
        for number in self._earlier:
            signal.signal(number, signal.SIG_IGN)

    def restore(self) -> None:
        for number, handler in self._earlier.items():
            signal.signal(number, handler)
        self._earlier = {}

    @contextlib.contextmanager
    def deferred(self) -> Iterator[None]:
        self._is_deferring = True
        try:
            yield
        finally:
            self._is_deferring = False
        if self._is_pending:
            self._is_pending = False
            raise KeyboardInterrupt

    def _arrived(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002  (signal's signature)
        if self._is_deferring:
            self._is_pending = True
        else:
            raise KeyboardInterrupt


class _Wheel:
    """Shows on a terminal that something is under way, and how long already."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._is_shown = sys.stdout.isatty()

    def __enter__(self) -> Self:
        return self

    def turn(self, seconds: float) -> None:
        if self._is_shown and seconds > 1:
            spoke = _WHEEL[int(seconds * 8) % len(_WHEEL)]
            click.echo(f"\r\033[K  {spoke} {self._what}, {seconds:.0f} s", nl=False)

    def clear(self) -> None:
        if self._is_shown:
            click.echo("\r\033[K", nl=False)

    def __exit__(self, *_: object) -> None:
        self.clear()


def _lines(process: "subprocess.Popen[str]", *, quiet: bool) -> Iterator[str]:
    """Print and answer each line as it comes; a wheel turns in between."""
    arrived: queue.Queue[str | None] = queue.Queue()
    stream = process.stdout
    assert stream is not None

    def read() -> None:
        with stream:
            for line in stream:
                arrived.put(line.rstrip("\n"))
        arrived.put(None)

    threading.Thread(target=read, name="output", daemon=True).start()
    start = monotonic()
    with _Wheel("working") as wheel:
        while True:
            try:
                line = arrived.get(timeout=_LOOK_SECONDS)
            except queue.Empty:
                wheel.turn(monotonic() - start)
                continue
            wheel.clear()
            if line is None:
                return
            if not quiet and not _NOISE.match(line):
                click.secho(f"  {line}", dim=True)
            yield line


def _end_group(process: "subprocess.Popen[str]") -> None:
    """End a process and whatever it left in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=_STOP_SECONDS)
    _end_all(lambda folder: _fields(folder)[2] == str(process.pid))


def _end_workers(home: Path) -> None:
    """End the warm processes of the home's environments, which otherwise wait a while for the server to come back."""
    mark = f"{home}/environments/".encode()
    _end_all(lambda folder: mark in (folder / "cmdline").read_bytes())


def _end_all(is_meant: Callable[[Path], bool]) -> None:
    """Kill every process whose folder below /proc is meant, and wait until none is left."""
    start = monotonic()
    while (found := _living(is_meant)) and monotonic() - start < _STOP_SECONDS:
        for number in found:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(number, signal.SIGKILL)
        threading.Event().wait(_GONE_SECONDS)


def _living(is_meant: Callable[[Path], bool]) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError, IndexError):
            if is_meant(folder) and _fields(folder)[0] not in {"Z", "X"}:
                found.append(int(folder.name))
    return found


def _fields(folder: Path) -> list[str]:
    """Answer what the kernel tells of a process: its state, its parent, its group, …"""
    return (folder / "stat").read_text().rpartition(")")[2].split()


def _environment(home: Path, project: str, region: str) -> dict[str, str]:
    """Answer the user's environment without settings of another server, and with a name for git."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TRAINSHED_")}
    git = {
        f"GIT_{who}_{what}": value
        for who in ("AUTHOR", "COMMITTER")
        for what, value in (("NAME", "Demo"), ("EMAIL", "demo@localhost"))
    }
    ours = {"TRAINSHED_HOME": str(home), "TRAINSHED_PROJECT": project, "TRAINSHED_REGION": region}
    ours["TRAINSHED_GIT_POLL_SECONDS"] = "1"  # one small repository on this disk may be looked at often
    return kept | git | ours | {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_TERMINAL_PROMPT": "0"}
