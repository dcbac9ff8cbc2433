"""What else can end or fail between an event and its run: fork servers, the disk, the moment of a firing, a drain."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import threading
from collections import Counter
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from trainshed.client import Client
from trainshed.errors import TrainshedError
from trainshed.testing import Server, wait_until
from trainshed.workers.link import launch

PARENT = "projects/local-project/locations/us-central1"
SEED = int(os.environ.get("TRAINSHED_TEST_SEED", "4"))


@pytest.fixture
def started(make_home):
    """Start servers that end with the test."""
    running = []

    def start(*options, home=None, **variables):
        running.append(Server(home or make_home(), *options, **variables).start())
        return running[-1]

    yield start
    for server in running:
        server.stop()


def drawn(kills, longest):
    """Answer random moments; printed, so that a failure can be had again."""
    dice = random.Random(SEED)
    found = [round(dice.uniform(0.0, longest), 3) for _ in range(kills)]
    print(f"seed {SEED}: moments {found}")  # noqa: T201  (to have a failure again)
    return found


def pull_all(client, subscription):
    """Pull and acknowledge until nothing comes; answer each message's data, as often as it came."""
    path, found = f"/v1/projects/local-project/subscriptions/{subscription}", []
    while got := client.call("POST", f"{path}:pull", {"maxMessages": 1000, "returnImmediately": True}).get(
        "receivedMessages"
    ):
        client.call("POST", f"{path}:acknowledge", {"ackIds": [m["ackId"] for m in got]})
        found += [m["message"]["messageId"] for m in got]
    return found


def topic_with_subscription(running):
    client = Client(running.address)
    client.call("PUT", "/v1/projects/local-project/topics/train", {})
    path = "/v1/projects/local-project/subscriptions/sub"
    client.call("PUT", path, {"topic": "projects/local-project/topics/train", "ackDeadlineSeconds": 600})


def publish_until_gone(address, acknowledged):
    """Publish as fast as one client can, noting every id that came back, until the server is gone."""
    client = Client(address)
    try:
        while True:
            body = {"messages": [{"data": "eA=="}]}
            acknowledged += client.call("POST", "/v1/projects/local-project/topics/train:publish", body)["messageIds"]
    except TrainshedError:
        pass


@pytest.mark.slow
def test_r1_everything_acknowledged_by_a_killed_server_is_delivered_once(started):
    running, acknowledged = started(), []
    topic_with_subscription(running)

    for moment in drawn(4, 0.3):
        threads = [threading.Thread(target=publish_until_gone, args=(running.address, acknowledged)) for _ in range(4)]
        for thread in threads:
            thread.start()
        before = len(acknowledged)
        wait_until(lambda n=before: len(acknowledged) > n + 12, what="a dozen publishes")
        threading.Event().wait(moment)
        running.kill()
        for thread in threads:
            thread.join()
        running.start()

    pulled = Counter(pull_all(Client(running.address), "sub"))
    assert len(acknowledged) > 50
    assert not set(acknowledged) - set(pulled), "acknowledged and lost"
    assert set(pulled.values()) == {1}


def firings(running):
    """Answer how many receipts each due time has."""
    with closing(sqlite3.connect(f"file:{running.home}/trainshed.db?mode=ro", uri=True)) as connection:
        found = connection.execute("SELECT stimulus FROM receipts WHERE kind = 'firing'").fetchall()
    return Counter(datetime.fromisoformat(due) for (due,) in found)


@pytest.mark.slow
def test_r3_a_due_time_has_one_receipt_and_one_message_wherever_the_server_dies(started):
    running = started("--clock", "virtual")
    topic_with_subscription(running)
    target = ("--topic", "train", "--message-body", "x")
    done = running.run("scheduler", "jobs", "create", "pubsub", "tick", "--schedule", "* * * * *", *target)
    assert done.returncode == 0, done.stderr
    begin = datetime.fromisoformat(Client(running.address).call("GET", "/trainshed/v1/health")["time"])
    until = begin

    for moment in drawn(5, 0.2):
        until += timedelta(minutes=500)
        advance(running, until)  # the clock of the next server begins at the real time again: it jumps back each time
        threading.Event().wait(moment)
        running.kill()
        running.start()
    advance(running, until)

    first = begin.replace(second=0, microsecond=0)
    wanted = {first + timedelta(minutes=n) for n in range(1, 2501)}
    wait_until(lambda: len(firings(running)) >= len(wanted), what="every firing")
    found = firings(running)
    assert set(found) == wanted
    assert set(found.values()) == {1}
    client, pulled = Client(running.address), []  # what is due is recorded first and published then
    wait_until(lambda: pulled.extend(pull_all(client, "sub")) or len(pulled) >= len(wanted), what="every message")
    assert len(pulled) == len(set(pulled)) == len(wanted)


def advance(running, until):
    Client(running.address).call("POST", "/trainshed/v1/clock:advance", {"to": until.isoformat()})


def fork_servers(home):
    """Answer the fork servers of a home directory, without their children."""
    found = [p for p in processes(home) if b"workers/child/start.py" in Path(f"/proc/{p}/cmdline").read_bytes()]
    return [p for p in found if int(Path(f"/proc/{p}/stat").read_text().rpartition(")")[2].split()[1]) not in found]


def processes(home):
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


def start_run(running, pipelines, marks, seconds):
    """Start a run of one task and wait until that works."""
    marks.mkdir()
    given = ("--parameter", f"marks={marks}", "--parameter", f"seconds={seconds}")
    run = running.json("pipelines", "run", str(pipelines / "single.json"), *given)
    wait_until((marks / "a@1").exists, what="the task")
    return run["name"]


def test_a_killed_fork_server_costs_one_attempt_and_the_task_is_done_once(started, pipelines, tmp_path):
    running = started()
    name = start_run(running, pipelines, tmp_path / "marks", 3)

    (pid,) = fork_servers(running.home)
    os.kill(pid, signal.SIGKILL)
    done = Client(running.address).call("GET", f"/trainshed/v1/{PARENT}/runs/{name.rsplit('/', 1)[-1]}/wait")

    assert done["state"] == "SUCCEEDED"
    assert {m.name: m.read_text().split() for m in (tmp_path / "marks").iterdir()} == {
        "a@1": ["begun"],
        "a@2": ["begun", "done"],
    }
    (task,) = done["tasks"]
    assert [a["outcome"] for a in task["attempts"]] == ["LeaseLost", "Succeeded"]


def test_a_drained_server_leaves_no_process_once_the_lease_is_over(started, pipelines, tmp_path, make_home):
    running = Server(make_home(), TRAINSHED_LEASE_SECONDS="2", TRAINSHED_GRACE_SECONDS="1").start()
    start_run(running, pipelines, tmp_path / "marks", 600)
    (tmp_path / "main.py").write_text("def handle(event, context): ...\n")
    flags = ("--trigger-topic", "train", "--source", str(tmp_path), "--entry-point", "handle", "--min-instances", "1")
    assert running.run("functions", "deploy", "idle", *flags).returncode == 0
    assert len(processes(running.home)) >= 3, "server, fork server, instance"

    assert running.stop() == 0

    wait_until(lambda: not processes(running.home), what="the end of every process")


def test_an_orphaned_fork_server_does_not_take_the_socket_of_its_successor_along(make_home, pipelines, tmp_path):
    home = make_home()
    environment = next(p for p in (home / "environments").iterdir() if (p / "bin/python").exists())
    socket = tmp_path / "s.sock"
    lessons = {"lessons_path": str(tmp_path / "lessons"), "learned": False}
    options = {"socket_path": str(socket), "spool_folder": str(tmp_path), "idle_seconds": 60.0, "modules": []} | lessons
    orphan = launch(environment / "bin/python", {**options, "lease_seconds": 1.0}, tmp_path / "log")
    heir = launch(environment / "bin/python", {**options, "lease_seconds": 30.0}, tmp_path / "log")
    try:
        wait_until(lambda: not Path(f"/proc/{orphan}").exists() or is_zombie(orphan), what="the end of the orphan")
        assert socket.exists()
    finally:
        os.kill(heir, signal.SIGKILL)


def is_zombie(pid):
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 24 MiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk can be mounted by root alone: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_is_said_loses_nothing_and_is_gone_on_from(started, small_disk, tmp_path):
    running = started(home=small_disk / "home")
    topic_with_subscription(running)
    assert running.run("storage", "buckets", "create", "gs://data").returncode == 0
    (tmp_path / "file").write_bytes(b"x" * 1_000_000)
    publish = ("pubsub", "topics", "publish", "train", "--message", "x" * 50_000)
    acknowledged = running.json(*publish)["messageIds"]
    fill(small_disk / "rest")

    refused = None
    for _ in range(30):
        done = running.run(*publish, "--format", "json")
        if done.returncode:
            refused = done
            break
        acknowledged += json.loads(done.stdout)["messageIds"]
    uploaded = running.run("storage", "cp", str(tmp_path / "file"), "gs://data/file")
    (small_disk / "rest").unlink()
    acknowledged += running.json(*publish)["messageIds"]
    again = running.run("storage", "cp", str(tmp_path / "file"), "gs://data/file")

    for said in (refused, uploaded):
        assert said is not None
        assert said.returncode == 2
        assert said.stderr.startswith("ERROR: (RESOURCE_EXHAUSTED) The disk")
        assert len(said.stderr.splitlines()) == 1
    assert again.returncode == 0, again.stderr
    running.kill()
    running.start()
    assert sorted(pull_all(Client(running.address), "sub"), key=int) == acknowledged


def fill(path):
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096) == 4096:
                continue
        except OSError:
            return
