"""What documents of TFX lack, and get."""

import json

from trainshed.ir import Shell, read_stored, recognise
from trainshed.ir.tfx import completed


def a_task(component, *, parameters=None, artifacts=None, condition=""):
    inputs = {"parameters": parameters or {}, "artifacts": artifacts or {}}
    return {"componentRef": {"name": component}, "inputs": inputs, "triggerPolicy": {"condition": condition}}


def of_task(task, key):
    return {"taskOutputParameter": {"producerTask": task, "outputParameterKey": key}}


def made_by(task, key):
    return {"taskOutputArtifact": {"producerTask": task, "outputArtifactKey": key}}


def a_document(tasks, *, sdk="tfx-1.21.0", components=None, parameters=()):
    root = {"dag": {"tasks": tasks}, "inputDefinitions": {"parameters": {name: {"type": "INT"} for name in parameters}}}
    return {"sdkVersion": sdk, "root": root, "components": components or {}}


def test_a_producer_is_found_without_the_suffix_that_its_task_does_not_have():
    taken = a_task("b", parameters={"x": of_task("a_task", "x"), "y": of_task("c_task", "y")})
    document = a_document({"a": a_task("a"), "c_task": a_task("c"), "b": taken})

    found = completed(document)["root"]["dag"]["tasks"]["b"]["inputs"]["parameters"]

    assert [one["taskOutputParameter"]["producerTask"] for one in found.values()] == ["a", "c_task"]
    assert document["root"]["dag"]["tasks"]["b"] == taken  # what was given is left as it was


def test_parts_of_a_document_that_are_one_object_are_completed_each_for_itself():
    taken = a_task("b", parameters={"x": of_task("a_task", "x")})
    inner = {"dag": {"tasks": {"a_task": a_task("a"), "b": taken}}}
    document = a_document({"a": a_task("a"), "b": taken}, components={"inner": inner})

    found = completed(read_stored(json.dumps(document)))

    assert found == completed(document)
    inside = found["components"]["inner"]["dag"]["tasks"]["b"]["inputs"]["parameters"]["x"]
    assert inside["taskOutputParameter"]["producerTask"] == "a_task"


def test_tasks_below_an_exit_handler_get_the_parameters_of_the_pipeline():
    inside = {"train": a_task("train", parameters={"steps": {"componentInputParameter": "steps"}})}
    document = a_document(
        {"tfx-dag": {"componentRef": {"name": "tfx-dag"}}},
        components={"tfx-dag": {"dag": {"tasks": inside}}, "train": {}},
        parameters=("steps", "unused"),
    )

    found = completed(document)

    assert found["components"]["tfx-dag"]["inputDefinitions"] == {"parameters": {"steps": {"type": "INT"}}}
    given = found["root"]["dag"]["tasks"]["tfx-dag"]["inputs"]
    assert given == {"parameters": {"steps": {"componentInputParameter": "steps"}}}


def test_a_condition_reads_what_its_task_takes_under_another_name():
    condition = "!((inputs.artifacts['_make.out'].artifacts[0].uri == 'uri')) && inputs.artifacts['_other.out']"
    definitions = {"artifacts": {"model": {"artifactType": {"schemaTitle": "tfx.Model"}}}}
    document = a_document(
        {
            "make": a_task("make"),
            "use": a_task("use", artifacts={"model": made_by("make", "out")}, condition=condition),
        },
        components={"use": {"inputDefinitions": definitions}},
    )

    found = completed(document)

    assert found["root"]["dag"]["tasks"]["use"]["inputs"]["artifacts"] == {
        "model": made_by("make", "out"),
        "_make.out": made_by("make", "out"),
    }
    assert set(found["components"]["use"]["inputDefinitions"]["artifacts"]) == {"model", "_make.out"}


def test_documents_of_others_are_left_alone():
    document = a_document(
        {"b": a_task("b", parameters={"x": of_task("a_task", "x")}), "a": a_task("a")}, sdk="kfp-2.14.3"
    )

    assert completed(document) is document


def test_a_container_without_a_command_runs_tfxs_entry_point():
    arguments = ["--executor_class_path", "tfx.components.pusher.executor.Executor"]

    found = recognise({"image": "tensorflow/tfx", "args": arguments})

    module = "tfx.orchestration.kubeflow.v2.container.kubeflow_v2_run_executor"
    assert found == Shell(command=("python", "-m", module, *arguments))
