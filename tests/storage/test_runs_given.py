"""Artifacts that a run is given by id: seen by its tasks, recorded as read, refused by name where they cannot be meant."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed import ir, lineage
from trainshed.errors import InvalidArgument
from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}


def a_pipeline(**definition):
    spec = runs_world.a_spec({"a": {"artifacts": {"data": "nobody.x"}}}, name="given")
    spec["root"]["inputDefinitions"] = {"artifacts": {"data": {**DATASET, **definition}}}
    spec["root"]["dag"]["tasks"]["a"]["inputs"]["artifacts"] = {"data": {"componentInputArtifact": "data"}}
    if definition.get("isOptional"):
        spec["components"]["comp-a"]["inputDefinitions"]["artifacts"]["data"] = {**DATASET, **definition}
    return spec


@pytest.fixture
def world(db, clock, tmp_path):
    world = runs_world.World(db, clock, tmp_path)
    world.seen = []

    def script(launch):
        world.seen.append(json.loads(launch.executor_input)["inputs"].get("artifacts", {}))
        return Act(output="{}")

    world.script = script
    return world


def recorded(world, uri="gs://b/raw"):
    draft = lineage.Draft(schema_title="system.Dataset", uri=uri, metadata={"rows": 3}, resource_id="raw")
    return lineage.Author(world.db, world.clock).create_artifact(draft)


def test_a_task_sees_the_artifact_and_lineage_says_that_it_was_read(world):
    artifact = recorded(world)

    run = world.finish(world.create(a_pipeline(), input_artifacts={"data": "raw"}))

    assert run.state == "SUCCEEDED", run.error
    (shown,) = world.seen[0]["data"]["artifacts"]
    assert (shown["uri"], shown["metadata"]) == ("gs://b/raw", {"rows": 3})
    found = lineage.Service(world.db).uses(str(artifact.artifact_id), 10)
    assert (len(found.makers), len(found.users)) == (0, 1)


def test_a_clone_is_given_the_same(world):
    recorded(world)
    first = world.finish(world.create(a_pipeline(), input_artifacts={"data": "raw"}))

    second = world.service.clone(first.name, {})

    assert second.input_artifacts == first.input_artifacts


def test_an_artifact_that_the_pipeline_needs_has_to_be_given_and_an_optional_one_has_not(world):
    with pytest.raises(InvalidArgument) as raised:
        world.create(a_pipeline())

    assert raised.value.message.startswith("runtimeConfig.inputArtifacts.data: the pipeline needs this artifact")
    assert world.finish(world.create(a_pipeline(isOptional=True))).state == "SUCCEEDED"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ({"data": "99"}, "data: there is no artifact '99'"),
        ({"data": "raw", "more": "raw"}, "more: the pipeline takes no artifact of this name; it takes data"),
    ],
)
def test_what_cannot_be_given_is_refused_by_name(world, given, why):
    recorded(world)

    with pytest.raises(InvalidArgument) as raised:
        world.create(a_pipeline(), input_artifacts=given)

    assert f"runtimeConfig.inputArtifacts.{why}" in raised.value.message


def test_a_job_document_brings_its_artifacts_along(world):
    document = {"pipelineSpec": a_pipeline(), "runtimeConfig": {"inputArtifacts": {"data": {"artifactId": "raw"}}}}

    assert ir.load_dict(document).runtime["inputArtifacts"] == {"data": "raw"}
    assert world.service.catalog.read(json.dumps(document).encode()).input_artifacts == {"data": "raw"}
