"""Pipelines by the real command line and Google's own SDK, against a real server."""

import json
import subprocess
import sys
import textwrap
import time

import pytest

from trainshed.testing import server

PIPELINE = """
from kfp import dsl


@dsl.component(base_image="python:3.11")
def train(num_epochs: int, learning_rate: float, model: dsl.Output[dsl.Model]) -> float:
    print(f"epochs={num_epochs} rate={learning_rate}", flush=True)
    with open(model.path, "w") as file:
        file.write(f"{num_epochs}")
    return learning_rate * num_epochs


@dsl.component(base_image="python:3.11")
def check(model: dsl.Input[dsl.Model], score: float, least: float) -> str:
    if score < least:
        print("the model is too weak", flush=True)
        raise SystemExit(3)
    return f"{open(model.path).read()} {score:.2f}"


@dsl.pipeline(name="penguins")
def pipeline(num_epochs: int, learning_rate: float = 0.1, least: float = 0.0) -> str:
    made = train(num_epochs=num_epochs, learning_rate=learning_rate)
    return check(model=made.outputs["model"], score=made.outputs["Output"], least=least).output
"""

SDK = """
import json, sys
from google.cloud import aiplatform

aiplatform.init(project="local-project", location="us-central1", staging_bucket="gs://local-project-pipelines")
job = aiplatform.PipelineJob(
    display_name="penguins", template_path=sys.argv[1], parameter_values={"num_epochs": 3, "learning_rate": "2e-2"},
    enable_caching=True, pipeline_root="gs://local-project-pipelines/root",
)
job.submit()
job.wait()
tasks = {t.task_name: t.state.name for t in job.task_details}
found = [j.name for j in aiplatform.PipelineJob.list(filter='display_name="penguins"')]
job.delete()
print(json.dumps({"tasks": tasks, "listed": job.name in found}))
"""


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    folder = tmp_path_factory.mktemp("pipelines")
    (folder / "pipeline.py").write_text(PIPELINE)
    with server(folder / "home") as running:
        made = running.run("pipelines", "compile", str(folder / "pipeline.py"), "-o", str(folder / "p.json"))
        assert made.returncode == 0, made.stderr
        running.folder, running.spec = folder, str(folder / "p.json")
        yield running


def test_s17_the_compiled_json_is_a_pipeline_spec_that_runs_here(world):
    document = json.loads((world.folder / "p.json").read_text())
    assert document["pipelineInfo"]["name"] == "penguins"

    given = ("--parameter", "num_epochs=3", "--parameter", "learning_rate=1e-2")
    done = world.run("pipelines", "run", world.spec, *given, "--wait", "--outputs", str(world.folder / "out.json"))

    assert done.returncode == 0, done.stderr
    assert json.loads((world.folder / "out.json").read_text()) == {"Output": "3 0.03"}


def test_s23_one_compiled_spec_runs_with_many_parameters(world):
    for epochs in ("1", "2"):
        run = world.json("pipelines", "run", world.spec, "--parameter", f"num_epochs={epochs}", "--wait")
        assert run["outputs"] == {"Output": f"{epochs} {0.1 * int(epochs):.2f}"}


def test_a_failing_task_ends_the_command_with_one_and_its_last_lines(world):
    given = ("--parameter", "num_epochs=1", "--parameter", "least=5")
    done = world.run("pipelines", "run", world.spec, *given, "--wait", "--job-id", "weak")

    assert done.returncode == 1
    assert "Task 'check' failed" in done.stderr
    assert "the model is too weak" in done.stderr
    assert "Traceback (most recent call last)" not in done.stderr.split("Task 'check'")[0]
    described = world.run("pipelines", "describe", "weak").stdout
    assert "state: FAILED" in described
    logs = world.run("pipelines", "logs", "weak").stdout
    assert "[check] the model is too weak" in logs


def test_a_deleted_run_takes_its_logs_from_the_disk(world):
    for job in ("kept", "gone"):
        given = ("--parameter", "num_epochs=77", "--no-caching", "--job-id", job)
        assert world.run("pipelines", "run", world.spec, *given, "--wait").returncode == 0
    folders = {job: list((world.home / "runs").glob(f"{job}-*")) for job in ("kept", "gone")}

    assert world.run("pipelines", "delete", "gone").returncode == 0
    deadline = time.monotonic() + 60
    while any(folder.exists() for folder in folders["gone"]) or list((world.home / "runs/.deleted").glob("*")):
        assert time.monotonic() < deadline, "its folder stays"

    assert [len(found) for found in folders.values()] == [1, 1]
    assert "epochs=77" in world.run("pipelines", "logs", "kept").stdout
    assert "no run" in world.run("pipelines", "logs", "gone").stderr.lower()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "parameters.num_epochs: the pipeline needs this parameter (an integer) and it is missing"),
        (("--parameter", "num_epochs=many"), "parameters.num_epochs: 'many' is not an integer"),
        (("--parameter", "num_epoch=1"), "did you mean 'num_epochs'?"),
        (("--parameter", "num_epochs"), "--parameter: 'num_epochs' is not KEY=VALUE"),
    ],
)
def test_bad_input_is_told_by_field_with_exit_two(world, arguments, message):
    done = world.run("pipelines", "run", world.spec, *arguments, "--wait")

    assert done.returncode == 2
    assert message in done.stderr


def test_plan_says_what_is_cached(world):
    given = ("--parameter", "num_epochs=9")
    assert [s["decision"] for s in world.json("pipelines", "plan", world.spec, *given)["steps"]] == ["run", "run"]
    world.json("pipelines", "run", world.spec, *given, "--wait")

    assert [s["decision"] for s in world.json("pipelines", "plan", world.spec, *given)["steps"]] == ["reuse", "reuse"]
    again = world.run("pipelines", "run", world.spec, *given, "--wait")
    assert "(nothing changed)" in again.stdout
    assert "Nothing changed: 2 tasks reused." in again.stdout


def test_the_graph_names_tasks_and_artifacts(world):
    run = world.json("pipelines", "run", world.spec, "--parameter", "num_epochs=1", "--wait")
    graph = world.json("pipelines", "graph", run["name"])

    assert {n["id"] for n in graph["nodes"]} == {"train", "check", "train/model"}
    assert {"from": "train/model", "to": "check", "kind": "input", "name": "model"} in graph["edges"]


def test_labels_of_a_run_are_set_and_removed_and_all_others_stay(world):
    run = world.json("pipelines", "run", world.spec, "--parameter", "num_epochs=1", "--label", "kind=small", "--wait")
    job = run["name"].rpartition("/")[2]

    said = world.run("pipelines", "label", job, "team=birds", "note=a=b")
    done = world.json("pipelines", "label", job, "kind-", "team=fish", "never-there-")

    assert said.stdout == f"Run {job} has the labels kind=small, team=birds, note=a=b.\n"
    assert done["labels"] == {"team": "fish", "note": "a=b"}
    assert [r["name"] for r in world.json("pipelines", "list", "--filter", 'labels.team="fish"')] == [run["name"]]
    assert world.run("pipelines", "label", job, "team-", "note-").stdout == f"Run {job} has no labels.\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (("team",), "LABEL: 'team' is neither KEY=VALUE nor KEY-; team=birds sets a label, team- removes it"),
        (("=birds",), "LABEL: '=birds' is neither KEY=VALUE nor KEY-"),
        (("team=birds", "team-"), "labels: 'team' is set and removed at once; leave one of the two away"),
        (('te"am=birds',), "labels: 'te\"am' is no key"),
        ((), "Missing argument 'KEY=VALUE|KEY-...'"),
    ],
)
def test_what_is_no_label_is_refused_and_nothing_is_written(world, given, said):
    run = world.json("pipelines", "run", world.spec, "--parameter", "num_epochs=1", "--label", "kind=small", "--wait")

    done = world.run("pipelines", "label", run["name"], *given)

    assert done.returncode == 2
    assert said in done.stderr
    assert world.json("pipelines", "describe", run["name"])["labels"] == {"kind": "small"}


@pytest.mark.parametrize(
    "verb", ["describe", "logs", "graph", "cancel", "retry", "clone", "label", "delete", "explain"]
)
def test_where_a_run_is_asked_for_by_the_name_of_its_pipeline_its_runs_are_led_to(world, verb):
    world.json("pipelines", "run", world.spec, "--parameter", "num_epochs=1", "--wait")

    more = ["team=birds"] if verb == "label" else []
    done = world.run(*(("explain",) if verb == "explain" else ("pipelines", verb)), "penguins", *more)

    assert done.returncode == 2
    how = "trainshed pipelines list --filter 'pipeline_name=\"penguins\"'"
    assert f"There is no run 'penguins', but a pipeline of that name; `{how}` shows its runs." in done.stderr
    listed = world.json("pipelines", "list", "--filter", 'pipeline_name="penguins"')
    assert {run["pipeline"] for run in listed} == {"penguins"}


def test_a_trigger_that_can_start_nothing_says_so_when_it_is_made_and_when_it_is_changed(world):
    assert world.run("storage", "buckets", "create", "gs://triggered").returncode == 0
    assert world.run("storage", "cp", world.spec, "gs://triggered/p.json").returncode == 0
    create = ("pipelines", "triggers", "create", "--spec")

    lost = world.run(*create, "gs://triggered/gone.json", "lost", "--topic", "typo")
    again = world.run("pipelines", "triggers", "update", "lost", "--topic", "other-typo")
    blind = world.run(*create, "gs://triggered/p.json", "blind", "--bucket", "gs://triggered")
    mended = world.run("pipelines", "triggers", "update", "lost", "--spec", "gs://triggered/p.json")
    sound = world.run(*create, "gs://triggered/p.json", "sound", "--topic", "typo")

    said = "WARNING: topic: there was no topic projects/local-project/topics/{}; it is made now, and nothing publishes to it yet."
    missing = "WARNING: as it is, the trigger starts nothing: No such object: gs://triggered/gone.json."
    assert [done.returncode for done in (lost, again, blind, mended, sound)] == [0] * 5
    assert lost.stderr.splitlines() == [said.format("typo"), missing]
    assert again.stderr.splitlines() == [said.format("other-typo"), missing]
    assert "No object gives the pipeline its parameter num_epochs" in blind.stderr
    assert (mended.stderr, sound.stderr) == ("", "")
    assert world.json("pipelines", "triggers", "describe", "blind")["problem"] in blind.stderr
    assert world.json("pipelines", "triggers", "describe", "sound")["problem"] == ""


def test_a_trigger_fixes_values_for_every_run_that_it_starts(world, tmp_path):
    assert world.run("storage", "buckets", "create", "gs://fixing").returncode == 0
    assert world.run("storage", "cp", world.spec, "gs://fixing/p.json").returncode == 0
    (tmp_path / "more.json").write_text('{"num_epochs": 1}')
    create = ("pipelines", "triggers", "create", "--bucket", "fixing", "--spec", "gs://fixing/p.json")
    update = ("pipelines", "triggers", "update", "fixing")

    wrong = world.run(*create, "fixing", "--parameter", "num_epoch=5")
    made = world.run(*create, "fixing", "--parameters-file", tmp_path / "more.json", "--parameter", "num_epochs=5")
    described = world.json("pipelines", "triggers", "describe", "fixing")
    explained = world.run("explain", "projects/local-project/locations/us-central1/runTriggers/fixing")
    changed = world.run(*update, "--parameter", "num_epochs=many")
    both = world.run(*update, "--parameter", "num_epochs=7", "--clear-parameters")
    cleared = world.run(*update, "--clear-parameters")

    assert (wrong.returncode, changed.returncode, both.returncode) == (2, 2, 2)
    assert "parameters.num_epoch: the pipeline has no such parameter; did you mean 'num_epochs'?" in wrong.stderr
    assert "parameters.num_epochs: 'many' is not an integer" in changed.stderr
    assert "--clear-parameters: does not go with other values" in both.stderr
    assert (made.returncode, made.stderr, described["parameters"]) == (0, "", {"num_epochs": "5"})
    assert 'Fixed values: {"num_epochs": "5"}' in explained.stdout
    assert "No object gives the pipeline its parameter num_epochs" in cleared.stderr
    assert world.json("pipelines", "triggers", "describe", "fixing")["parameters"] == {}


@pytest.mark.slow
def test_s33_googles_sdk_submits_waits_lists_and_deletes(world):
    script = textwrap.dedent(SDK)
    done = subprocess.run(
        [sys.executable, "-m", "trainshed", "exec", "--", sys.executable, "-c", script, world.spec],
        env=world.environment, capture_output=True, text=True, timeout=110, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-3000:]
    seen = json.loads(done.stdout.strip().splitlines()[-1])
    assert seen["tasks"] == {"train": "SUCCEEDED", "check": "SUCCEEDED"}
    assert seen["listed"]
