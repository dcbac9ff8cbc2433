"""Fixed values of a run trigger: typed by its pipeline, refused where they can never count."""

import pytest

from trainshed import ir
from trainshed.errors import InvalidArgument
from trainshed.runs import fixed

PARAMETERS = {
    "epochs": {"parameterType": "NUMBER_INTEGER"},
    "object_uri": {"parameterType": "STRING"},
    "rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.5},
    "sizes": {"parameterType": "LIST", "isOptional": True},
}
SPEC = {
    "pipelineInfo": {"name": "p"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.0",
    "deploymentSpec": {"executors": {"exec-a": {"container": {"image": "python:3.11", "command": ["true"]}}}},
    "components": {"comp-a": {"executorLabel": "exec-a"}},
    "root": {
        "inputDefinitions": {"parameters": PARAMETERS},
        "dag": {"tasks": {"a": {"taskInfo": {"name": "a"}, "componentRef": {"name": "comp-a"}}}},
    },
}
PLAN = ir.plan(ir.load_dict(SPEC))


@pytest.mark.parametrize(
    ("given", "typed"),
    [
        ({}, {}),
        ({"epochs": "5"}, {"epochs": 5}),
        ({"rate": 1, "sizes": "[1, 2]"}, {"rate": 1.0, "sizes": [1, 2]}),
        ({"rate": None}, {}),
        ({"object_uri": "gs://a/b"}, {"object_uri": "gs://a/b"}),
    ],
)
def test_what_is_fixed_is_typed_and_the_rest_is_left_to_others(given, typed):
    assert fixed.typed(given, PLAN, is_of_object=False) == typed


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"epochs": "many"}, "parameters.epochs: 'many' is not an integer"),
        ({"epochs": None}, "parameters.epochs: null is not an integer; leave the parameter out instead"),
        ({"epoch": 5}, "parameters.epoch: the pipeline has no such parameter; did you mean 'epochs'?"),
        ({"object_uri": "gs://a/b", "epochs": "many"}, "parameters.object_uri: is what every new object gives itself"),
        ({"epochs": "many", "rate": "fast"}, "parameters.epochs.*\n.*parameters.rate"),
    ],
)
def test_what_can_never_count_is_refused_by_its_name(given, said):
    with pytest.raises(InvalidArgument, match=said):
        fixed.typed(given, PLAN, is_of_object=True)
