"""What a request for a run becomes."""

from trainshed.api.descriptors import from_json
from trainshed.api.services.pipelines import CREATE_JOB, new_run

PARENT = "projects/p/locations/l"


def wanted(**job):
    return new_run(from_json(CREATE_JOB, {"parent": PARENT, "pipelineJobId": "j", "pipelineJob": job}))


def test_what_has_no_effect_on_one_machine_is_carried_along():
    carried = {
        "network": "projects/p/global/networks/n",
        "encryptionSpec": {"kmsKeyName": "k"},
        "reservedIpRanges": ["r"],
        "preflightValidations": True,
    }

    assert wanted(displayName="d", **carried).carried == carried
    assert wanted(displayName="d").carried == {}


def test_parameters_of_both_schemas_artifacts_and_policies_are_read():
    config = {
        "parameters": {"old": {"intValue": "3"}},
        "parameterValues": {"new": 4, "rate": 0.5},
        "inputArtifacts": {"data": {"artifactId": "raw"}},
        "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
        "gcsOutputDirectory": "gs://b/root",
    }

    found = wanted(runtimeConfig=config)

    assert found.parameters == {"old": 3, "new": 4, "rate": 0.5}
    assert (found.input_artifacts, found.failure_policy, found.root) == ({"data": "raw"}, "FAIL_FAST", "gs://b/root")
