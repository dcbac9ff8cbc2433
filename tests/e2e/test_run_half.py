"""From a message to a run through a function: what is missing is named, and nothing is lost meanwhile."""

import subprocess
import sys
from pathlib import Path

import pytest

from trainshed.testing import wait_until

SEEDLIKE = Path(__file__).parents[1] / "fixtures" / "functions" / "seedlike"
PIPELINE = """
from kfp import compiler, dsl

@dsl.component(base_image="gcr.io/p/tasks", install_kfp_package=False)
def train(num_epochs: int, learning_rate: float) -> str:
    return f"{num_epochs} {learning_rate}"

@dsl.pipeline(name="penguins")
def penguins(num_epochs: int = 1, learning_rate: float = 0.1) -> str:
    return train(num_epochs=num_epochs, learning_rate=learning_rate).output

compiler.Compiler().compile(penguins, "penguins.json")
"""
MESSAGE = '{"num_epochs": "3", "learning_rate": "1e-2"}'
SPEC = "gs://run-half/penguins.json"


@pytest.fixture(scope="module")
def spec(tmp_path_factory, trainshed):
    folder = tmp_path_factory.mktemp("spec")
    (folder / "compile.py").write_text(PIPELINE)
    subprocess.run([sys.executable, "compile.py"], cwd=folder, check=True, capture_output=True)
    assert trainshed.run("images", "bind", "gcr.io/p/tasks", "--environment", sys.prefix).returncode == 0
    assert trainshed.run("storage", "buckets", "create", "gs://run-half").returncode == 0
    return folder / "penguins.json"


def deploy(trainshed, name, variables, *more):
    return trainshed.run(
        "functions", "deploy", name, "--region=us-central1", f"--trigger-topic=trigger-{name}", "--runtime=python37",
        f"--source={SEEDLIKE}", "--entry-point=trigger_pipeline", "--stage-bucket=gs://run-half",
        f"--update-env-vars={variables}", *more,
    )  # fmt: skip


def receipts(trainshed, name, *states):
    found = trainshed.json("receipts", "list", "--trigger", name)
    return [receipt for receipt in found if receipt["kind"] == "message" and receipt["state"] in states]


@pytest.mark.slow
def test_s39_a_missing_variable_is_named_in_the_receipt_of_the_event(trainshed, spec):
    deployed = deploy(trainshed, "unset", "PROJECT=local-project,REGION=us-central1")
    assert deployed.returncode == 0, deployed.stderr

    trainshed.run("pubsub", "topics", "publish", "trigger-unset", "--message", MESSAGE)

    (receipt,) = wait_until(lambda: receipts(trainshed, "unset", "FAILED"), what="the failed event")
    assert "The variable GCS_PIPELINE_FILE_LOCATION is not set." in receipt["reason"]
    assert "PROJECT is not set" not in receipt["reason"]


@pytest.mark.slow
def test_s37_s41_s43_a_message_that_came_before_the_spec_starts_its_run_once_the_spec_is_there(trainshed, spec):
    variables = f"PROJECT=local-project,REGION=us-central1,GCS_PIPELINE_FILE_LOCATION={SPEC}"
    deployed = deploy(trainshed, "early", variables, "--retry")
    assert deployed.returncode == 0, deployed.stderr
    assert "python37 is retired" in deployed.stderr

    trainshed.run("pubsub", "topics", "publish", "trigger-early", "--message", MESSAGE)
    (failed,) = wait_until(lambda: receipts(trainshed, "early", "FAILED"), what="the failed invocation")
    assert f"There is no compiled pipeline at {SPEC}." in failed["reason"]
    assert trainshed.run("storage", "cp", str(spec), SPEC).returncode == 0

    (receipt,) = wait_until(lambda: receipts(trainshed, "early", "STARTED"), what="the next delivery's run")
    assert receipt["receipt"] == failed["receipt"]
    run = receipt["link"].rsplit("/", 1)[1]

    def ended():
        found = trainshed.json("pipelines", "describe", run)
        return found if found["state"] in {"SUCCEEDED", "FAILED"} else None

    found = wait_until(ended, what="the end of the run")
    assert found["parameters"] == {"num_epochs": 3, "learning_rate": 0.01}
    assert found["outputs"] == {"Output": "3 0.01"}
    outcomes = [d["outcome"] for d in trainshed.json("receipts", "describe", receipt["receipt"])["deliveries"]]
    assert outcomes[0] == "crash"
    assert outcomes[-1] == "started"
    assert len(trainshed.json("pipelines", "list")) == 1
