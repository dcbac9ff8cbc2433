"""What a workflow of GitHub Actions becomes."""

import pytest

from trainshed.builds.triggers import rules, workflows
from trainshed.builds.triggers.rules import watches
from trainshed.errors import InvalidArgument

WORKFLOW = {
    "name": "Trigger CI/CD",
    True: {
        "push": {"branches": ["main", "release/**"], "paths": ["tfx-pipeline/**", "!**.md"]},
        "workflow_dispatch": None,
        "schedule": [{}],
    },
    "jobs": {"build": {"steps": [{"uses": "actions/checkout@v2"}, {"name": "Submit", "run": "gcloud builds submit"}]}},
}


def test_s63_a_workflow_becomes_a_trigger_and_says_what_it_left_out():
    found = workflows.read(WORKFLOW, repository="/repo", filename="tfx-pipeline/cloudbuild.yaml")

    assert found.trigger == {
        "name": "trigger-ci-cd",
        "filename": "tfx-pipeline/cloudbuild.yaml",
        "triggerTemplate": {"repoName": "/repo", "branchName": "^(?:main|release/.*)$"},
        "includedFiles": ["tfx-pipeline/**"],
        "ignoredFiles": ["**.md"],
    }
    assert found.by_hand
    assert "on.schedule" in found.left_out
    assert any("actions/checkout@v2" in item for item in found.left_out)
    watch = rules.read(rules.checked(found.trigger))
    assert watches(watch, "refs/heads/release/1")
    assert not watches(watch, "refs/heads/dev")


def test_a_workflow_without_events_is_refused():
    with pytest.raises(InvalidArgument, match="events"):
        workflows.read({"jobs": {}}, repository="")
