"""The shipped examples, in the environment that their image stands for."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from uv import find_uv_bin

from trainshed.builds import config as build_config
from trainshed.builds import plan as build_plan

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
PENGUINS = EXAMPLES / "penguins"
BUILT_IN = {"PROJECT_ID": "p", "BUILD_ID": "b", "PROJECT_NUMBER": "1", "LOCATION": "us-central1"}
KEYS = [
    "_REPO_URL",
    "_BRANCH",
    "_PROJECT",
    "_REGION",
    "_PIPELINE_NAME",
    "_PIPELINE_ROOT",
    "_MODULE_ROOT",
    "_DATA_ROOT",
    "_SERVING_MODEL_DIR",
    "_CICD_IMAGE_URI",
    "_TFX_IMAGE_URI",
]
VARIABLES = {
    "PROJECT": "p",
    "REGION": "us-central1",
    "PIPELINE_NAME": "penguin-training",
    "PIPELINE_ROOT": "gs://b/root",
    "TFX_IMAGE_URI": "gcr.io/p/penguin-training:1",
    "DATA_ROOT": "gs://b/data",
    "MODULE_ROOT": "gs://b/module",
    "SERVING_MODEL_DIR": "gs://b/serving",
    "OUTPUT_DIR": "gs://b/embeddings",
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]


def environment_of(folder, requirements):
    subprocess.run([find_uv_bin(), "venv", "--quiet", "--python", sys.executable, folder], check=True)
    python = folder / "bin" / "python"
    subprocess.run([find_uv_bin(), "pip", "install", "--quiet", "--python", python, "-r", requirements], check=True)
    return python


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    """The Python of the tasks' image."""
    return environment_of(tmp_path_factory.mktemp("image") / "venv", PENGUINS / "requirements.txt")


@pytest.fixture(scope="module")
def compiler(tmp_path_factory):
    """The Python of the image that compiles and tests."""
    return environment_of(tmp_path_factory.mktemp("compiler") / "venv", PENGUINS / "requirements-compile.txt")


def run(python, *arguments, folder, **variables):
    plain = {k: v for k, v in os.environ.items() if not k.startswith(("PYTEST", "PYTHON"))}
    done = subprocess.run(
        [python, *arguments], cwd=folder, env=plain | variables, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def seen(image, tmp_path_factory):
    """What came of calling every component once."""
    work = tmp_path_factory.mktemp("work")
    driver = Path(__file__).with_name("penguin_driver.py")
    output = run(image, str(driver), str(EXAMPLES), str(work), folder=work, PYTHONDONTWRITEBYTECODE="1")
    return json.loads(output.rpartition("RESULTS ")[2])


def compiled(python, example, folder, script, *arguments):
    project = shutil.copytree(example, folder / "project")
    run(python, script, *arguments, folder=project, **VARIABLES)
    return json.loads(next(project.glob("*.json")).read_text())


def test_s21_the_data_ships_with_the_seeds_columns():
    header, *lines = (PENGUINS / "data" / "penguins_processed.csv").read_text().splitlines()
    rows = [line.split(",") for line in lines]

    assert header == "species,culmen_length_mm,culmen_depth_mm,flipper_length_mm,body_mass_g"
    assert len(rows) == 333
    assert {row[0] for row in rows} == {"0", "1", "2"}
    assert all(0.0 <= float(value) <= 1.0 for row in rows for value in row[1:])
    assert "CC0" in (PENGUINS / "data" / "README.md").read_text()


def test_s22_s23_the_compiled_pipeline_has_the_tasks_artifacts_and_parameters(compiler, tmp_path):
    spec = compiled(compiler, PENGUINS, tmp_path, "build/compile_pipeline.py", "--use-gpu", "False")
    tasks = spec["root"]["dag"]["tasks"]
    labels = {task["taskInfo"]["name"] for task in tasks.values()}
    outputs = [
        name
        for key, component in spec["components"].items()
        if not key.startswith("comp-importer")
        for name in component.get("outputDefinitions", {}).get("artifacts", {})
    ]
    parameters = spec["root"]["inputDefinitions"]["parameters"]

    assert labels == {"CsvExampleGen", "HyperparamsGen", "Trainer", "Evaluator", "Pusher", "data", "module"}
    assert sorted(outputs) == ["evaluation", "examples", "hyperparameters", "model", "model_run", "pushed_model"]
    assert parameters["num_epochs"]["parameterType"] == "NUMBER_INTEGER"
    assert parameters["learning_rate"]["parameterType"] == "NUMBER_DOUBLE"
    assert spec["defaultPipelineRoot"] == VARIABLES["PIPELINE_ROOT"]


def test_s26_the_trainer_asks_for_a_machine_and_on_demand_for_a_gpu(compiler, tmp_path):
    spec = compiled(compiler, PENGUINS, tmp_path, "build/compile_pipeline.py", "--use-gpu", "True")
    wanted = spec["deploymentSpec"]["executors"]["exec-trainer"]["container"]

    assert wanted["image"] == VARIABLES["TFX_IMAGE_URI"]
    assert (wanted["resources"]["resourceCpuLimit"], wanted["resources"]["resourceMemoryLimit"]) == ("4", "15G")
    assert wanted["resources"]["accelerator"]["resourceCount"] == "1"


def test_s24_hyperparameters_are_a_file_that_the_trainer_reads(seen):
    assert seen["hyperparameters"] == {"num_epochs": 3, "learning_rate": 0.01}
    assert "Training for 2 epochs of 100 steps, learning rate 0.02." in seen["wider_said"]
    assert seen["seen_by_trainer"]["hyperparameters"] == {"num_epochs": 3, "learning_rate": 0.01}


def test_s25_the_net_learns_and_does_so_the_same_way_each_time(seen):
    source = (PENGUINS / "trainer.py").read_text()

    assert seen["layers"] == [[4, 8], [8, 8], [8, 3]]
    assert seen["seen_by_trainer"]["steps"] == [100, 5]
    assert "batches(fn_args.train_files, TRAIN_BATCH_SIZE" in source
    assert "TRAIN_BATCH_SIZE = 20\nEVAL_BATCH_SIZE = 10\n" in source
    assert seen["model"]["val_accuracy"] > 0.9
    assert seen["again"] == seen["model"]
    assert seen["scored_alike"] < 1e-4


def test_s27_without_a_gpu_the_trainer_says_so_and_trains_here(seen):
    assert "this machine has none that TensorFlow can use: training on the CPU" in seen["wider_said"]
    assert seen["wider"]["accuracy"] > 0.9


def test_s27_with_a_gpu_the_trainer_mirrors_the_model_over_it(seen):
    assert seen["strategies"] == ["_DefaultDistributionStrategy", "MirroredStrategy"]


def test_s28_another_module_file_is_another_model_in_the_same_image(seen):
    assert seen["wider_width"] == 4


def test_s29_the_pusher_makes_versions(seen):
    first, second = seen["first"]["pushed_version"], seen["wider"]["pushed_version"]

    assert seen["versions"] == [first, second, "LATEST.json"]
    assert seen["first"]["type_name"] == "PushedModel"
    assert "saved_model.pb" in seen["files"]


def test_the_gate_has_no_baseline_at_first_and_blocks_a_bad_model(seen):
    assert "no model is served yet" in seen["first"]["verdict"]
    assert seen["wider"]["baseline_accuracy"] == seen["first"]["accuracy"]
    assert "is below the threshold" in seen["untrained"]["refused"]


def test_s56_embeddings_are_written_for_every_row(seen):
    header, row = seen["exported"][0]

    assert seen["embeddings"] == {"rows": 333, "model_version": seen["wider"]["pushed_version"], "width": 4}
    assert header == "predicted,certainty,embedding_0,embedding_1,embedding_2,embedding_3"
    assert row.startswith("Adelie,")


def test_s56_monitoring_measures_the_newest_rows_and_fails_below_its_threshold(seen):
    assert seen["monitored"]["rows"] == 50
    assert seen["monitored"]["accuracy"] > 0.9
    assert "on the newest 50 rows, which is below 1.100" in seen["degraded"]["refused"]


@pytest.mark.parametrize("example", ["batch_prediction", "model_monitoring"])
def test_s56_the_scheduled_pipelines_compile(compiler, tmp_path, example):
    spec = compiled(compiler, EXAMPLES / example, tmp_path, "pipeline.py")
    images = [e["container"]["image"] for e in spec["deploymentSpec"]["executors"].values() if "container" in e]

    assert images == [VARIABLES["TFX_IMAGE_URI"]]


@pytest.mark.parametrize("example", ["penguins", "batch_prediction", "model_monitoring"])
def test_s57_the_schedules_are_hourly(example):
    declared = yaml.safe_load((EXAMPLES / example / "trainshed.yaml").read_text())

    assert [schedule["schedule"] for schedule in declared["schedules"]] == ["0 * * * *"]
    assert {schedule["topic"] for schedule in declared["schedules"]} <= {t["name"] for t in declared["topics"]}


def test_s65_the_examples_tests_pass_and_a_failing_one_would_stop_the_build(compiler, tmp_path):
    project = shutil.copytree(PENGUINS, tmp_path / "project")
    output = run(compiler, "-m", "pytest", "-q", "tests", folder=project)
    steps = yaml.safe_load((PENGUINS / "on-push" / "modules.yaml").read_text())["steps"]

    assert " passed" in output
    assert [step["id"] for step in steps] == ["Test", "Upload Module", "Start Run"]
    assert steps[0]["args"] == ["-m", "pytest", "-q", "tests"]
    assert not any("waitFor" in step or step.get("allowFailure") for step in steps)


def test_s04_the_build_config_takes_the_eleven_keys_and_builds_image_and_pipeline_at_once():
    document = yaml.safe_load((PENGUINS / "cloudbuild.yaml").read_text())
    values = dict.fromkeys(KEYS, "x")

    checked = build_config.check(document, built_in=BUILT_IN, given=values)
    waits, _ = build_plan.after(document["steps"])

    assert len(document["steps"]) == 4
    assert len(KEYS) == 11
    assert [tuple(wait) for wait in waits] == [(), (0,), (0,), (2,)]
    assert checked.config.images == ("x",)
