"""`kill -9` around the firings of a schedule of runs: each due time has one run and one receipt; and its commands."""

import contextlib
import os
import random
import sys
import urllib.parse
import urllib.request
from datetime import UTC, datetime, timedelta
from threading import Timer

import pytest

from trainshed.client import Client
from trainshed.errors import TrainshedError
from trainshed.testing import Server, wait_until

PARENT = "projects/local-project/locations/us-central1"
SEED = int(os.environ.get("TRAINSHED_TEST_SEED", "4"))
KILLS = 3
SPEC = {
    "schemaVersion": "2.1.0",
    "pipelineInfo": {"name": "tick"},
    "root": {"dag": {"tasks": {"a": {"taskInfo": {"name": "a"}, "componentRef": {"name": "comp"}}}}},
    "components": {"comp": {"executorLabel": "exec"}},
    "deploymentSpec": {"executors": {"exec": {"container": {"image": "gcr.io/p/told", "command": ["true"]}}}},
}


def advance(running, when):
    Client(running.address).call("POST", "/trainshed/v1/clock:advance", {"to": when.isoformat()})


@pytest.mark.timeout(300)
def test_each_due_time_of_a_killed_server_starts_one_run(make_home):
    dice = random.Random(SEED)
    home = make_home()
    running = Server(home, "--clock", "virtual").start()
    try:
        assert running.run("images", "bind", "gcr.io/p/told", "--environment", sys.prefix).returncode == 0
        made = Client(running.address).call(
            "POST",
            f"/v1/{PARENT}/schedules",
            {
                "displayName": "ticks",
                "cron": "* * * * *",
                "maxConcurrentRunCount": "1",
                "createPipelineJobRequest": {"parent": PARENT, "pipelineJob": {"pipelineSpec": SPEC}},
            },
        )
        first = datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=5)
        for number in range(KILLS):
            killer = Timer(dice.uniform(0.0, 0.03), running.kill)
            killer.start()
            with contextlib.suppress(TrainshedError):  # the server may be gone before it answers
                advance(running, first + timedelta(minutes=number))
            killer.join()
            running = Server(home, "--clock", "virtual").start()
        advance(running, first + timedelta(minutes=KILLS))

        def receipts():
            query = {"trigger": made["name"], "limit": "100"}
            return Client(running.address).call("GET", "/trainshed/v1/receipts", query=query)["receipts"]

        last = (first + timedelta(minutes=KILLS)).strftime("%Y-%m-%dT%H:%M:00Z")
        wait_until(lambda: last in {r["stimulus"] for r in receipts()}, what="the last firing", story=receipts)
        found = receipts()
        runs = running.json("pipelines", "list", "--filter", f"schedule_name={made['name']}", "--limit", "100")
        started = {r["stimulus"]: r["link"] for r in found if r["state"] == "STARTED"}

        assert len(found) == len({r["stimulus"] for r in found})
        assert set(started) >= {
            (first + timedelta(minutes=n)).strftime("%Y-%m-%dT%H:%M:00Z") for n in range(1, KILLS + 1)
        }
        assert sorted(started.values()) == sorted(r["name"] for r in runs)
        assert_pages(running, made["name"], len(runs))
        assert_commands(running, made["name"].rsplit("/", 1)[-1], len(runs))
    finally:
        running.stop()


def assert_pages(running, name, started):
    def page(path):
        with urllib.request.urlopen(running.address + path, timeout=90) as answer:
            return answer.read().decode()

    assert "ticks" in page("/schedules")
    assert f"{started} started of any number" in page(f"/schedules/{urllib.parse.quote(name)}")


def assert_commands(running, schedule, started):
    (row,) = running.run("pipelines", "schedules", "list").stdout.splitlines()[1:]
    paused = running.run("pipelines", "schedules", "pause", schedule)
    described = running.run("pipelines", "schedules", "describe", schedule).stdout
    resumed = running.json("pipelines", "schedules", "resume", schedule, "--catch-up")
    deleted = running.run("pipelines", "schedules", "delete", schedule)

    assert row.split()[:2] == [schedule, "ticks"]
    assert row.split()[-1] == str(started)
    assert paused.stdout == f"Schedule [{schedule}] is PAUSED.\n"
    assert "lastPauseTime: " in described
    assert "createPipelineJobRequest" not in described
    assert (resumed["state"], resumed["catchUp"]) == ("ACTIVE", True)
    assert deleted.stdout == f"Deleted schedule [{schedule}].\n"
    assert running.json("pipelines", "schedules", "list") == []
