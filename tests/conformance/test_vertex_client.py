"""Vertex AI's own SDK against a real server: pipelines, schedules, custom jobs, training jobs, experiments."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from trainshed.testing import server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

IMAGE = "gcr.io/p/told"
SCRIPT = Path(__file__).with_name("vertex_client.py")
SUCCEEDED, ROOT = "PIPELINE_STATE_SUCCEEDED", "gs://local-project-pipelines/root"
PARTS = (
    "pipelines", "ended", "inputs", "schedules", "custom_jobs", "training", "unserved", "by_async", "experiments", "rest", "first_client",
)  # fmt: skip


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("vertex")
    with server(folder / "home", "--clock", "virtual") as running:
        bound = running.run("images", "bind", IMAGE, "--environment", sys.prefix)
        assert bound.returncode == 0, bound.stderr
        done = subprocess.run(
            [sys.executable, "-m", "trainshed", "exec", "--", sys.executable, SCRIPT, folder, IMAGE, *PARTS],
            env={**running.environment, "TRAINSHED_ADDRESS": running.address},
            capture_output=True,
            text=True,
            timeout=280,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])


def test_jobs_are_submitted_cloned_cached_and_listed(seen):
    found = seen["pipelines"]

    assert found["states"] == [SUCCEEDED] * 3
    assert found["tasks"] == [["SUCCEEDED"] * 2, ["SKIPPED"] * 2, ["SUCCEEDED"] * 2]
    assert [uri.startswith(f"{ROOT}/made-") for uri in found["made"]] == [True, True]
    assert found["policy"] == "PIPELINE_FAILURE_POLICY_FAIL_FAST"
    assert found["experiment"] == "tuning"
    assert found["listed"] == ["made", "again", "anew"]
    assert (found["newest first"], found["labelled"]) == ("made", ["again", "made"])
    assert found["simple"][1] == ["pipelineInfo"]
    assert "runtimeConfig" not in found["simple"][0]


def test_jobs_are_cancelled_and_deleted(seen):
    assert seen["ended"] == ["PIPELINE_STATE_CANCELLED", 404]


def test_a_job_is_given_artifacts(seen):
    assert seen["inputs"] == [SUCCEEDED, [True]]


def test_schedules_start_jobs_are_changed_and_completed(seen):
    assert seen["schedules"] == {
        "paused": "PAUSED",
        "changed": ["often", "*/10 * * * *", ["often"]],
        "runs": 3,
        "named": True,
        "left": [],
    }


def test_custom_jobs_run_fail_and_are_cancelled(seen):
    found = seen["custom_jobs"]

    assert (found["state"], found["labels"]) == ("JOB_STATE_SUCCEEDED", {"kind": "test"})
    assert "Task \\'workerpool0\\' failed: exited with code 1: bad luck" in found["error"]
    assert found["listed"] == ["fails", "slow", "train"]
    assert (found["failed"], found["pipelines"], found["left"]) == (["fails"], [], ["fails", "slow"])


def test_training_jobs_are_custom_jobs_inside(seen):
    assert seen["training"] == [None, SUCCEEDED, ["contained"]]


def test_experiments_keep_what_runs_log(seen):
    assert seen["experiments"] == [["run-0-1", "COMPLETE", 0.1, 0.9], ["run-0-2", "COMPLETE", 0.2, 0.8]]


def test_rest_and_asynchronous_clients_see_the_same(seen):
    assert seen["rest"] == [SUCCEEDED, "PAUSED", "JOB_STATE_SUCCEEDED"]
    assert seen["by_async"] == [True, True, 3]


def test_the_client_of_kfp_one_posts_to_the_beta(seen):
    assert seen["first_client"] == ["first-client", SUCCEEDED, {"count": 4}, {"l": "m"}]


def test_what_is_not_served_says_so(seen):
    assert seen["unserved"] == [501, True]
