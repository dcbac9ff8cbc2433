"""Nested runs through Google's own SDK: details of tasks, errors, lists, cancel."""

import json
import subprocess
import sys

import pytest
from tests.e2e.run_pipelines import compile_for

from trainshed.testing import server

SDK = """
import json, sys
from google.api_core.exceptions import InvalidArgument
from google.cloud import aiplatform

specs, folder = sys.argv[1:]
aiplatform.init(project="local-project", location="us-central1", staging_bucket="gs://local-project-pipelines")


def job(name, **parameters):
    made = aiplatform.PipelineJob(
        display_name=name, template_path=f"{specs}/{name}.json", parameter_values={"folder": folder, **parameters},
        pipeline_root="gs://local-project-pipelines/root", failure_policy="slow", labels={"kind": name},
    )
    made.submit()
    return made


failed = job("nested", bad=2)
try:
    failed.wait()
    error = ""
except RuntimeError as raised:
    error = str(raised)
found = aiplatform.PipelineJob.get(failed.resource_name)
details = list(found.task_details)
names = {t.task_id: t.task_unique_name for t in details}
tasks = {
    t.task_unique_name: {
        "name": t.task_name, "state": t.state.name, "parent": names.get(t.parent_task_id, ""), "error": t.error.message,
        "code": t.error.code, "attempts": [s.state.name for s in t.pipeline_task_status],
        "execution": t.execution.state.name,
    }
    for t in details
}
held = job("hopeless")
held.cancel()
try:
    held.wait()
except RuntimeError:
    pass


def listed(**wanted):
    return [j.display_name for j in aiplatform.PipelineJob.list(**wanted)]


try:
    listed(filter="colour=red")
    refused = ""
except InvalidArgument as raised:
    refused = raised.message
print(json.dumps({
    "error": error,
    "tasks": tasks,
    "policy": found.to_dict()["runtimeConfig"]["failurePolicy"],
    "cancelled": held.state.name,
    "failed": listed(filter='state="PIPELINE_STATE_FAILED"'),
    "labelled": listed(filter='labels.kind="hopeless" AND create_time>"2020-01-01T00:00:00Z"'),
    "ordered": listed(filter='display_name:"*e*"', order_by="create_time"),
    "reversed": listed(filter='display_name:"*e*"', order_by="create_time desc"),
    "refused": refused,
}))
"""


@pytest.fixture(scope="module")
def seen(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sdk")
    with server(folder / "home") as running:
        compile_for(running, folder)
        command = ["-m", "trainshed", "exec", "--", sys.executable, "-c", SDK, str(folder), str(folder)]
        done = subprocess.run(
            [sys.executable, *command],
            env=running.environment,
            capture_output=True,
            text=True,
            timeout=280,
            check=False,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_raises_with_what_failed(seen):
    assert "for-loop-3[1].count-3" in seen["error"]
    assert "failed: exited with code 3: bad luck" in seen["error"]


@pytest.mark.slow
def test_the_sdk_sees_nested_tasks_with_their_parents_states_and_attempts(seen):
    tasks = seen["tasks"]

    assert tasks["for-loop-3[1].count-3"] == {
        "name": "count-3",
        "state": "FAILED",
        "parent": "for-loop-3",
        "error": "exited with code 3: bad luck\nitem 2\nbad luck",
        "code": 9,
        "attempts": ["FAILED"],
        "execution": "FAILED",
    }
    assert tasks["inner.count-2"]["parent"] == "inner"
    assert tasks["inner"]["parent"] == ""
    assert tasks["inner"]["state"] == "SUCCEEDED"
    assert tasks["condition-1"]["state"] == "NOT_TRIGGERED"
    assert tasks["total"]["state"] == "NOT_TRIGGERED"
    assert tasks["total"]["error"] == ""


@pytest.mark.slow
def test_the_sdk_lists_by_filter_and_order(seen):
    assert seen["failed"] == ["nested"]
    assert seen["labelled"] == ["hopeless"]
    assert seen["ordered"] == ["nested", "hopeless"]
    assert seen["reversed"] == ["hopeless", "nested"]
    assert "'colour' is not a field of these" in seen["refused"]


@pytest.mark.slow
def test_the_sdk_cancels(seen):
    assert seen["cancelled"] == "PIPELINE_STATE_CANCELLED"
    assert seen["policy"] == "PIPELINE_FAILURE_POLICY_FAIL_SLOW"
