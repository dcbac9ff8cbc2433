"""From a message to a trained model while the server is killed again and again: everything once, nothing lost."""

import json
import os
import random
import sqlite3
import sys
import threading
from collections import Counter

import pytest

from trainshed.client import Client
from trainshed.testing import Server, wait_until

PARENT = "projects/local-project/locations/us-central1"
TASKS = ["a", "b", "c", "d", "e"]
COMPONENTS = ["read", "step", "step-2", "step-3", "write"]
KILLS = 10
pytestmark = pytest.mark.timeout(900)  # eleven starts of a server, on a busy machine
SEED = int(os.environ.get("TRAINSHED_TEST_SEED", "4"))

MAIN = """
import base64, json
from pathlib import Path
import google.auth
from google.auth.transport.requests import AuthorizedSession

SCOPES = ["https://www.googleapis.com/auth/cloud-platform"]
JOBS = "https://us-central1-aiplatform.googleapis.com/v1/projects/local-project/locations/us-central1/pipelineJobs"

def start(event, context):
    parameters = json.loads(base64.b64decode(event["data"]))
    spec = json.loads((Path(__file__).parent / "marked.json").read_text())
    job = {"pipelineSpec": spec, "runtimeConfig": {"parameterValues": parameters}}
    AuthorizedSession(google.auth.default(scopes=SCOPES)[0]).post(JOBS, json=job).raise_for_status()
"""

PUBLISHER = """
import sys
from google.cloud import pubsub_v1

client = pubsub_v1.PublisherClient()
print(client.publish(client.topic_path("local-project", "train"), sys.argv[1].encode()).result(timeout=90))
"""


@pytest.fixture
def loop(make_home, pipelines, tmp_path):
    """A server whose topic `train` starts the pipeline directly; `marks` is where its tasks sign."""
    running = Server(make_home(), TRAINSHED_GRACE_SECONDS="1").start()
    marks = tmp_path / "marks"
    marks.mkdir()
    running.marks = marks
    running.pipelines = pipelines
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


def the_run(running, seconds=200):
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
    executions = rows(running, "SELECT last_known_state FROM executions WHERE name LIKE '%/tasks/%'")
    assert executions == [("COMPLETE",)] * len(tasks)
    runs = rows(running, "SELECT last_known_state FROM executions WHERE name NOT LIKE '%/tasks/%'")
    assert runs == [("COMPLETE",)]
    assert len(rows(running, "SELECT key FROM task_cache")) == len(tasks)
    artifacts = rows(running, "SELECT uri FROM artifacts")
    assert len(artifacts) == ("d" in tasks)
    events = rows(running, "SELECT type FROM events")
    assert len(events) == 2 * ("d" in tasks), "the artifact was written once and read once"
    good = rows(running, "SELECT task_id FROM attempts WHERE outcome='Succeeded'")
    assert len(good) == len(tasks)


def trigger(running, template="marked.json"):
    """Let messages start runs directly."""
    done = running.run(
        "pipelines", "triggers", "create", "direct", "--topic", "train", "--spec", f"gs://pipes/{template}"
    )
    assert done.returncode == 0, done.stderr


def deploy(running, folder):
    """Let messages start runs through a function, which asks as any client of Vertex AI does."""
    folder.mkdir()
    (folder / "main.py").write_text(MAIN)
    (folder / "requirements.txt").write_text("google-auth\nrequests\n")
    (folder / "marked.json").write_bytes((running.pipelines / "marked.json").read_bytes())
    flags = ("--trigger-topic", "train", "--source", str(folder), "--entry-point", "start")
    done = running.run("functions", "deploy", "function", *flags)
    assert done.returncode == 0, done.stderr


def receipt_of(running, name):
    """Answer the one receipt of a trigger, with its deliveries; None before it is there."""
    client = Client(running.address)
    found = client.call("GET", "/trainshed/v1/receipts", query={"trigger": name})["receipts"]
    assert len(found) < 2, found
    return client.call("GET", f"/trainshed/v1/receipts/{found[0]['receipt']}") if found else None


@pytest.mark.slow
def test_ten_kills_between_publish_and_the_end_lead_to_one_run(loop):
    trigger(loop)

    publish(loop, seconds=0.6)
    kill_and_restart(loop, moments(SEED, longest=1.2))

    run = the_run(loop)
    assert_applied_once(loop)
    receipt = receipt_of(loop, "direct")
    assert (receipt["state"], receipt["link"]) == ("STARTED", run["name"])
    deliveries = receipt["deliveries"]
    assert Counter(d["outcome"] for d in deliveries)["started"] == 1
    assert {d["outcome"] for d in deliveries} <= {"started", "joined"}
    assert {d["link"] for d in deliveries} == {run["name"]}


@pytest.mark.slow
def test_ten_kills_around_a_function_lead_to_one_run(loop, tmp_path):
    deploy(loop, tmp_path / "source")

    publish(loop, seconds=0.6)
    kill_and_restart(loop, moments(SEED, longest=1.6))

    run = the_run(loop)
    assert_applied_once(loop)
    receipt = wait_until(lambda: settled(loop, "function"), what="the receipt", story=lambda: story(loop))
    assert receipt["link"] == run["name"]
    outcomes = Counter(d["outcome"] for d in receipt["deliveries"])
    assert outcomes["started"] <= 1
    assert outcomes["started"] + outcomes["joined"] >= 1, "one more where the server died before it acknowledged"
    assert set(outcomes) <= {"started", "joined", "interrupted"}


def settled(running, name):
    receipt = receipt_of(running, name)
    last = receipt["deliveries"][-1:]
    return receipt if receipt["state"] == "STARTED" and last and last[0]["outcome"] != "interrupted" else None


@pytest.mark.slow
def test_one_message_delivered_five_times_is_one_run_and_five_deliveries(loop, tmp_path):
    deploy(loop, tmp_path / "source")
    trigger(loop, "single.json")
    script = tmp_path / "publish.py"
    script.write_text(PUBLISHER)

    done = loop.run("exec", "--", sys.executable, str(script), json.dumps({"marks": str(loop.marks), "seconds": 0}))
    assert done.returncode == 0, done.stderr
    by_way = {}
    for number in range(1, 6):
        for name in ("function", "direct"):
            found = wait_until(
                lambda n=name, k=number: delivered(loop, n, k), what="delivery", story=lambda: story(loop)
            )
            by_way[name] = found
            if number < 5:
                assert loop.run("receipts", "replay", found["receipt"]).returncode == 0

    wait_until(lambda: ended(loop), what="the end", story=lambda: story(loop))
    assert len(runs(loop)) == 2, "one for each of the two ways"
    for receipt in by_way.values():
        assert receipt["state"] == "STARTED"
        assert [d["outcome"] for d in receipt["deliveries"]] == ["started", *["joined"] * 4]
        assert {d["link"] for d in receipt["deliveries"]} == {receipt["link"]}
        assert receipt["stimulus"].endswith(f"#{done.stdout.split()[-1]}")
    assert len({r["link"] for r in by_way.values()}) == 2


def delivered(running, name, count):
    receipt = receipt_of(running, name)
    return receipt if receipt and len(receipt["deliveries"]) == count else None
