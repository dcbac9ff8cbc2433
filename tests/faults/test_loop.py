"""From a message to a trained model while the server is killed again and again: everything once, nothing lost."""

import json
import os
import random
import sqlite3
import threading
from collections import Counter

import pytest

from trainshed.client import Client
from trainshed.testing import Server, wait_until

PARENT = "projects/local-project/locations/us-central1"
TASKS = ["a", "b", "c", "d", "e"]
COMPONENTS = ["read", "step", "step-2", "step-3", "write"]
KILLS = 10


@pytest.fixture
def loop(make_home, pipelines, tmp_path):
    """A server whose topic `train` starts the pipeline directly; `marks` is where its tasks sign."""
    running = Server(make_home(), TRAINSHED_GRACE_SECONDS="1").start()
    marks = tmp_path / "marks"
    marks.mkdir()
    running.marks = marks
    try:
        assert running.run("storage", "buckets", "create", "gs://pipes").returncode == 0
        for name in ("marked.json", "single.json"):
            assert running.run("storage", "cp", str(pipelines / name), "gs://pipes/").returncode == 0
        yield running
    finally:
        running.stop()


def publish(running, topic="train", **parameters):
    """Publish as a user does; the answer is the id that was acknowledged."""
    message = json.dumps({"marks": str(running.marks), **parameters})
    done = running.run("pubsub", "topics", "publish", topic, "--message", message, "--format", "json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["messageIds"][0]


def moments(seed, *, kills=KILLS, longest):
    """Answer when to kill, in seconds after the server is ready; printed, so that a failure can be had again."""
    drawn = random.Random(seed)
    found = [round(drawn.uniform(0.0, longest), 3) for _ in range(kills)]
    print(f"seed {seed}: the server is killed {found} s after it is ready")  # noqa: T201  (to have a failure again)
    return found


def kill_and_restart(running, found):
    for moment in found:
        threading.Event().wait(moment)
        running.kill()
        running.start()


def runs(running):
    return list(Client(running.address).pages(f"/trainshed/v1/{PARENT}/runs", "runs"))


def ended(running):
    found = runs(running)
    return found if found and all(r["state"] in {"SUCCEEDED", "FAILED", "CANCELLED"} for r in found) else None


def story(running):
    """Tell what happened to a run, for who has to find out why it did not end."""
    return "\n".join(str(row) for row in rows(running, "SELECT time, noun, resource, transition, state FROM history"))


def rows(running, query):
    connection = sqlite3.connect(f"file:{running.home}/trainshed.db?mode=ro", uri=True)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def the_run(running, seconds=90):
    (run,) = wait_until(lambda: ended(running), seconds=seconds, what="the end", story=lambda: story(running))
    assert run["state"] == "SUCCEEDED", story(running)
    return run


def assert_applied_once(running, tasks=TASKS):
    """Each task did its work once, and everything that follows from it is there once."""
    done = Counter()
    for mark in running.marks.iterdir():
        lines = mark.read_text().split()
        assert lines == ["begun", "done"], f"{mark.name} was cut short or ran twice: {lines}"
        done[mark.name.split("@")[0]] += lines.count("done")
    assert done == Counter(tasks), story(running)
    finals = rows(
        running, "SELECT resource, COUNT(*) FROM history WHERE noun='task' AND transition='succeeded' GROUP BY 1"
    )
    assert [count for _, count in finals] == [1] * len(tasks), story(running)
    executions = rows(running, "SELECT last_known_state FROM executions")
    assert executions == [("COMPLETE",)] * len(tasks)
    assert len(rows(running, "SELECT key FROM task_cache")) == len(tasks)
    artifacts = rows(running, "SELECT uri FROM artifacts")
    assert len(artifacts) == ("d" in tasks)
    events = rows(running, "SELECT type FROM events")
    assert len(events) == 2 * ("d" in tasks), "the artifact was written once and read once"
    good = rows(running, "SELECT task_id FROM attempts WHERE outcome='Succeeded'")
    assert len(good) == len(tasks)


def receipts(running, trigger):
    return running.json("receipts", "list", "--trigger", trigger)


@pytest.mark.parametrize("seed", [int(os.environ.get("TRAINSHED_TEST_SEED", "4"))])
def test_s05_ten_kills_between_publish_and_the_end_lead_to_one_run(loop, seed):
    made = loop.run("pipelines", "triggers", "create", "t", "--topic", "train", "--spec", "gs://pipes/marked.json")
    assert made.returncode == 0, made.stderr

    publish(loop, seconds=0.6)
    kill_and_restart(loop, moments(seed, longest=1.2))

    run = the_run(loop)
    assert_applied_once(loop)
    (receipt,) = receipts(loop, "t")
    assert (receipt["state"], receipt["link"]) == ("STARTED", run["name"])
    deliveries = loop.json("receipts", "describe", receipt["receipt"])["deliveries"]
    assert Counter(d["outcome"] for d in deliveries)["started"] == 1
    assert {d["outcome"] for d in deliveries} <= {"started", "joined"}
    assert {d["link"] for d in deliveries} == {run["name"]}
