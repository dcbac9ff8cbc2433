"""What a task was handed is told while it still runs: it is what the engine launched it with."""

import json
from itertools import pairwise

import pytest
from tests.storage.runs_world import World, a_spec
from tests.storage.test_runs_dags import a_loop_spec, doubling

from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def holding(source, script=lambda launch: Act()):
    return lambda launch: Act(is_held=True) if launch.work.source == source else script(launch)


def launched_with(world, path, run):
    task = world.service.find_task(run, path).row
    document = json.loads(world.runner._world.acts[task.id, task.attempt][0].executor_input)
    return document["inputs"]


def test_parameters_and_artifacts_are_told_before_the_task_ends(world):
    spec = a_spec(
        {
            "make": {"makes": ["data"]},
            "use": {"artifacts": {"data": "make.data"}, "params": {"rows": "@rows", "job": "{{$.pipeline_job_name}}"}},
            "last": {"after": ["use"], "params": {"rows": "@rows"}},
        },
        parameters={"rows": {"parameterType": "STRING"}},
    )
    world.script = holding("# use")
    run = world.create(spec, parameters={"rows": "7"}, job_id="held")
    world.finish(run)

    one = world.service.find_task(run, "use")

    assert one.execution is None
    assert dict(one.parameters) == {"rows": "7", "job": "held"}
    assert dict(one.handed.parameters) == launched_with(world, "use", run)["parameterValues"]
    (given,) = launched_with(world, "use", run)["artifacts"]["data"]["artifacts"]
    assert [(name, use, artifact.uri) for name, use, artifact in one.used] == [("data", "INPUT", given["uri"])]
    assert world.service.find_task(run, "make").handed is None  # its execution has them
    assert world.service.find_task(run, "last").handed is None  # they are not complete


def test_an_iteration_is_told_its_own_item(world):
    world.script = holding("# double", doubling)
    run = world.create(a_loop_spec([3, 1, 2]))
    world.finish(run)

    for place, item in enumerate([3, 1, 2]):
        path = f"loop[{place}].double"
        assert world.service.find_task(run, path).handed.parameters["x"] == item
        assert launched_with(world, path, run)["parameterValues"]["x"] == item


def test_reading_what_is_handed_names_few_rows(world):
    tasks = {f"t{i}": {"gives": {"x": "STRING"}, "cache": False} for i in range(40)}
    for before, after in pairwise(tasks):
        tasks[after]["params"] = {"x": f"<{before}.x"}
    world.script = holding("# t39", lambda launch: Act(output='{"parameterValues": {"x": "1"}}'))
    run = world.create(a_spec(tasks))
    world.finish(run)

    assert world.service.find_task(run, "t39").handed.parameters == {"x": "1"}


def test_an_exit_task_that_runs_is_told_how_the_rest_ended(world):
    spec = a_spec({"work": {}, "tell": {"params": {"status": "@status"}}})
    tell = spec["root"]["dag"]["tasks"]["tell"]
    tell["inputs"]["parameters"]["status"] = {"taskFinalStatus": {"producerTask": "work"}}
    tell |= {"dependentTasks": ["work"], "triggerPolicy": {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}}
    spec["components"]["comp-tell"]["inputDefinitions"]["parameters"]["status"] = {"parameterType": "TASK_FINAL_STATUS"}
    world.script = holding("# tell", lambda launch: Act(outcome=ExitedNonZero(code=1, message="no")))
    run = world.create(spec)
    world.finish(run)

    status = world.service.find_task(run, "tell").handed.parameters["status"]

    assert (status["state"], status["pipelineTaskName"]) == ("FAILED", "work")
    assert status == launched_with(world, "tell", run)["parameterValues"]["status"]
