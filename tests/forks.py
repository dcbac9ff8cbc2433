"""Processes of `python -m trainshed`, forked from one that has it imported: importing is most of what they cost.

Each has variables, a working folder, streams and an end of its own, as any process has. What tests start by themselves
(the demo, servers that die at a named point, what a shell starts) begins with an interpreter, as everywhere.
"""

import multiprocessing
import os
import selectors
import subprocess
import sys
import time
from multiprocessing.connection import Connection
from pathlib import Path

from trainshed.cli import GROUPS

_WORDS = [sys.executable, "-m", "trainshed"]
_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["trainshed.app", "uvicorn.lifespan.on", *(f"trainshed.cli.{module}" for module, _ in GROUPS.values())]
)
_MOST_INPUT = 4096  # fits into a pipe at once


def become(words, variables, folder, streams):
    """Be `python -m trainshed` with these words, in a process that was forked for it."""
    for number, stream in enumerate(streams):
        os.dup2(stream.fileno(), number)
        stream.close()
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(variables)
    time.tzset()
    os.chdir(folder)
    sys.path[:] = [folder, *(path for path in sys.path if path != str(Path(__file__).parent))]
    sys.argv = ["trainshed", *words]
    from trainshed.cli import main

    main()


class Forked:
    """What servers and commands of tests need of `subprocess.Popen`; `stdout` gives its first line."""

    def __init__(self, words, *, env, stdout, stderr, stdin=None, cwd=None, text=True):
        assert (words[: len(_WORDS)], text) == (_WORDS, True), "the command line itself, and text"
        ends = {name: os.pipe() for name, wanted in (("in", stdin), ("out", stdout), ("err", stderr)) if wanted == -1}
        null = os.open(os.devnull, os.O_RDWR)
        given = [
            ends["in"][0] if "in" in ends else null,
            ends["out"][1],
            ends["err"][1] if "err" in ends else ends["out"][1],
        ]
        self.args = words
        self._input = ends["in"][1] if "in" in ends else None
        self._outputs = {name: ends[name][0] for name in ("out", "err") if name in ends}
        self._said = {name: bytearray() for name in self._outputs}
        streams = [Connection(os.dup(descriptor)) for descriptor in given]
        self._process = _CONTEXT.Process(
            target=become, args=(words[len(_WORDS) :], dict(env), str(cwd or Path.cwd()), streams), daemon=True
        )
        self._process.start()
        for stream in streams:
            stream.close()
        for descriptor in {null, *given}:
            os.close(descriptor)

    @property
    def stdout(self):
        return self

    def readline(self):
        """Answer the first line that it says; what it said when it ends without one."""
        while b"\n" not in self._said["out"] and "out" in self._outputs:
            self._read("out")
        line, end, rest = self._said["out"].partition(b"\n")
        self._said["out"] = rest
        return (line + end).decode()

    def communicate(self, input=None, timeout=None):  # noqa: A002  (as there)
        until = time.monotonic() + (timeout or float("inf"))
        if self._input is not None:
            data = (input or "").encode()
            assert len(data) <= _MOST_INPUT
            os.write(self._input, data)
            os.close(self._input)
            self._input = None
        with selectors.DefaultSelector() as ready:
            for name, descriptor in self._outputs.items():
                ready.register(descriptor, selectors.EVENT_READ, name)
            while self._outputs:
                self._check(until, timeout)
                for key, _ in ready.select(None if timeout is None else until - time.monotonic()):
                    if not self._read(key.data):
                        ready.unregister(key.fd)
        self.wait(None if timeout is None else max(0.0, until - time.monotonic()))
        said = {name: data.decode() for name, data in self._said.items()}
        return said["out"], said.get("err")

    def wait(self, timeout=None):
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise subprocess.TimeoutExpired(self.args, timeout)
        return self._process.exitcode

    def kill(self):
        self._process.kill()

    def terminate(self):
        self._process.terminate()

    @property
    def returncode(self):
        return self._process.exitcode

    def _read(self, name):
        data = os.read(self._outputs[name], 1 << 16)
        self._said[name] += data
        if not data:
            os.close(self._outputs.pop(name))
        return data

    def _check(self, until, timeout):
        if time.monotonic() > until:
            raise subprocess.TimeoutExpired(self.args, timeout, *(self._said.get(name) for name in ("out", "err")))
