"""Google's clients for Cloud Build and Cloud Scheduler, unmodified: synchronous and asynchronous, gRPC and REST."""

import json
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from trainshed.testing import server

SCRIPT = Path(__file__).with_name("clients_of_builds.py")
EXPECTED = {
    "name": "SUCCESS",
    "metadata": True,
    "by_id": True,
    "by_name": True,
    "failed": "Build failed; check build logs for details",
    "listed": True,
    "cancelled": "CANCELLED",
    "retried": "x",
    "account": "projects/local-project/serviceAccounts/100000000001@cloudbuild.gserviceaccount.com",
    "pools": [],
    "pool": "400: w cannot be made",
    "trigger": True,
    "trigger_again": "409",
    "updated": ["changed", ["a"]],
    "triggers": True,
    "got": True,
    "pending": "PENDING",
    "approved": "fine",
    "deleted": "404",
    "job": ["ENABLED", "Etc/UTC", 5, 5],
    "job_again": "409",
    "job_name": "400",
    "rescheduled": "0 * * * *",
    "paused": "PAUSED",
    "resumed": "ENABLED",
    "ran": True,
    "http": ["https://us-central1-local-project.cloudfunctions.net/f", 20],
    "jobs": True,
    "gone": "404",
}


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    with server(tmp_path_factory.mktemp("clients") / "home") as made:
        assert made.run("pubsub", "topics", "create", "trigger").returncode == 0
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        yield made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}


TRANSPORTS = ("grpc", "rest", "async")


@pytest.fixture(scope="module")
def seen(environment):
    """Run all three at the same time: most of it is waiting for builds."""
    words = [sys.executable, "-W", "ignore", str(SCRIPT)]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    started = {name: subprocess.Popen([*words, name], env=environment, **pipes) for name in TRANSPORTS}
    return {name: (process.communicate(timeout=200), process.returncode) for name, process in started.items()}


@pytest.mark.parametrize("transport", TRANSPORTS)
def test_every_call_of_both_clients_works(seen, transport):
    (output, errors), code = seen[transport]

    assert code == 0, errors
    found = json.loads(output)
    assert "has ended with CANCELLED" in found.pop("cancel_again")
    assert "There is no build" in found.pop("not_found")
    assert "there is no App Engine here" in found.pop("app_engine")
    assert found == EXPECTED
