"""The real gcloud runs custom jobs and shows what they print. Skips, saying so, where it is not installed."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest

from trainshed.client import Client
from trainshed.testing import server, wait_until

IMAGE = "gcr.io/p/told"

pytestmark = [
    pytest.mark.skipif(shutil.which("gcloud") is None, reason="gcloud is not on this machine"),
    pytest.mark.slow,
    pytest.mark.timeout(400),
]


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    with server(tmp_path_factory.mktemp("ai") / "home") as made:
        bound = made.run("images", "bind", IMAGE, "--environment", sys.prefix)
        assert bound.returncode == 0, bound.stderr
        lines = made.run("exec", "--print").stdout.splitlines()
        pairs = (line.removeprefix("export ").partition("=") for line in lines)
        made.variables = made.environment | {name: shlex.split(value)[0] for name, _, value in pairs}
        yield made


def gcloud(running, *words):
    command = ("gcloud", "ai", *words, "--region", "us-central1")
    return subprocess.run(command, env=running.variables, capture_output=True, text=True, timeout=100)


def test_gcloud_creates_describes_lists_and_streams_a_custom_job(running, tmp_path):
    config = tmp_path / "job.json"
    container = {"imageUri": IMAGE, "command": ["python3", "-c"], "args": ["print('trained', flush=True)"]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1, "containerSpec": container}
    config.write_text(json.dumps({"workerPoolSpecs": [pool]}))

    created = gcloud(running, "custom-jobs", "create", "--display-name", "by gcloud", "--config", str(config))
    assert created.returncode == 0, created.stderr
    (name,) = [word for word in created.stderr.replace("[", " ").replace("]", " ").split() if "/customJobs/" in word][
        :1
    ]
    number = name.rsplit("/", 1)[-1]
    streamed = gcloud(running, "custom-jobs", "stream-logs", number, "--polling-interval", "1")
    described = gcloud(running, "custom-jobs", "describe", number, "--format", "json")
    listed = gcloud(running, "custom-jobs", "list", "--filter", "displayName='by gcloud'", "--format", "value(state)")

    assert json.loads(described.stdout)["state"] == "JOB_STATE_SUCCEEDED", described.stderr
    assert listed.stdout.strip() == "JOB_STATE_SUCCEEDED", listed.stderr
    assert "trained" in streamed.stdout, streamed.stderr


def test_gcloud_cancels_a_custom_job_made_on_its_command_line(running):
    def jobs():
        path = "/v1/projects/local-project/locations/us-central1/customJobs"
        return [j for j in Client(running.address).call("GET", path)["customJobs"] if j["displayName"] == "slow"]

    pool = f"replica-count=1,machine-type=n1-standard-4,container-image-uri={IMAGE}"
    words = ("--command", "sleep", "--args", "600")
    created = gcloud(running, "custom-jobs", "create", "--display-name", "slow", "--worker-pool-spec", pool, *words)
    assert created.returncode == 0, created.stderr

    cancelled = gcloud(running, "custom-jobs", "cancel", jobs()[0]["name"].rsplit("/", 1)[-1])

    assert cancelled.returncode == 0, cancelled.stderr
    wait_until(lambda: jobs()[0]["state"] == "JOB_STATE_CANCELLED", what="the cancel", story=jobs)


def test_what_is_not_here_is_refused_with_one_sentence(running):
    listed = gcloud(running, "models", "list")

    assert listed.returncode != 0
    assert "is not served here" in listed.stderr
