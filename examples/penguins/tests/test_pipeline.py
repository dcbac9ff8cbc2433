"""The compiled pipeline."""

import argparse
import json

import pytest

from build import compile_pipeline, config

VARIABLES = {
    "PROJECT": "p",
    "REGION": "us-central1",
    "PIPELINE_NAME": "penguin-training",
    "PIPELINE_ROOT": "gs://b/root",
    "TFX_IMAGE_URI": "gcr.io/p/penguin-training:1",
    "DATA_ROOT": "gs://b/data",
    "MODULE_ROOT": "gs://b/module/",
    "SERVING_MODEL_DIR": "gs://b/serving",
}


def compiled(folder, **given):
    target = folder / "pipeline.json"
    compile_pipeline.compile_to(target, config.read(VARIABLES, **given))
    return json.loads(target.read_text())


def test_the_graph_has_the_five_tasks_and_their_artifacts(tmp_path):
    spec = compiled(tmp_path)
    tasks = spec["root"]["dag"]["tasks"]
    names = {key: task["taskInfo"]["name"] for key, task in tasks.items()}
    executors = spec["deploymentSpec"]["executors"]
    labels = {key: spec["components"][task["componentRef"]["name"]] for key, task in tasks.items()}
    containers = {key for key, part in labels.items() if "container" in executors[part["executorLabel"]]}
    artifacts = [name for key in containers for name in labels[key].get("outputDefinitions", {}).get("artifacts", {})]

    assert {names[key] for key in containers} == {"CsvExampleGen", "HyperparamsGen", "Trainer", "Evaluator", "Pusher"}
    assert sorted(artifacts) == ["evaluation", "examples", "hyperparameters", "model", "model_run", "pushed_model"]
    assert {names[key] for key in tasks.keys() - containers} == {"data", "module"}
    assert set(tasks["pusher"]["dependentTasks"]) == {"evaluator", "trainer"}


def test_the_runtime_parameters_are_typed(tmp_path):
    parameters = compiled(tmp_path)["root"]["inputDefinitions"]["parameters"]

    assert parameters["num_epochs"]["parameterType"] == "NUMBER_INTEGER"
    assert parameters["learning_rate"]["parameterType"] == "NUMBER_DOUBLE"
    assert parameters["module_file"]["defaultValue"] == "gs://b/module/trainer.py"
    assert parameters["serving_model_dir"]["defaultValue"] == "gs://b/serving"


def test_every_task_runs_in_the_image_and_installs_nothing(tmp_path):
    for name, executor in compiled(tmp_path)["deploymentSpec"]["executors"].items():
        if "container" in executor:
            assert executor["container"]["image"] == VARIABLES["TFX_IMAGE_URI"], name
            assert "pip" not in " ".join(executor["container"]["command"]).split(), name


def test_the_trainer_asks_for_its_machine(tmp_path):
    plain = compiled(tmp_path)["deploymentSpec"]["executors"]["exec-trainer"]["container"]["resources"]
    gpu = compiled(tmp_path, use_gpu=True, machine_type="n1-standard-8")
    accelerated = gpu["deploymentSpec"]["executors"]["exec-trainer"]["container"]["resources"]

    assert (plain["resourceCpuLimit"], plain["resourceMemoryLimit"]) == ("4", "15G")
    assert "accelerator" not in plain
    assert (accelerated["resourceCpuLimit"], accelerated["accelerator"]["resourceCount"]) == ("8", "1")
    assert gpu["root"]["dag"]["tasks"]["trainer"]["inputs"]["parameters"]["use_gpu"] == {
        "runtimeValue": {"constant": True}
    }


@pytest.mark.parametrize(("text", "meaning"), [("False", False), ("false", False), ("True", True), ("1", True)])
def test_the_gpu_switch_means_what_it_says(text, meaning):
    assert compile_pipeline.boolean(text) is meaning


def test_a_gpu_switch_that_is_neither_is_refused():
    with pytest.raises(argparse.ArgumentTypeError, match="'maybe' is neither true nor false"):
        compile_pipeline.boolean("maybe")


def test_missing_variables_are_all_named():
    with pytest.raises(SystemExit, match="Set PROJECT, DATA_ROOT"):
        config.read({k: v for k, v in VARIABLES.items() if k not in {"PROJECT", "DATA_ROOT"}})


def test_each_setting_comes_from_the_variable_of_its_name():
    read = config.read(VARIABLES)

    assert (read.pipeline_root, read.serving_model_dir) == ("gs://b/root", "gs://b/serving")
    assert read.module_file == "gs://b/module/trainer.py"
