"""Cancelling runs: whatever state they are in, they end within the grace period, with everything that they started."""

import re
import sqlite3
import subprocess
import sys
import urllib.request
from contextlib import closing
from datetime import datetime

import pytest
from tests.e2e.run_pipelines import compile_for

from trainshed.client import Client
from trainshed.runners.stage import is_alive
from trainshed.testing import server, wait_until

PARENT = "projects/local-project/locations/us-central1"
GRACE = 2.0
SPARE = 8.0  # seconds that a busy machine may take beyond the grace periods


@pytest.fixture(scope="module")
def trainshed(make_home):
    with server(make_home(), TRAINSHED_GRACE_SECONDS=str(GRACE)) as running:
        yield running


@pytest.fixture(scope="module")
def specs(trainshed, tmp_path_factory):
    return compile_for(trainshed, tmp_path_factory.mktemp("specs"))


def start(trainshed, specs, name, job, folder, *more):
    given = ("--parameter", f"folder={folder}", "--job-id", job, *more)
    started = trainshed.run("pipelines", "run", str(specs / f"{name}.json"), *given)
    assert started.returncode == 0, started.stderr


def cancel(trainshed, job):
    """Cancel a run; answer it once it has ended, and how long that took the server."""
    asked = trainshed.run("pipelines", "cancel", job)
    assert asked.returncode == 0, asked.stderr
    assert f"Asked run {job} to end." in asked.stdout
    return ended(trainshed, job), took(trainshed, job)


def took(trainshed, job):
    """The seconds between the cancel and the end, by the server's own notes."""
    with closing(sqlite3.connect(f"file:{trainshed.home}/trainshed.db?mode=ro", uri=True)) as store:
        rows = store.execute(
            "SELECT transition, state, time FROM history WHERE noun='run' AND resource LIKE ?", (f"%/{job}",)
        ).fetchall()
    asked = [time for transition, _, time in rows if transition == "cancel"]
    over = [time for _, state, time in rows if state in {"CANCELLED", "SUCCEEDED", "FAILED"}]
    return (datetime.fromisoformat(over[-1]) - datetime.fromisoformat(asked[-1])).total_seconds() if asked else 0.0


def executions(trainshed, job):
    """The state that lineage has of each task that was begun."""
    with closing(sqlite3.connect(f"file:{trainshed.home}/trainshed.db?mode=ro", uri=True)) as store:
        query = "SELECT name, last_known_state FROM executions WHERE name LIKE ?"
        found = store.execute(query, (f"%/{job}/tasks/%",)).fetchall()
    return {name.rpartition(".")[2].rpartition("/")[2]: state for name, state in found}


def ended(trainshed, job):
    def look():
        found = trainshed.json("pipelines", "describe", job)
        return found if found["endTime"] else None

    return wait_until(look, what=f"the end of {job}", story=lambda: trainshed.run("pipelines", "describe", job).stdout)


def page(trainshed, path):
    with urllib.request.urlopen(trainshed.address + path, timeout=90) as answer:
        return answer.read().decode()


def is_there(pid):
    return is_alive(int(pid))


def text(folder, name):
    return (folder / name).read_text() if (folder / name).exists() else ""


@pytest.mark.slow
def test_a_task_that_will_not_end_is_ended_with_all_its_children_and_the_exit_task_runs(trainshed, specs, tmp_path):
    start(trainshed, specs, "cancelled", "stubborn", tmp_path)
    pids = wait_until(lambda: text(tmp_path, "pids").split(), what="the stubborn task")
    assert len(pids) == 3

    found, seconds = cancel(trainshed, "stubborn")

    assert found["state"] == "CANCELLED"
    assert seconds < 2 * GRACE + SPARE
    assert [pid for pid in pids if is_there(pid)] == []
    assert text(tmp_path, "bye") == "CANCELLED\n"
    states = {task["name"]: task["state"] for task in found["tasks"]}
    assert states["bye"] == "SUCCEEDED"
    shown = " ".join(trainshed.run("pipelines", "describe", "stubborn").stdout.split())
    assert "stubborn CANCELLED 1" in shown
    assert "it was stopped" in shown
    assert "count CANCELLED it had not begun" in shown
    again = trainshed.run("pipelines", "cancel", "stubborn")
    assert (again.returncode, "there is nothing to cancel" in again.stderr) == (2, True)


@pytest.mark.slow
def test_an_exit_task_has_no_more_than_the_grace_period(trainshed, specs, tmp_path):
    start(trainshed, specs, "cancelled", "endless", tmp_path, "--parameter", "slow=true")
    wait_until(lambda: text(tmp_path, "pids"), what="the stubborn task")

    found, seconds = cancel(trainshed, "endless")

    assert found["state"] == "CANCELLED"
    assert seconds < 3 * GRACE + SPARE
    assert text(tmp_path, "bye") == "CANCELLED\n"


@pytest.mark.slow
def test_logs_are_streamed_while_the_run_goes_on_and_end_with_it(trainshed, specs, tmp_path):
    start(trainshed, specs, "cancelled", "streamed", tmp_path)
    command = [sys.executable, "-m", "trainshed", "pipelines", "logs", "streamed", "--stream"]
    with subprocess.Popen(command, env=trainshed.environment, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdout.readline() == "[exit-handler-1.stubborn] holding on\n"
        assert trainshed.json("pipelines", "describe", "streamed")["state"] == "RUNNING"

        cancel(trainshed, "streamed")
        rest, _ = reader.communicate(timeout=90)

    assert rest == ""
    assert reader.returncode == 0


@pytest.mark.slow
def test_cancelling_twice_is_cancelling_once(trainshed, specs, tmp_path):
    start(trainshed, specs, "cancelled", "twice", tmp_path)
    pids = wait_until(lambda: text(tmp_path, "pids").split(), what="the stubborn task")

    for agent in ("google-api-client", "trainshed"):  # one right after the other: the grace period is two seconds
        there = Client(trainshed.address, headers={"User-Agent": agent})
        there.call("POST", f"/v1/{PARENT}/pipelineJobs/twice:cancel", {})

    found = ended(trainshed, "twice")
    assert found["state"] == "CANCELLED"
    assert found["cancellation"]["by"] == "the API"
    asked = f"asked to end by the API at {found['cancellation']['time'][:10]}"
    assert found["job"]["error"]["code"] == 1
    assert found["job"]["error"]["message"].startswith("The run was asked to end by the API at ")
    (told,) = [t for t in found["job"]["jobDetail"]["taskDetails"] if t["taskUniqueName"].endswith("stubborn")]
    assert told["error"] == found["job"]["error"]
    stubborn = next(task["name"] for task in found["tasks"] if task["name"].endswith("stubborn"))
    for path in ("/runs", f"/runs/{found['name']}", f"/runs/{found['name']}?task={stubborn}"):
        assert asked in page(trainshed, path), path
    assert text(tmp_path, "bye") == "CANCELLED\n"
    assert not any(map(is_there, pids))
    assert executions(trainshed, "twice")["stubborn"] == "CANCELLED"


@pytest.mark.slow
def test_a_run_that_waits_for_its_next_attempt_ends_at_once(trainshed, specs, tmp_path):
    start(trainshed, specs, "hopeless", "waiting", tmp_path)

    def is_waiting():
        (task,) = trainshed.json("pipelines", "describe", "waiting")["tasks"]
        return task["attempts"] and task["state"] == "QUEUED"

    wait_until(is_waiting, what="the wait between attempts")
    found, seconds = cancel(trainshed, "waiting")

    assert found["state"] == "CANCELLED"
    assert seconds < SPARE
    assert text(tmp_path, "tried") == "x"


@pytest.mark.slow
def test_a_run_that_has_hardly_begun_ends_and_starts_nothing_more(trainshed, specs, tmp_path):
    start(trainshed, specs, "nested", "early", tmp_path)

    found, seconds = cancel_or_ended(trainshed, "early")

    assert found["state"] in {"CANCELLED", "SUCCEEDED"}
    assert seconds < GRACE + SPARE
    done = text(tmp_path, "done")
    assert trainshed.run("pipelines", "describe", "early").returncode == 0
    assert text(tmp_path, "done") == done


def cancel_or_ended(trainshed, job):
    asked = trainshed.run("pipelines", "cancel", job)
    assert asked.returncode == 0 or "there is nothing to cancel" in asked.stderr
    return ended(trainshed, job), took(trainshed, job)


@pytest.mark.slow
def test_a_cancelled_run_is_retried_from_where_it_was(trainshed, specs, tmp_path):
    start(trainshed, specs, "cancelled", "anew", tmp_path)
    wait_until(lambda: text(tmp_path, "pids"), what="the stubborn task")
    stopped, _ = cancel(trainshed, "anew")
    (tmp_path / "pids").unlink()
    assert stopped["cancellation"]["by"] == "the command line"
    assert "by the command line" in trainshed.run("pipelines", "describe", "anew").stdout
    assert stopped["pausedSeconds"] == 0

    assert trainshed.run("pipelines", "retry", "anew").returncode == 0
    pids = wait_until(lambda: text(tmp_path, "pids").split(), what="the stubborn task again")
    for path in ("/runs", "/"):
        said = re.findall(r"RUNNING</span> <span class=.note[^>]*>([^<]*)<", page(trainshed, path))
        assert said == ["0 of 3 tasks done"], path
    assert "tasks: 0 of 3 tasks done" in trainshed.run("pipelines", "describe", "anew").stdout
    listed = trainshed.json("pipelines", "list")
    assert [run["done"] for run in listed if run["state"] == "RUNNING"] == ["0 of 3 tasks done"]
    found, _ = cancel(trainshed, "anew")

    assert found["state"] == "CANCELLED"
    assert found["pausedSeconds"] > 0
    assert found["workedSeconds"] > stopped["workedSeconds"]
    assert " of pauses" in trainshed.run("pipelines", "describe", "anew").stdout
    assert not any(map(is_there, pids))
    assert text(tmp_path, "bye") == "CANCELLED\nCANCELLED\n"


@pytest.mark.slow
def test_a_cancel_outlives_the_server_that_took_it(make_home, tmp_path):
    with server(make_home(), TRAINSHED_GRACE_SECONDS=str(GRACE)) as own:
        (tmp_path / "specs").mkdir()
        specs = compile_for(own, tmp_path / "specs")
        start(own, specs, "cancelled", "killed", tmp_path)
        pids = wait_until(lambda: text(tmp_path, "pids").split(), what="the stubborn task")

        assert own.run("pipelines", "cancel", "killed").returncode == 0
        command = [sys.executable, "-m", "trainshed", "pipelines", "run", str(specs / "hopeless.json"), "--wait"]
        given = ["--parameter", f"folder={tmp_path}", "--job-id", "watched"]
        with subprocess.Popen([*command, *given], env=own.environment, stderr=subprocess.PIPE, text=True) as watcher:
            wait_until(lambda: text(tmp_path, "tried"), what="the first attempt")
            own.kill()
            _, told = watcher.communicate(timeout=90)
        assert watcher.returncode == 3
        assert "The server went away while run watched went on; the next one goes on with it" in told
        own.start()

        assert ended(own, "killed")["state"] == "CANCELLED"
        assert not any(map(is_there, pids))
        assert text(tmp_path, "bye") == "CANCELLED\n"
