"""trainshed exec: the command's environment, its exit code, and what of the user's own is left alone."""

import os
import shlex
import subprocess
import sys

import pytest

from trainshed.testing import Server

_LIST = "from google.cloud import storage; print([b.name for b in storage.Client().list_buckets()])"


def test_the_exit_code_is_that_of_the_command(trainshed):
    assert trainshed.run("exec", "--", sys.executable, "-c", "raise SystemExit(7)").returncode == 7
    killed = trainshed.run("exec", "--", sys.executable, "-c", "import os; os.kill(os.getpid(), 9)")
    assert killed.returncode == 128 + 9


@pytest.mark.parametrize("arguments", [[], ["--", "no-such-command-here"]])
def test_what_cannot_be_run_is_a_usage_error(trainshed, arguments):
    done = trainshed.run("exec", *arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr


def test_without_a_server_the_command_gets_one_of_its_own(make_home):
    alone = Server(make_home())

    done = alone.run("exec", "--", sys.executable, "-c", _LIST)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_printed_variables_work_in_a_shell_while_a_server_runs(trainshed):
    printed = trainshed.run("exec", "--print").stdout

    script = f"{printed}\n{shlex.join([sys.executable, '-c', _LIST])}"
    done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, timeout=120)

    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_without_a_server_there_is_nothing_to_print(make_home):
    done = Server(make_home()).run("exec", "--print")

    assert done.returncode == 2
    assert "trainshed up" in done.stderr
    assert done.stdout == ""


def test_the_users_own_configuration_and_credentials_are_left_alone(trainshed, tmp_path):
    own = {"HOME": str(tmp_path), "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"), "BOTO_CONFIG": str(tmp_path / "boto")}
    (tmp_path / "boto").write_text("[Boto]\n")
    show = "import os; print(os.environ['CLOUDSDK_CONFIG'], os.environ['BOTO_CONFIG'])"

    done = subprocess.run(
        [sys.executable, "-m", "trainshed", "exec", "--", sys.executable, "-c", show],
        env=os.environ | trainshed.environment | own,
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert str(tmp_path) not in done.stdout
    assert sorted(path.name for path in tmp_path.iterdir()) == ["boto"]
    assert (tmp_path / "boto").read_text() == "[Boto]\n"
