"""One task of a run at a real terminal, under the debugger."""

import os
import pty
import select
import subprocess
import sys
import time

import pytest
from tests.e2e.run_pipelines import compile_for

from trainshed.testing import Server

_SECONDS = 90


class Offline(Server):
    """A home whose commands find no server."""

    def type(self, answers, *arguments):
        """Run a command at a terminal, answer each prompt of its debugger; return exit code and what was shown."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execve(sys.executable, [sys.executable, "-m", "trainshed", *arguments], self.environment)
        shown, answers, until = b"", list(answers), time.monotonic() + _SECONDS
        while time.monotonic() < until:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                data = os.read(terminal, 65536)
            except OSError:  # its end
                break
            shown += data
            if shown.endswith(b"(Pdb) ") and answers:
                os.write(terminal, answers.pop(0).encode() + b"\n")
        else:
            os.kill(pid, 9)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), shown.decode()


@pytest.fixture(scope="module")
def offline(make_home):
    return Offline(make_home())


@pytest.fixture(scope="module")
def specs(offline, tmp_path_factory):
    return compile_for(offline, tmp_path_factory.mktemp("specs"))


def asked(specs, folder, task, *more):
    given = ("--parameter", f"folder={folder}", "--debug-task", task, *more)
    return ("pipelines", "run", str(specs / "nested.json"), *given)


@pytest.mark.slow
def test_a_task_stops_at_its_first_line_with_its_real_inputs_and_the_run_goes_on(offline, specs, tmp_path):
    out = tmp_path / "out.json"
    code, shown = offline.type(
        ["p item, folder", "c"], *asked(specs, tmp_path, "for-loop-3[1].count-3", "--outputs", str(out))
    )

    assert code == 0, shown
    assert f"(2, '{tmp_path}')" in shown
    assert shown.count("(Pdb)") == 2
    assert "Run nested-" in shown
    assert out.read_text().split() == ["{", '"Output":', "6", "}"]


@pytest.mark.slow
def test_giving_up_fails_the_task(offline, specs, tmp_path):
    code, shown = offline.type(["q"], *asked(specs, tmp_path, "count"))

    assert code == 1
    assert "Task 'count' failed" in shown
    assert "0" not in (tmp_path / "done").read_text().split()


@pytest.mark.slow
def test_a_task_that_fails_can_be_looked_at_where_it_failed(offline, specs, tmp_path):
    code, shown = offline.type(
        ["c", "p item == bad", "c"], *asked(specs, tmp_path, "for-loop-3[0].count-3", "--parameter", "bad=1")
    )

    assert code == 1
    assert "bad luck" in shown
    assert "exited with code 3" in shown


@pytest.mark.slow
def test_a_task_that_is_left_out_is_said_to_be_unreached(offline, specs, tmp_path):
    code, shown = offline.type([], *asked(specs, tmp_path, "condition-1.count-2"))

    assert code == 0, shown
    assert "Task 'condition-1.count-2' was not reached; `trainshed pipelines describe nested-" in shown


@pytest.mark.slow
@pytest.mark.parametrize(
    ("task", "message"),
    [
        ("nope", "--debug-task: the pipeline has no task 'nope'; it has condition-1, condition-1.count-2, count, "),
        ("count-9", "--debug-task: the pipeline has no task 'count-9'"),
    ],
)
def test_an_unknown_task_is_refused_before_anything_runs(offline, specs, tmp_path, task, message):
    done = offline.run(*asked(specs, tmp_path, task))

    assert done.returncode == 2
    assert message in done.stderr
    assert not (tmp_path / "done").exists()


@pytest.mark.slow
def test_a_home_with_a_server_is_refused_with_the_way_out(make_home, specs, tmp_path):
    served = Server(make_home()).start()
    try:
        done = served.run(*asked(specs, tmp_path, "count"))
    finally:
        served.stop()

    assert done.returncode == 2
    assert f"the server at {served.address} owns {served.home}" in done.stderr
    assert "TRAINSHED_HOME=DIRECTORY" in done.stderr


@pytest.mark.slow
def test_a_task_whose_outputs_exist_runs_all_the_same(offline, specs, tmp_path):
    arguments = asked(specs, tmp_path, "condition-1.count-2", "--parameter", "wanted=yes")
    for _ in range(2):
        code, shown = offline.type(["c"], *arguments)

        assert code == 0, shown
        assert "Task condition-1.count-2 has this terminal now." in shown


def test_without_a_terminal_the_debugger_reads_what_it_is_given(offline, specs, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "trainshed", *asked(specs, tmp_path, "count")],
        env=offline.environment, input="p item\nc\n", capture_output=True, text=True, timeout=_SECONDS, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr
    assert "(Pdb) 0" in done.stdout
