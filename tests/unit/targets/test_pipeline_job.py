"""What Vertex AI is sent for a compiled pipeline, and what is refused before that."""

import copy
import json

import pytest

from trainshed.api import jsonpb
from trainshed.errors import InvalidArgument
from trainshed.targets.pipeline_job import pipeline_job

SPEC = {
    "pipelineInfo": {"name": "hello-world"},
    "schemaVersion": "2.1.0",
    "sdkVersion": "kfp-2.14.0",
    "deploymentSpec": {
        "executors": {"exec-hello": {"container": {"image": "python:3.11", "command": ["echo"], "args": ["hello"]}}}
    },
    "components": {"comp-hello": {"executorLabel": "exec-hello"}},
    "root": {
        "inputDefinitions": {
            "parameters": {
                "epochs": {"parameterType": "NUMBER_INTEGER", "defaultValue": 1},
                "data": {"parameterType": "STRING", "isOptional": True},
            }
        },
        "dag": {"tasks": {"hello": {"taskInfo": {"name": "hello"}, "componentRef": {"name": "comp-hello"}}}},
    },
}
ROOT = {"root": "gs://bucket/runs/"}


def job(wanted=None, *, image="python:3.11", bound=None, spec=SPEC):
    spec = copy.deepcopy(spec)
    spec["deploymentSpec"]["executors"]["exec-hello"]["container"]["image"] = image
    made = pipeline_job(json.dumps(spec), {**ROOT, **(wanted or {})}, bound=bound or {})
    jsonpb.parse(made, "google.cloud.aiplatform.v1.PipelineJob")
    return made


def test_parameters_are_typed_as_the_pipeline_declares_them():
    made = job(
        {"parameters": {"epochs": "3", "data": "gs://bucket/rows"}, "labels": {"a": "b"}, "failurePolicy": "FAIL_FAST"}
    )

    assert made["runtimeConfig"] == {
        "gcsOutputDirectory": "gs://bucket/runs",
        "parameterValues": {"epochs": 3, "data": "gs://bucket/rows"},
        "failurePolicy": "PIPELINE_FAILURE_POLICY_FAIL_FAST",
    }
    assert made["displayName"] == "hello-world"
    assert made["labels"] == {"a": "b"}


def test_schema_two_has_its_parameters_in_the_older_field():
    spec = copy.deepcopy(SPEC) | {"schemaVersion": "2.0.0"}
    spec["root"]["inputDefinitions"] = {"parameters": {"epochs": {"type": "INT"}}}

    assert job({"parameters": {"epochs": "3"}}, spec=spec)["runtimeConfig"]["parameters"] == {"epochs": {"intValue": 3}}


def test_no_caching_is_said_of_every_task():
    made = job({"caching": False})

    assert made["pipelineSpec"]["root"]["dag"]["tasks"]["hello"]["cachingOptions"] == {"enableCache": False}


@pytest.mark.parametrize(
    "image",
    [
        "python:3.11",
        "us-docker.pkg.dev/p/r/trainer:v1",
        "gcr.io/p/trainer@sha256:" + "a" * 64,
        "{{$.inputs.parameters['i']}}",
    ],
)
def test_images_of_registries_are_taken(image):
    assert job(image=image, bound={"gcr.io/p/*": "e" * 64, "python:*": "f" * 64})


@pytest.mark.parametrize(
    ("image", "why"),
    [
        ("localhost:5000/trainer", "in a registry of this machine"),
        ("gcr.io/local-project/trainer", "belongs to local-project"),
        ("my-trainer:latest", "stands for environment eeeeeeeeeeee of this machine"),
        ("Trainer", "is no name of an image"),
    ],
)
def test_an_image_of_this_machine_is_refused_with_the_way_out(image, why):
    with pytest.raises(InvalidArgument, match=f"exec-hello.container.image: .*{why}.*push it to Artifact Registry"):
        job(image=image, bound={"my-trainer*": "e" * 64})


@pytest.mark.parametrize("value", ["/data/rows", "./rows.csv", "~/rows", "file:///data"])
def test_data_of_this_machine_is_refused_with_the_way_out(value):
    with pytest.raises(InvalidArgument, match="parameters.data: .*is on this machine.*storage cp -r .*--target gcp"):
        job({"parameters": {"data": value}})


def test_defaults_and_importers_are_looked_at_as_well():
    spec = copy.deepcopy(SPEC)
    spec["root"]["inputDefinitions"]["parameters"]["data"]["defaultValue"] = "/data/rows"
    importer = {"artifactUri": {"constant": "/data/model"}, "typeSchema": {"schemaTitle": "system.Model"}}
    spec["deploymentSpec"]["executors"]["exec-import"] = {"importer": importer}

    with pytest.raises(InvalidArgument) as caught:
        job(spec=spec)
    assert [v.field for v in caught.value.violations] == [
        "parameters.data",
        "deploymentSpec.executors.exec-import.importer",
    ]
    assert job({"parameters": {"data": "gs://b/rows"}})


def test_a_relative_path_is_told_from_text_by_being_there(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/rows.csv").write_text("1")
    monkeypatch.chdir(tmp_path)

    with pytest.raises(InvalidArgument, match="is on this machine"):
        job({"parameters": {"data": "data/rows.csv"}})
    assert job({"parameters": {"data": "a/b"}})


def test_everything_wrong_is_said_at_once():
    with pytest.raises(InvalidArgument) as caught:
        job({"parameters": {"data": "/rows"}, "root": ""}, image="localhost/x")
    assert len(caught.value.violations) == 3

    with pytest.raises(
        InvalidArgument, match="parameters.epoch: the pipeline has no such parameter; it has epochs, data"
    ):
        job({"parameters": {"epoch": "3"}})
    with pytest.raises(InvalidArgument, match="parameters.epochs: 'x' is not an integer"):
        job({"parameters": {"epochs": "x"}})
