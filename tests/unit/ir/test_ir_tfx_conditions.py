"""Conditions as TFX compiles them: on metadata and URIs of artifacts, in each form."""

import pytest

from trainshed import ir

MODEL = ir.ArtifactValue(
    name="projects/p/locations/l/metadataStores/default/artifacts/1",
    uri="gs://store/model",
    type={"instanceSchema": "title: tfx.Model\ntype: object\n"},
    metadata={"blessed": 1, "score": 0.75, "kind": "keras", "is_small": True},
)
ONE = "inputs.artifacts['model'].artifacts[0]"


def holds(condition, artifact=MODEL):
    task = ir.Task(name="Pusher", component="Pusher", display_name="Pusher", condition=condition)
    return ir.holds(task, ir.TaskInputs(artifacts={"model": [artifact]}))


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        (f"({ONE}.metadata['blessed'] == 1.0)", True),
        (f"({ONE}.metadata['blessed'] == 1)", True),
        (f"({ONE}.metadata.blessed == 1.0)", True),
        (f"({ONE}.metadata['blessed'] == 0.0)", False),
        (f"({ONE}.metadata['score'] > 0.5)", True),
        (f"({ONE}.metadata['score'] < 0.5)", False),
        (f"({ONE}.metadata['kind'] == 'keras')", True),
        (f"({ONE}.metadata['is_small'] == true)", True),
        (f"!(({ONE}.uri == 'gs://store/model'))", False),
        (f"({ONE}.uri == ('gs://store' + '/model')) && ({ONE}.metadata['kind'] == 'keras')", True),
        (f"(({ONE}.metadata['score'] > 0.9) || ({ONE}.metadata['blessed'] == 1.0))", True),
    ],
)
def test_a_condition_on_an_artifact(condition, is_met):
    assert holds(condition) is is_met


def test_a_property_that_is_not_there_is_said():
    with pytest.raises(ValueError, match="cannot be evaluated"):
        holds(f"({ONE}.metadata['unknown'] == 1.0)")


def test_a_condition_may_read_what_its_task_takes_under_another_name():
    artifact = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}
    condition = "!((inputs.artifacts['_make.out'].artifacts[0].uri == 'gs://elsewhere'))"
    made = {"taskOutputArtifact": {"producerTask": "make", "outputArtifactKey": "out"}}
    container = {"container": {"image": "tfx", "command": ["run"]}}
    document = ir.load_dict(
        {
            "schemaVersion": "2.1.0",
            "sdkVersion": "tfx-1.21.0",
            "pipelineInfo": {"name": "conditional"},
            "root": {
                "dag": {
                    "tasks": {
                        "make": {"componentRef": {"name": "make"}},
                        "use": {
                            "componentRef": {"name": "use"},
                            "inputs": {"artifacts": {"model": made}},
                            "triggerPolicy": {"condition": condition},
                        },
                    }
                }
            },
            "components": {
                "make": {"executorLabel": "run", "outputDefinitions": {"artifacts": {"out": artifact}}},
                "use": {"executorLabel": "run", "inputDefinitions": {"artifacts": {"model": artifact}}},
            },
            "deploymentSpec": {"executors": {"run": container}},
        }
    )
    assert ir.check(document) == []
    task = ir.plan(document).root.tasks["use"]
    facts = ir.RunFacts(job_name="", resource_name="", job_uuid="", root="", create_time="", schedule_time="")
    around = ir.Surroundings(
        parameters={},
        artifacts={},
        outputs=lambda _: ir.Outputs(artifacts={"out": [MODEL]}),
        final_status=lambda _: {},
    )

    assert ir.holds(task, ir.inputs_of(task, facts, around))
