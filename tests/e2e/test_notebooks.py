"""The reference's notebooks, cell by cell: with our commands, which take gcloud's words; by `make originals` with gcloud.

Only identifiers differ, and the base image, which stands for the environment that the tests run in. The function is the
reference's in today's terms, deployed with the reference's flags.
"""

import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.test_build_half import COMPILE, CONFIG, DOCKERFILE, SPEC, SUBSTITUTIONS

from trainshed.testing import wait_until

CELLS = Path(__file__).with_name("notebooks")
FUNCTION = Path(__file__).parents[1] / "fixtures" / "functions" / "seedlike"
OURS = f"{shlex.quote(sys.executable)} -m trainshed"
HAS_GCLOUD = "TRAINSHED_ORIGINALS" in os.environ and shutil.which("gcloud") is not None
ROOT = SPEC.rpartition("/")[0]


@pytest.fixture(scope="module")
def notebook(trainshed, tmp_path_factory):
    """Answer how a cell is run: under `trainshed exec`, in the project's folder."""
    folder = tmp_path_factory.mktemp("notebook") / "Some-Project"
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
    assert (
        trainshed.run("images", "bind", "gcr.io/tfx-oss-public/tfx:1.0.0", "--environment", sys.prefix).returncode == 0
    )
    assert trainshed.run("storage", "buckets", "create", "gs://half").returncode == 0
    tools = (
        {"GCLOUD": "gcloud", "STORAGE": "gcloud storage"}
        if HAS_GCLOUD
        else {"GCLOUD": OURS, "STORAGE": f"{OURS} storage"}
    )

    def run(cell, **variables):
        words = ["bash"] if cell.endswith(".sh") else [sys.executable, "-W", "ignore"]
        done = subprocess.run(
            [sys.executable, "-m", "trainshed", "exec", "--", *words, str(CELLS / cell)],
            env={**trainshed.environment, **tools, "SPEC": SPEC, **variables},
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=500,
            check=False,
        )
        assert done.returncode == 0, f"{cell}: {done.stdout}{done.stderr}"
        return done.stdout

    run.folder = folder
    return run


def runs(trainshed, **parameters):
    found = trainshed.json("pipelines", "list")
    described = [trainshed.json("pipelines", "describe", run["name"].rsplit("/", 1)[1]) for run in found]
    return [run for run in described if run["parameters"] == parameters and run["state"] == "SUCCEEDED"]


@pytest.mark.slow
def test_the_notebooks_cells_build_deploy_publish_and_schedule(trainshed, notebook):
    values = SUBSTITUTIONS.format(repository=notebook.folder.as_uri())
    built = notebook("cloud_build.sh", SUBSTITUTIONS=values, PIPELINE_ROOT=ROOT)
    assert "SUCCESS" in built
    assert SPEC in built

    submitted = notebook("submit_pipeline.py").rpartition("/")[2]
    (found,) = wait_until(lambda: runs(trainshed, num_epochs=3, learning_rate=0.01), what="the submitted run")
    assert (found["name"].rpartition("/")[2], found["outputs"]) == (submitted, {"Output": "of utils 3 0.01 custom"})

    topic = {"TOPIC": "trigger-penguin-training"}
    notebook(
        "function_trigger.sh", FUNCTION="trigger-function", SOURCE=str(FUNCTION), STAGE_BUCKET="gs://half", **topic
    )
    notebook("publish_message.py", **topic)
    wait_until(lambda: runs(trainshed, num_epochs=2, learning_rate=0.01), what="the run that the message asks for")

    body = json.dumps(json.dumps({"num_epochs": "4", "learning_rate": "1e-2"}))  # once for the shell, as the notebook
    notebook("scheduler_trigger.sh", JOB="by-gcloud", BODY=body, **topic)
    made = json.loads(notebook("scheduler_client.py", JOB="by-client", **topic))
    assert made == {
        "name": "projects/local-project/locations/us-central1/jobs/by-client",
        "state": "ENABLED",
    }
    for parameters in ({"num_epochs": 4, "learning_rate": 0.01}, {"num_epochs": 5, "learning_rate": 0.001}):
        (run,) = wait_until(lambda p=parameters: runs(trainshed, **p), what=f"the run with {parameters}")
        expected = f"of utils {parameters['num_epochs']} {parameters['learning_rate']} custom"
        assert run["outputs"] == {"Output": expected}
