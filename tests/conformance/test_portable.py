"""One compiled document for several orchestrators, and what it asks of a machine."""

import json
import os
import subprocess
import sys
from datetime import datetime

import pytest

from trainshed.testing import server

PIPELINE = """
import sys
from kfp import compiler, dsl


@dsl.component(base_image="gcr.io/p/tasks", install_kfp_package=False)
def write(num_epochs: int, model: dsl.Output[dsl.Model]):
    import time
    time.sleep(0.3)
    with open(model.path, "w") as file:
        file.write("x" * num_epochs)


@dsl.component(base_image="gcr.io/p/tasks", install_kfp_package=False)
def read(left: dsl.Input[dsl.Model], right: dsl.Input[dsl.Model]) -> str:
    return open(left.path).read() + "/" + open(right.path).read()


@dsl.pipeline(name="portable")
def portable(num_epochs: int = 1) -> str:
    left = write(num_epochs=num_epochs).set_cpu_limit(sys.argv[1]).set_memory_limit("1G")
    right = write(num_epochs=2).set_cpu_limit(sys.argv[1]).set_memory_limit("1G")
    return read(left=left.outputs["model"], right=right.outputs["model"]).output


compiler.Compiler().compile(portable, sys.argv[2])
"""
KFP_LOCAL = """
import sys
from kfp import components, local

local.init(runner=local.SubprocessRunner(use_venv=False), pipeline_root=sys.argv[2], raise_on_error=True)
print("OUTPUT", components.load_component_from_file(sys.argv[1])(num_epochs=3).output)
"""


def python(*arguments, folder):
    done = subprocess.run(
        [sys.executable, "-W", "ignore", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def spec(tmp_path_factory):
    folder = tmp_path_factory.mktemp("portable")
    (folder / "pipeline.py").write_text(PIPELINE)
    python("pipeline.py", str(os.cpu_count()), "portable.json", folder=folder)
    return folder / "portable.json"


@pytest.fixture(scope="module")
def run(spec, make_home):
    with server(make_home()) as running:
        assert running.run("images", "bind", "gcr.io/p/tasks", "--environment", sys.prefix).returncode == 0
        done = running.json("pipelines", "run", str(spec), "--parameter", "num_epochs=3", "--wait")
        yield running.json("pipelines", "describe", done["name"].rsplit("/", 1)[1])


def test_s17_the_same_document_gives_the_same_here_and_under_kfp(spec, run, tmp_path):
    theirs = python("-c", KFP_LOCAL, str(spec), str(tmp_path), folder=tmp_path)

    assert run["state"] == "SUCCEEDED", run["error"]
    assert run["outputs"] == {"Output": "xxx/xx"}
    assert "OUTPUT xxx/xx" in theirs


def test_s26_a_task_waits_until_the_machine_has_the_cores_it_asks_for(spec, run):
    wanted = json.loads(spec.read_text())["deploymentSpec"]["executors"]["exec-write"]["container"]["resources"]
    both = [task for task in run["tasks"] if task["name"].rsplit(".", 1)[-1].startswith("write")]

    (first, second) = sorted(
        (datetime.fromisoformat(task["attempts"][0]["start_time"]), datetime.fromisoformat(task["attempts"][0]["end_time"]))
        for task in both
    )  # fmt: skip
    assert first[1] <= second[0], "each asked for every core, so one went after the other"
    assert {task["cpus"] for task in both} == {float(os.cpu_count())}
    assert {task["memoryBytes"] for task in both} == {10**9}
    assert wanted["resourceCpuLimit"] == str(os.cpu_count()), "and Vertex is asked for the same"
