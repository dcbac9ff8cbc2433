"""From a notebook's cells to a compiled pipeline that runs: one build of a project like the reference's, then its image."""

import json
import os
import re
import shlex
import subprocess
import sys

import pytest

CONFIG = """\
steps:

# Clone the repository.
- name: 'gcr.io/cloud-builders/git'
  args: ['clone', '--single-branch', '--branch',
         '$_BRANCH', '$_REPO_URL',
         '--depth', '1',
         '--verbose']
  id: 'Clone Repository'

# Build the image that encapsulates the pipeline.
- name: 'gcr.io/cloud-builders/docker'
  args: ['build', '-t', '$_TFX_IMAGE_URI', '.']
  dir: 'Some-Project'
  id: 'Build TFX Image'
  waitFor: ['Clone Repository']

# Compile the pipeline.
- name: '$_CICD_IMAGE_URI'
  entrypoint: 'python'
  args: ['build/compile_pipeline.py',
          '--use-gpu', "False"
        ]
  dir: 'Some-Project'
  env:
  - 'PROJECT=$_PROJECT'
  - 'REGION=$_REGION'
  - 'PIPELINE_NAME=$_PIPELINE_NAME'
  - 'PIPELINE_ROOT=$_PIPELINE_ROOT'
  - 'TFX_IMAGE_URI=$_TFX_IMAGE_URI'
  - 'DATA_ROOT=$_DATA_ROOT'
  - 'MODULE_ROOT=$_MODULE_ROOT'
  - 'SERVING_MODEL_DIR=$_SERVING_MODEL_DIR'
  id: 'Compile Pipeline'
  waitFor: ['Clone Repository']

# Upload compiled pipeline to GCS.
- name: 'gcr.io/cloud-builders/gsutil'
  args: ['cp', '$_PIPELINE_NAME.json', '$_PIPELINE_ROOT/']
  dir: 'Some-Project'
  id:  'Upload Pipeline to GCS'
  waitFor: ['Compile Pipeline']

# Push TFX Image to Container Registry.
images: ['$_TFX_IMAGE_URI']
"""
COMPILE = """\
import argparse, os
from kfp import compiler, dsl

parser = argparse.ArgumentParser()
parser.add_argument("--use-gpu")
assert parser.parse_args().use_gpu == "False"
SEEN = {name: os.environ[name] for name in (
    "PROJECT", "REGION", "PIPELINE_NAME", "PIPELINE_ROOT", "TFX_IMAGE_URI", "DATA_ROOT", "MODULE_ROOT",
    "SERVING_MODEL_DIR")}


@dsl.component(base_image=SEEN["TFX_IMAGE_URI"], install_kfp_package=False)
def train(num_epochs: int, learning_rate: float) -> str:
    import os
    from utils import config
    return f"{config.VALUE} {num_epochs} {learning_rate} {os.environ['MODE']}"


@dsl.pipeline(name=SEEN["PIPELINE_NAME"], pipeline_root=SEEN["PIPELINE_ROOT"], description=repr(SEEN))
def pipeline(num_epochs: int = 1, learning_rate: float = 0.1) -> str:
    return train(num_epochs=num_epochs, learning_rate=learning_rate).output


compiler.Compiler().compile(pipeline, f"{SEEN['PIPELINE_NAME']}.json")
"""
DOCKERFILE = "FROM gcr.io/tfx-oss-public/tfx:1.0.0\nRUN mkdir -p utils\nCOPY utils/* ./utils/\nENV MODE=custom\n"
# As the notebook writes it: one quoted value, lines joined by backslashes, a line end at the end.
SUBSTITUTIONS = """\
_REPO_URL='{repository}',\\
_BRANCH=main,\\
_PROJECT=local-project,\\
_REGION=us-central1,\\
_PIPELINE_NAME=penguin-training,\\
_PIPELINE_ROOT=gs://half/pipeline_root/penguin-training,\\
_MODULE_ROOT=gs://half/pipeline_module/penguin-training,\\
_DATA_ROOT=gs://half/data/penguin-training,\\
_SERVING_MODEL_DIR=gs://half/serving_model/penguin-training,\\
_CICD_IMAGE_URI=gcr.io/tfx-oss-public/tfx:1.0.0,\\
_TFX_IMAGE_URI=gcr.io/local-project/penguin-training:1.0.0
"""
SPEC = "gs://half/pipeline_root/penguin-training/penguin-training.json"


@pytest.fixture(scope="module")
def project(tmp_path_factory, trainshed):
    folder = tmp_path_factory.mktemp("seed") / "Some-Project"
    for name, text in {
        "build/compile_pipeline.py": COMPILE,
        "utils/__init__.py": "",
        "utils/config.py": "VALUE = 'of utils'\n",
        "Dockerfile": DOCKERFILE,
        "build/pipeline-deployment.yaml": CONFIG,
    }.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    for words in (["init", "-q", "-b", "main"], ["add", "-A"], ["commit", "-q", "-m", "x"]):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], cwd=folder, check=True)
    # The public image is the environment that these tests run in: it has kfp, and nothing has to be installed.
    bound = trainshed.run("images", "bind", "gcr.io/tfx-oss-public/tfx:1.0.0", "--environment", sys.prefix)
    assert bound.returncode == 0, bound.stderr
    assert trainshed.run("storage", "buckets", "create", "gs://half").returncode == 0
    return folder


@pytest.fixture(scope="module")
def built(trainshed, project):
    """The notebook's cell, by a real shell; the output and the build."""
    values = SUBSTITUTIONS.format(repository=project.as_uri())
    command = f"{shlex.quote(sys.executable)} -m trainshed builds submit --no-source --timeout=60m "
    command += "--config build/pipeline-deployment.yaml --machine-type=e2-highcpu-8 --substitutions "
    done = subprocess.run(
        command + values, shell=True, cwd=project, env=trainshed.environment, capture_output=True, text=True, check=False
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    (build,) = trainshed.json("builds", "list", "--limit", "1")
    return done.stdout, build


def test_s02_s03_s14_the_four_steps_run_in_an_empty_workspace_and_two_of_them_at_once(built):
    output, build = built

    assert build["status"] == "SUCCESS"
    assert [step["id"] for step in build["steps"]] == [
        "Clone Repository", "Build TFX Image", "Compile Pipeline", "Upload Pipeline to GCS",
    ]  # fmt: skip
    assert "source" not in build
    assert "FETCHSOURCE" not in output
    clone, image, compiled, upload = (step["timing"] for step in build["steps"])
    assert max(image["startTime"], compiled["startTime"]) < min(image["endTime"], compiled["endTime"])
    assert clone["endTime"] <= min(image["startTime"], compiled["startTime"])
    assert compiled["endTime"] <= upload["startTime"]


def test_s04_s05_all_eleven_keys_arrive_with_the_values_that_the_shell_gives(built, project):
    _, build = built
    lines = SUBSTITUTIONS.format(repository=project.as_uri()).replace("\\\n", "").strip().split(",")
    wanted = dict(line.split("=", 1) for line in lines)
    wanted["_REPO_URL"] = project.as_uri()  # the shell takes the quotes away, and the line end

    assert len(wanted) == 11
    assert build["substitutions"] == wanted


def test_s07_the_machine_type_is_the_clouds(built, trainshed, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("steps:\n- name: bash\n  args: [-c, 'true']\n")
    submit = ("builds", "submit", "--no-source", "--config", str(config))
    assert trainshed.run(*submit, "--machine-type=n1-highcpu-8").returncode == 0

    assert built[1]["options"]["machineType"] == "E2_HIGHCPU_8"
    assert trainshed.json("builds", "list", "--limit", "1")[0]["options"]["machineType"] == "N1_HIGHCPU_8"
    assert trainshed.run(*submit, "--machine-type=huge").returncode == 2


def test_s11_s12_the_spec_compiled_with_eight_variables_lies_under_the_pipeline_root(built, trainshed):
    spec = json.loads(trainshed.run("storage", "cat", SPEC).stdout)

    assert spec["pipelineInfo"]["name"] == "penguin-training"
    assert spec["pipelineInfo"]["description"] == repr({
        "PROJECT": "local-project", "REGION": "us-central1", "PIPELINE_NAME": "penguin-training",
        "PIPELINE_ROOT": "gs://half/pipeline_root/penguin-training",
        "TFX_IMAGE_URI": "gcr.io/local-project/penguin-training:1.0.0",
        "DATA_ROOT": "gs://half/data/penguin-training", "MODULE_ROOT": "gs://half/pipeline_module/penguin-training",
        "SERVING_MODEL_DIR": "gs://half/serving_model/penguin-training",
    })  # fmt: skip
    assert built[1]["status"] == "SUCCESS"


def test_s10_s13_the_image_exists_by_the_digest_that_the_build_pushed(built, trainshed):
    output, build = built
    (pushed,) = build["results"]["images"]
    images = {image["image"]: image for image in trainshed.json("images", "list")}

    assert pushed["name"] == "gcr.io/local-project/penguin-training:1.0.0"
    assert re.fullmatch("sha256:[0-9a-f]{64}", pushed["digest"])
    assert pushed["digest"] in output.partition("\nPUSH\n")[2]
    assert pushed["name"] in images
    assert os.path.isdir(images[pushed["name"]]["snapshot"])  # noqa: PTH112


def test_s16_s17_s23_the_spec_runs_with_values_of_each_run_in_the_image_with_its_utilities(built, trainshed):
    assert built[1]["status"] == "SUCCESS"
    for epochs, rate in ((3, 0.01), (5, 0.2)):
        given = ("--parameter", f"num_epochs={epochs}", "--parameter", f"learning_rate={rate}")
        run = trainshed.json("pipelines", "run", SPEC, *given, "--wait")

        assert run["state"] == "SUCCEEDED", run["error"]
        assert run["outputs"] == {"Output": f"of utils {epochs} {rate} custom"}


def test_s60_a_run_is_priced_before_and_after(built, trainshed):
    assert built[1]["status"] == "SUCCESS"
    given = ("--parameter", "num_epochs=8")

    before = trainshed.json("pipelines", "plan", SPEC, *given)["cost"]
    done = trainshed.run("pipelines", "run", SPEC, *given, "--wait", "--job-id", "priced")
    after = trainshed.json("pipelines", "describe", "priced")["cost"]

    assert before["cloud"] >= after["cloud"] - 0.01
    assert list(after["parts"]) == ["train"]
    assert after["cloud"] == pytest.approx(0.03 + after["parts"]["train"]["cloud"], abs=2e-6)  # the run, and its task
    assert after["cloud"] < 0.04
    assert f"on Google Cloud {after['cloud']:.4f} USD" in done.stdout
    assert "It would cost" in trainshed.run("pipelines", "plan", SPEC, *given).stdout


def test_s06_a_build_that_takes_longer_than_its_timeout_is_killed_with_status_timeout(trainshed, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("steps:\n- name: bash\n  args: [-c, 'sleep 3600']\n")

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(config), "--timeout=1s")

    assert done.returncode == 1
    assert trainshed.json("builds", "list", "--limit", "1")[0]["status"] == "TIMEOUT"


def test_s13_a_push_that_fails_fails_the_build(trainshed, tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text("steps:\n- name: bash\n  args: [-c, 'true']\nimages: [gcr.io/local-project/never-built]\n")

    done = trainshed.run("builds", "submit", "--no-source", "--config", str(config))
    (build,) = trainshed.json("builds", "list", "--limit", "1")

    assert done.returncode == 1
    assert (build["status"], build["steps"][0]["status"]) == ("FAILURE", "SUCCESS")
    assert "gcr.io/local-project/never-built" in build["statusDetail"]


NOTEBOOK = """
from google.cloud.devtools import cloudbuild_v1

client = cloudbuild_v1.services.cloud_build.CloudBuildClient()
build = cloudbuild_v1.Build(steps=[{"name": "bash", "args": ["-c", "ls -A | wc -l; echo $_WHO"]}], substitutions={"_WHO": "me"})
operation = client.create_build(project_id="local-project", build=build)
print(operation.metadata.build.id)
print(operation.result(timeout=60).status.name)
"""


def test_s01_a_notebooks_cell_submits_a_build_and_gets_its_id(trainshed):
    done = trainshed.run("exec", "--", sys.executable, "-W", "ignore", "-c", NOTEBOOK)

    assert done.returncode == 0, done.stderr
    build, status = done.stdout.split()
    assert status == "SUCCESS"
    log = trainshed.run("builds", "log", build).stdout
    assert "Step #0: 0\nStep #0: me\n" in log
