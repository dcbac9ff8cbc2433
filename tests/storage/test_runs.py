"""Runs on a store: from a spec to a run that ended, with a scripted runner."""

import asyncio
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.runners.contract import ExitedNonZero, LeaseLost, Succeeded
from trainshed.runners.scripted import Act
from trainshed.runs import run_channel, tally_of
from trainshed.sql import changes
from trainshed.tally import Tally

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec = runs_world.World, runs_world.a_spec


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def outputs(parameters=None, artifacts=None):
    return json.dumps({"parameterValues": parameters or {}, "artifacts": artifacts or {}})


def gives(by_source):
    """Answer by the source of the component: parameters that it gives, files that it writes."""

    def script(launch):
        made = by_source.get(launch.work.source, {})
        document = json.loads(launch.executor_input)
        for key, data in made.get("files", {}).items():
            uri = document["outputs"]["artifacts"][key]["artifacts"][0]["uri"]
            path = launch.mount / uri.removeprefix("gs://")
            path.write_bytes(data)
        parameters = made.get("parameters", {})
        if callable(parameters):
            parameters = parameters(document["inputs"].get("parameterValues", {}))
        return Act(output=outputs(parameters))

    return script


CHAIN = a_spec(
    {"a": {"gives": {"x": "NUMBER_INTEGER"}}, "b": {"params": {"x": ("NUMBER_INTEGER", "<a.x")}}, "c": {"after": ["b"]}}
)


def test_a_chain_runs_in_order(world):
    world.script = gives({"# a": {"parameters": {"x": 3}}})
    run = world.create(CHAIN)

    done = world.finish(run)

    assert done.state == "SUCCEEDED"
    assert world.states(run) == {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SUCCEEDED"}
    assert (done.tasks_ran, done.tasks_total) == (3, 3)
    assert not done.is_needless


def test_values_and_placeholders_reach_the_tasks(world):
    seen = {}

    def script(launch):
        seen[launch.work.source] = json.loads(launch.executor_input)
        return Act(output=outputs({"x": 3} if launch.work.source == "# a" else {}))

    world.script = script
    spec = a_spec(
        {
            "a": {"params": {"n": ("NUMBER_INTEGER", "@num_epochs")}, "gives": {"x": "NUMBER_INTEGER"}},
            "b": {
                "params": {
                    "x": ("NUMBER_INTEGER", "<a.x"),
                    "text": "x={{$.inputs.parameters['x']}} {{$.pipeline_job_name}}",
                }
            },
        },
        parameters={"num_epochs": {"parameterType": "NUMBER_INTEGER"}},
    )

    run = world.create(spec, parameters={"num_epochs": "3"}, job_id="job-1")

    assert world.finish(run).state == "SUCCEEDED"
    assert run.parameters == {"num_epochs": 3}
    assert seen["# a"]["inputs"]["parameterValues"] == {"n": 3}
    assert seen["# b"]["inputs"]["parameterValues"] == {"x": 3, "text": "x=3 job-1"}


ARTIFACTS = a_spec({"make": {"makes": ["data"]}, "use": {"artifacts": {"data": "make.data"}, "makes": ["model"]}})


def test_artifacts_are_committed_and_linked_to_their_consumers(world):
    found = {}

    def script(launch):
        document = json.loads(launch.executor_input)
        if launch.work.source == "# use":
            uri = document["inputs"]["artifacts"]["data"]["artifacts"][0]["uri"]
            found["bytes"] = (launch.mount / uri.removeprefix("gs://")).read_bytes()
            found["uri"] = uri
        return gives({"# make": {"files": {"data": b"1,2,3"}}})(launch)

    world.script = script
    run = world.create(ARTIFACTS, job_id="job-1")

    assert world.finish(run).state == "SUCCEEDED"
    task_id = {t.name: t.id for t in world.service.describe(run.name).tasks}["make"]
    assert found == {"bytes": b"1,2,3", "uri": f"gs://local-project-pipelines/job-1/make_{task_id}/data"}
    assert (world.blobs.root / found["uri"].removeprefix("gs://")).read_bytes() == b"1,2,3"


def test_lineage_names_what_made_an_artifact_and_who_read_it(world):
    from trainshed import lineage

    world.script = gives({"# make": {"files": {"data": b"1"}}, "# use": {"files": {"model": b"2"}}})
    run = world.create(ARTIFACTS)
    world.finish(run)

    details = world.service.describe(run.name)
    by_name = {t.name: t for t in details.tasks}
    (data,) = by_name["make"].outputs["artifacts"]["data"]
    found = lineage.Service(world.db).uses(str(data), 10)

    assert [execution.execution_id for execution, _ in found.makers] == [by_name["make"].execution_id]
    assert [execution.execution_id for execution, _ in found.users] == [by_name["use"].execution_id]
    states = world.db.read(lambda conn: lineage.executions_of_context(conn, details.run.context_id))
    assert [e.last_known_state for e in states] == ["COMPLETE", "COMPLETE"]


def test_a_second_run_with_nothing_changed_runs_nothing_and_says_so(world):
    world.script = gives({"# make": {"files": {"data": b"1"}}, "# use": {"files": {"model": b"2"}}})
    first = world.create(ARTIFACTS)
    world.finish(first)

    again = world.finish(world.create(ARTIFACTS))

    assert (again.state, again.tasks_ran, again.is_needless) == ("SUCCEEDED", 0, True)
    assert set(world.states(again).values()) == {"SKIPPED"}
    assert len(world.runner._world.seen) == 2


def test_equal_tasks_of_one_run_all_run_and_are_all_reused_by_the_next(world):
    spec = a_spec({"a": {"source": "# same"}, "b": {"source": "# same", "after": ["a"]}})

    first = world.finish(world.create(spec))
    again = world.finish(world.create(spec))

    assert world.states(first) == {"a": "SUCCEEDED", "b": "SUCCEEDED"}
    assert world.states(again) == {"a": "SKIPPED", "b": "SKIPPED"}


def test_the_same_bytes_made_anew_let_the_consumer_be_reused(world):
    world.script = gives({"# make": {"files": {"data": b"1"}}, "# use": {"files": {"model": b"2"}}})
    world.finish(world.create(ARTIFACTS))
    spec = json.loads(json.dumps(ARTIFACTS))
    spec["root"]["dag"]["tasks"]["make"]["cachingOptions"] = {}

    again = world.finish(world.create(spec))

    assert world.states(again) == {"make": "SUCCEEDED", "use": "SKIPPED"}


def test_s28_a_changed_object_behind_a_string_parameter_runs_its_reader_again(world):
    spec = a_spec({"train": {"params": {"module": "@module"}}}, parameters={"module": {"parameterType": "STRING"}})
    world.put("gs://modules/trainer.py", b"one")
    given = {"module": "gs://modules/trainer.py"}
    world.finish(world.create(spec, parameters=given))
    assert world.states(world.finish(world.create(spec, parameters=given))) == {"train": "SKIPPED"}

    world.put("gs://modules/trainer.py", b"two")
    changed = world.finish(world.create(spec, parameters=given))

    assert world.states(changed) == {"train": "SUCCEEDED"}


def test_outputs_that_were_tampered_with_are_not_reused(world):
    world.script = gives({"# make": {"files": {"data": b"1"}}, "# use": {"files": {"model": b"2"}}})
    first = world.finish(world.create(ARTIFACTS))
    task = next(t for t in world.service.describe(first.name).tasks if t.name == "make")
    world.put(f"{first.root}/{first.name.rsplit('/', 1)[1]}/make_{task.id}/data", b"other")

    again = world.finish(world.create(ARTIFACTS))

    assert world.states(again)["make"] == "SUCCEEDED"


def test_caching_can_be_switched_off_for_a_run_and_for_a_task(world):
    spec = a_spec({"a": {}, "b": {"cache": False}})
    world.finish(world.create(spec))

    assert world.states(world.finish(world.create(spec))) == {"a": "SKIPPED", "b": "SUCCEEDED"}
    assert world.states(world.finish(world.create(spec, caching=False))) == {"a": "SUCCEEDED", "b": "SUCCEEDED"}


def test_s34_new_data_under_the_same_name_retrains_without_a_new_spec(world):
    importer = {
        "importer": {"artifactUri": {"runtimeParameter": "uri"}, "typeSchema": {"schemaTitle": "system.Dataset"}}
    }
    spec = a_spec(
        {
            "data": {"executor": importer, "params": {"uri": "gs://data/penguins"}, "makes": ["artifact"]},
            "train": {"artifacts": {"data": "data.artifact"}},
        }
    )
    world.put("gs://data/penguins/a.csv", b"1")
    world.finish(world.create(spec))
    assert world.states(world.finish(world.create(spec))) == {"data": "SUCCEEDED", "train": "SKIPPED"}

    world.put("gs://data/penguins/b.csv", b"2")

    assert world.states(world.finish(world.create(spec))) == {"data": "SUCCEEDED", "train": "SUCCEEDED"}


def test_failure_leaves_what_needs_it_untriggered_and_the_rest_running(world):
    def script(launch):
        return Act(outcome=ExitedNonZero(code=1, message="boom")) if launch.work.source == "# a" else Act()

    world.script = script
    run = world.create(a_spec({"a": {}, "b": {"after": ["a"]}, "c": {"after": ["b"]}, "d": {}}))

    done = world.finish(run)

    assert done.state == "FAILED"
    assert done.error == "Task 'a' failed: exited with code 1: boom"
    assert world.states(run) == {"a": "FAILED", "b": "NOT_TRIGGERED", "c": "NOT_TRIGGERED", "d": "SUCCEEDED"}
    assert tally_of(done) == Tally(ran=2, left_out=2)  # the failed one ran


def test_fail_fast_starts_nothing_more(db, clock, tmp_path):
    world = World(db, clock, tmp_path, workers=1)
    world.script = lambda launch: Act(outcome=ExitedNonZero(code=1, message=""))
    run = world.create(a_spec({"a": {}, "b": {}, "c": {"after": ["b"]}}), failure_policy="FAIL_FAST")

    assert world.finish(run).state == "FAILED"
    assert world.states(run) == {"a": "FAILED", "b": "NOT_TRIGGERED", "c": "NOT_TRIGGERED"}


def test_a_retry_policy_is_followed_with_its_backoff(world, clock):
    outcomes = [ExitedNonZero(code=1, message="once"), Succeeded(output="")]
    world.script = lambda launch: Act(outcome=outcomes[launch.attempt - 1])
    run = world.create(a_spec({"a": {"retries": 2, "backoff": "60s"}}))

    assert world.finish(run).state == "RUNNING"
    assert world.states(run) == {"a": "QUEUED"}
    clock.advance(61)

    assert world.finish(run).state == "SUCCEEDED"
    assert [a.outcome for a in world.service.describe(run.name).attempts] == ["ExitedNonZero", "Succeeded"]


def test_a_lost_worker_costs_no_attempt_of_the_budget(world):
    outcomes = {1: LeaseLost(), 2: Succeeded(output="")}
    world.script = lambda launch: Act(outcome=outcomes[launch.attempt])
    run = world.create(a_spec({"a": {}}))

    assert world.finish(run).state == "SUCCEEDED"
    (task,) = world.service.describe(run.name).tasks
    assert (task.attempt, task.failures, task.losses) == (2, 0, 1)


def test_an_attempt_that_a_restart_lost_lasted_until_it_was_found_lost(world, clock):
    world.script = lambda launch: Act(is_held=launch.attempt == 1)
    run = world.create(a_spec({"a": {}}))
    assert world.finish(run).state == "RUNNING"
    world.runner._world.acts.clear()  # it went down with the server
    clock.advance(840)

    assert world.finish(run).state == "SUCCEEDED"

    lost, again = world.service.describe(run.name).attempts
    assert (lost.outcome, (lost.end_time - lost.start_time).total_seconds()) == ("LeaseLost", 840)
    assert again.start_time >= lost.end_time


def test_a_declared_parameter_that_is_not_written_fails_the_task(world):
    world.environments.bind("me/tool")
    command = {"container": {"image": "me/tool", "command": ["true"]}}
    run = world.create(a_spec({"a": {"executor": command, "gives": {"x": "STRING"}}}))

    assert world.finish(run).error == "Task 'a' failed: ended well but did not write its output 'x'"


def test_cancel_stops_what_runs_and_the_rest_never_starts(world):
    world.script = lambda launch: Act(is_held=True)
    run = world.create(a_spec({"a": {}, "b": {"after": ["a"]}}))
    assert world.finish(run).state == "RUNNING"

    world.service.cancel(run.name)

    assert world.finish(run).state == "CANCELLED"
    assert world.states(run) == {"a": "CANCELLED", "b": "CANCELLED"}
    with pytest.raises(FailedPrecondition, match="has ended"):
        world.service.cancel(run.name)


def test_an_attempt_that_is_cancelled_while_the_runner_starts_it_is_stopped(world):
    world.script = lambda launch: Act(is_held=True)
    run = world.create(a_spec({"a": {}}))

    async def story():
        start, ready = world.runner.start, asyncio.Event()

        async def slowly(launch):
            await ready.wait()
            await start(launch)

        world.runner.start = slowly
        await world.engine.run_once()
        await asyncio.sleep(0)
        world.service.cancel(run.name)
        await world.engine.run_once()
        await asyncio.sleep(0)
        ready.set()
        await world.settle()
        await world.engine.close()

    asyncio.run(story())

    assert world.states(run) == {"a": "CANCELLED"}


def test_what_a_runner_does_not_start_has_failed(world):
    async def refuse(launch):
        raise ValueError("no")

    world.runner.start = refuse
    run = world.create(a_spec({"a": {}}))

    assert world.finish(run).error == "Task 'a' failed: could not start: ValueError: no"


def test_a_late_report_of_an_earlier_attempt_changes_nothing(world):
    outcomes = {1: Act(outcome=LeaseLost()), 2: Act(is_held=True)}
    world.script = lambda launch: outcomes[launch.attempt]
    run = world.create(a_spec({"a": {}}))

    async def story():
        await world.settle()
        (task,) = world.service.describe(run.name).tasks
        world.runner.repeat(task.id, 1, Succeeded(output=""))
        await world.settle()
        assert world.states(run) == {"a": "RUNNING"}
        world.runner.release(task.id)
        await world.settle()

    asyncio.run(story())

    assert world.states(run) == {"a": "SUCCEEDED"}
    assert world.service.get(run.name).state == "SUCCEEDED"


def test_no_more_tasks_run_at_once_than_there_are_workers(db, clock, tmp_path):
    world = World(db, clock, tmp_path, workers=2)
    world.script = lambda launch: Act(is_held=True)
    run = world.create(a_spec({name: {} for name in "abcde"}))

    world.finish(run)

    assert sorted(world.states(run).values()) == ["QUEUED"] * 3 + ["RUNNING"] * 2


def test_a_bound_image_runs_its_command_and_an_unbound_one_is_refused_by_name(world):
    command = {
        "container": {"image": "me/trainer", "command": ["sh", "-c"], "args": ["echo {{$.inputs.parameters['x']}}"]}
    }
    spec = a_spec({"train": {"executor": command, "params": {"x": "1"}}})

    with pytest.raises(InvalidArgument, match=r"task 'train' runs a command in image 'me/trainer'.*images bind"):
        world.create(spec)

    world.environments.bind("me/trainer", variables={"A": "b"})
    run = world.create(spec)
    assert world.finish(run).state == "SUCCEEDED"
    (launch,) = world.runner._world.seen.values()
    assert launch.work.arguments == ["sh", "-c", "echo 1"]
    assert (launch.environment, launch.variables["A"], launch.variables["REACH"]) == ("bound", "b", "user")


@pytest.mark.parametrize("again", [{"snapshot": "/images/2"}, {"variables": {"A": "b"}}, {"workdir": "/app"}])
def test_a_task_in_an_image_that_was_built_anew_runs_again(world, again):
    image = {"snapshot": "/images/1", "variables": {}, "workdir": ""}
    command = {"container": {"image": "me/trainer:latest", "command": ["train"]}}
    world.environments.bind("me/trainer:latest", **image)
    spec = a_spec({"train": {"executor": command}})
    world.finish(world.create(spec))
    run = world.create(spec)
    world.finish(run)
    assert world.states(run) == {"train": "SKIPPED"}

    world.environments.bind("me/trainer:latest", **image | again)
    run = world.create(spec)

    assert world.finish(run).state == "SUCCEEDED"
    assert world.states(run) == {"train": "SUCCEEDED"}


def test_environments_are_built_once_for_all_tasks(world):
    run = world.create(a_spec({"a": {}, "b": {}, "c": {"after": ["a", "b"]}}))

    world.finish(run)

    assert world.environments.built == [("kfp==2.14.3",)]
    log = world.service.log_file(run, "a", 1)
    assert log.read_text() == "[environment] building\n"


def test_run_outputs_are_the_pipelines_own(world):
    world.script = gives({"# a": {"parameters": {"x": 7}, "files": {"model": b"m"}}})
    chosen = {
        "parameters": {"Output": {"valueFromParameter": {"producerSubtask": "a", "outputParameterKey": "x"}}},
        "artifacts": {"model": {"artifactSelectors": [{"producerSubtask": "a", "outputArtifactKey": "model"}]}},
    }
    run = world.create(a_spec({"a": {"gives": {"x": "NUMBER_INTEGER"}, "makes": ["model"]}}, outputs=chosen))

    done = world.finish(run)

    assert done.outputs["Output"] == 7
    assert done.outputs["model"]["type"] == "system.Dataset"


def test_plan_says_what_would_run_and_why(world):
    from trainshed.runs import NewRun

    world.script = gives({"# make": {"files": {"data": b"1"}}, "# use": {"files": {"model": b"2"}}})
    new = NewRun(parent=runs_world.PARENT, spec=ARTIFACTS)
    assert [(s.task, s.decision, s.reason) for s in world.service.plan(new)] == [
        ("make", "run", "it has not run before"),
        ("use", "run", "make runs before it"),
    ]

    world.finish(world.create(ARTIFACTS))
    assert [s.decision for s in world.service.plan(new)] == ["reuse", "reuse"]

    changed = json.loads(json.dumps(ARTIFACTS).replace("# use", "# used"))
    steps = world.service.plan(NewRun(parent=runs_world.PARENT, spec=changed))
    assert [(s.decision, s.reason) for s in steps][1] == ("run", "changed: component")


def test_a_deleted_run_is_forgotten_but_only_once_it_ended(world):
    world.script = lambda launch: Act(is_held=True)
    run = world.create(a_spec({"a": {}}))
    world.finish(run)
    with pytest.raises(FailedPrecondition, match="cancel it first"):
        world.service.delete(run.name)

    world.service.cancel(run.name)
    world.finish(run)
    heard = []
    leave = (
        world.db.listen(changes("run"), lambda: heard.append("list")),
        world.db.listen(run_channel(run.name), lambda: heard.append("run")),
    )
    world.service.delete(run.name)

    with pytest.raises(NotFound):
        world.service.get(run.name)
    assert sorted(heard) == ["list", "run"]  # whoever looks at them sees it go
    for forget in leave:
        forget()


def test_a_nested_pipeline_is_waited_for_as_a_whole(world):
    spec = a_spec({"first": {}, "inner": {"after": ["first"]}, "last": {"after": ["inner"]}, "x": {}, "y": {}})
    tasks = spec["root"]["dag"]["tasks"]
    inside = {name: tasks.pop(name) for name in "xy"}
    spec["components"]["comp-inner"] = {"dag": {"tasks": inside}}
    order = []
    world.script = lambda launch: order.append(launch.work.source) or Act()
    run = world.create(spec)

    assert world.finish(run).state == "SUCCEEDED"
    assert (order[0], sorted(order[1:3]), order[3]) == ("# first", ["# x", "# y"], "# last")
    assert set(world.states(run)) == {"first", "inner", "inner.x", "inner.y", "last"}


def test_a_thousand_new_runs_are_started_in_several_transactions(world):
    turns = []
    world.restart(lambda point: turns.append(point) if point == "before_turn" else None)
    runs = [world.create(a_spec({"a": {"cache": False}}), job_id=f"run-{i}") for i in range(450)]

    world.finish(runs[0])

    assert len(turns) >= 3
    assert {world.service.get(run.name).state for run in runs} == {"SUCCEEDED"}
