"""The task of a training pipeline is a free value for Google's types; what is wrong inside it is named all the same."""

import pytest

from trainshed.api.descriptors import from_json
from trainshed.api.services.custom_jobs import TrainingPipelines
from trainshed.errors import InvalidArgument

PACKAGE = "google.cloud.aiplatform.v1"


@pytest.mark.parametrize(
    ("inputs", "says"),
    [
        ({"workerPoolSpecs": [{"nope": 1}]}, r"trainingTaskInputs\.workerPoolSpecs\[0\]\.nope: "),
        ({"workerPoolSpecs": "x"}, r"trainingTaskInputs\.workerPoolSpecs: "),
    ],
)
def test_a_field_that_a_job_does_not_have_is_named(inputs, says):
    request = from_json(
        f"{PACKAGE}.CreateTrainingPipelineRequest",
        {
            "parent": "projects/p/locations/l",
            "trainingPipeline": {
                "displayName": "a",
                "trainingTaskDefinition": "gs://x/custom_task_1.0.0.yaml",
                "trainingTaskInputs": inputs,
            },
        },
    )
    with pytest.raises(InvalidArgument, match=says):
        TrainingPipelines(None).CreateTrainingPipeline(request)
