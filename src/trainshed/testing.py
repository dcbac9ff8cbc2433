"""What tests of Trainshed, and of things built on it, use: a store, a real server with its command line.

Fakes are public and pass the real suites.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, TypeVar

from sqlalchemy import create_engine

from trainshed.sql import Database, metadata

T = TypeVar("T")
_LOOK_SECONDS = 0.05


def wait_until(find: Callable[[], T], *, seconds: float = 60.0, what: str = "it", story: Callable[[], Any] = str) -> T:
    """Wait for a true answer and return it. Raises AssertionError that tells the story when there is none in time."""
    deadline, tick = time.monotonic() + seconds, threading.Event()
    while not (found := find()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:g} s\n{story()}"
        tick.wait(_LOOK_SECONDS)
    return found


@cache
def _empty_store(tables: frozenset[str]) -> bytes:
    """Answer a store with these tables and nothing in them; made once, for making it takes longer than most tests."""
    with tempfile.TemporaryDirectory(prefix="trainshed-") as folder:
        path = Path(folder) / "trainshed.db"
        engine = create_engine(f"sqlite:///{path}")
        metadata.create_all(engine, tables=[metadata.tables[name] for name in tables])
        engine.dispose()
        return path.read_bytes()


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """Open a fresh store in `folder` with the tables of everything imported so far."""
    path = folder / "trainshed.db"
    if not path.exists():
        path.write_bytes(_empty_store(frozenset(metadata.tables)))
    db = Database(path)
    try:
        yield db
    finally:
        db.close()


class Server:
    """A real server process on a home directory of its own, and the real command line against it."""

    popen: ClassVar[Callable[..., "subprocess.Popen[str]"]] = subprocess.Popen  # what makes its processes

    def __init__(self, home: Path, *options: str, **variables: str) -> None:
        self.home = home
        self.address = ""
        self._options = options
        self._variables = variables
        self._process: subprocess.Popen[str] | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The environment of the server and of its commands."""
        inherited = {k: v for k, v in os.environ.items() if not k.startswith("TRAINSHED_")}
        ours = {"TRAINSHED_HOME": str(self.home), "TRAINSHED_ENGINE": "none"}  # the same on every machine
        return inherited | ours | self._variables

    def start(self) -> "Server":
        """Start it and wait until it answers. Raises AssertionError with what it printed when it does not."""
        self._process = type(self).popen(
            [sys.executable, "-m", "trainshed", "up", "--port", "0", *self._options],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if " is ready on " not in line:
            rest = self._process.communicate(timeout=90)[0]
            raise AssertionError(f"the server did not start: {line}{rest}")
        self.address = line.split(" is ready on ")[1].split()[0]
        return self

    def kill(self) -> None:
        """End it as `kill -9` does."""
        assert self._process is not None
        self._process.kill()
        self._process.communicate(timeout=90)

    def stop(self) -> int:
        """End it as SIGTERM does; answer its exit code."""
        assert self._process is not None
        self._process.terminate()
        self._process.communicate(timeout=60)
        return self._process.returncode

    def run(self, *arguments: str, limit: float = 300, **options: Any) -> "subprocess.CompletedProcess[str]":
        """Run one `trainshed` command; what it printed and its exit code come back."""
        words, pipe = [sys.executable, "-m", "trainshed", *arguments], subprocess.PIPE
        text = options.pop("input", None)
        process = type(self).popen(
            words, env=self.environment, stdin=pipe if text else None, stdout=pipe, stderr=pipe, text=True, **options
        )
        try:
            said, warned = process.communicate(text, limit)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate(timeout=limit)
            raise
        return subprocess.CompletedProcess(words, process.returncode, said, warned)

    def json(self, *arguments: str) -> Any:
        """Run one command that has to work with `--format json`; answer the document."""
        done = self.run(*arguments, "--format", "json")
        assert done.returncode == 0, f"{' '.join(arguments)}: {done.returncode}\n{done.stdout}{done.stderr}"
        return json.loads(done.stdout)


@contextmanager
def server(home: Path, *options: str, **variables: str) -> Iterator[Server]:
    """Run a server for the duration of a test."""
    running = Server(home, *options, **variables).start()
    try:
        yield running
    finally:
        running.stop()
