"""One task at a terminal, under a debugger, its outcome reported as any other's."""

import json
import os
import pty
import re
import select
import signal
import sys
import time
from pathlib import Path

import pytest

from trainshed.runners.contract import Command, StartFailed, Stopped, Succeeded
from trainshed.runners.foreground import ForegroundRunner
from trainshed.runners.stage import Fifos, Stage

TERMINAL = Path(__file__).parent / "terminal.py"


class Screen:
    """A pseudo terminal with our command on it."""

    def __init__(self, *arguments):
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.execv(sys.executable, [sys.executable, str(TERMINAL), *map(str, arguments)])
        self.shown = ""
        self.seen = 0

    def until(self, text):
        """Read on until a text is shown that was not looked at before."""
        deadline = time.monotonic() + 90
        while text not in self.shown[self.seen :]:
            assert time.monotonic() < deadline, f"{text!r} is not shown:\n{self.shown}"
            if select.select([self.fd], [], [], 1)[0]:
                try:
                    self.shown += os.read(self.fd, 65536).decode().replace("\r\n", "\n")
                except OSError:
                    pytest.fail(f"it ended without {text!r}:\n{self.shown}")
        self.seen = self.shown.index(text, self.seen) + len(text)

    def type(self, text):
        os.write(self.fd, text.encode())

    def outcome(self):
        self.until("OUTCOME ")
        self.until("}\n")
        return json.loads(re.search(r"OUTCOME (\{.*\})", self.shown)[1])

    def close(self):
        os.close(self.fd)
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)


@pytest.fixture
def screen(tmp_path, settings, cache, environment):
    made = []

    def show(*work):
        (tmp_path / "runs").mkdir()
        made.append(Screen(tmp_path / "runs", settings.home, cache, environment.digest, *work))
        return made[-1]

    yield show
    for each in made:
        each.close()


def test_it_stops_at_the_functions_first_line_and_goes_on(screen):
    shown = screen("works")

    shown.until("<attached>")
    shown.until('here = "in " + text')
    shown.until("(Pdb) ")
    shown.type("text = 'other'\nn\np here\n")
    shown.until("'in other'")
    shown.type("c\n")
    shown.until("working in other")
    shown.until("<detached>")
    told = shown.outcome()

    assert told["kind"] == "Succeeded"
    assert json.loads(told["output"])["parameterValues"]["Output"] == "IN OTHER"
    assert told["other"] == "Succeeded"
    assert told["is_ours"], "the terminal was not given back"


def test_it_stops_where_the_task_fails(screen):
    shown = screen("fails")

    shown.until("(Pdb) ")
    shown.type("c\n")
    shown.until("ValueError: no chosen")
    shown.until("(Pdb) ")
    shown.type("p secret\n")
    shown.until("42")
    shown.type("q\n")
    told = shown.outcome()

    assert told["kind"] == "ExitedNonZero"
    assert told["code"] == 1
    assert told["message"].endswith("ValueError: no chosen")
    assert "workers/child" not in told["log"]


def test_breakpoint_stops(screen):
    shown = screen("breaks")

    shown.until("(Pdb) ")
    shown.type("c\n")
    shown.until("(Pdb) ")
    shown.type("found = 42\nc\n")
    told = shown.outcome()

    assert json.loads(told["output"])["parameterValues"]["Output"] == "42"


def test_quitting_the_debugger_fails_the_task_and_says_so(screen):
    shown = screen("works")

    shown.until("(Pdb) ")
    shown.type("q\n")
    told = shown.outcome()

    assert told["kind"] == "ExitedNonZero"
    assert told["message"] == "The debugger was quit, so the task has failed."


def test_an_interrupt_is_for_the_task_alone(screen):
    shown = screen("works")

    shown.until("(Pdb) ")
    shown.type("import signal; print('now', 1); signal.pause()\n")
    shown.until("now 1")
    shown.type("\x03")
    shown.until("KeyboardInterrupt")
    shown.until("(Pdb) ")
    shown.type("c\n")

    assert shown.outcome()["kind"] == "Succeeded"


def test_a_command_runs_attached(screen):
    shown = screen("sh", "-c", "read -p 'your name? ' name; echo hello $name; test -t 1")

    shown.until("your name? ")
    shown.type("Ada\n")
    shown.until("hello Ada")

    assert shown.outcome()["kind"] == "Succeeded"


@pytest.fixture
def stage(tmp_path, environments, environment, make_runner, clock):
    def make():
        return ForegroundRunner(make_runner(), environments, clock, is_chosen=lambda launch: launch.task_id != "b")

    return Stage(tmp_path / "runs", environment.digest, make, Fifos())


def test_chosen_tasks_take_turns_and_can_be_stopped(stage, play):
    async def perform():
        async with stage:
            first, second = (stage.launch(name, "stubborn") for name in ("a", "c"))
            object.__setattr__(first, "work", Command(arguments=("sh", "-c", "trap '' TERM; echo $$ > pids; sleep 60")))
            await stage.runner.start(first)
            await stage.runner.start(second)
            assert await stage.runner.attempts() == {("a", 1), ("c", 1)}
            assert isinstance((await stage.run("b", "succeed")).outcome, Succeeded)
            await stage.runner.stop("c", 1, grace_seconds=0)
            await stage.runner.stop("a", 1, grace_seconds=0.2)
            assert (await stage.report("a")).outcome == Stopped()
            assert (await stage.report("c")).outcome == Stopped()

    play(perform())


def test_a_missing_environment_is_a_failed_start(stage, play):
    async def perform():
        async with stage:
            stage.environment = "0" * 32
            outcome = (await stage.run("a", "succeed")).outcome
            assert isinstance(outcome, StartFailed)
            assert "0" * 32 in outcome.reason

    play(perform())
