"""DAGs on a store: loops, conditions, exit tasks, retry and cancel, with a scripted runner and with crashes."""

import asyncio
import importlib.util
import json
import sys
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from trainshed import costs, runs
from trainshed.errors import FailedPrecondition, InvalidArgument
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act
from trainshed.runs import active as runs_memory
from trainshed.runs import store_tasks

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec = runs_world.World, runs_world.a_spec
NUMBER, LIST = {"parameterType": "NUMBER_INTEGER"}, {"parameterType": "LIST"}


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def a_leaf(spec, name, *, dag, after=(), **inputs):
    """Add a Python task that doubles `x`."""
    spec["components"][f"comp-{name}"] = {
        "executorLabel": f"exec-{name}",
        "inputDefinitions": {"parameters": dict.fromkeys(inputs, NUMBER)},
        "outputDefinitions": {"parameters": {"y": NUMBER}},
    }
    spec["deploymentSpec"]["executors"][f"exec-{name}"] = runs_world.python_executor(f"# {name}")
    task = {"taskInfo": {"name": name}, "componentRef": {"name": f"comp-{name}"}, "dependentTasks": list(after)}
    dag[name] = task | {"inputs": {"parameters": inputs}, "cachingOptions": {"enableCache": False}}
    return dag[name]


def a_loop_spec(items, *, parallelism=0, when=""):
    """A loop over numbers whose body doubles each, then adds them up."""
    spec = a_spec({"sum": {"params": {"all": ("LIST", "<loop.y>")}, "cache": False}})
    inside = {}
    a_leaf(spec, "double", dag=inside, x={"componentInputParameter": "item"})
    if when:
        inside["double"]["triggerPolicy"] = {"condition": when}
    spec["components"]["comp-loop"] = {
        "dag": {
            "tasks": inside,
            "outputs": {
                "parameters": {"y": {"valueFromParameter": {"producerSubtask": "double", "outputParameterKey": "y"}}}
            },
        },
        "inputDefinitions": {"parameters": {"item": NUMBER}},
        "outputDefinitions": {"parameters": {"y": LIST}},
    }
    task = {
        "taskInfo": {"name": "loop"},
        "componentRef": {"name": "comp-loop"},
        "parameterIterator": {"items": {"raw": json.dumps(items)}, "itemInput": "item"},
    }
    if parallelism:
        task["iteratorPolicy"] = {"parallelismLimit": parallelism}
    nodes = spec["root"]["dag"]["tasks"]
    nodes["loop"] = task
    nodes["sum"]["inputs"]["parameters"]["all"] = {
        "taskOutputParameter": {"producerTask": "loop", "outputParameterKey": "y"}
    }
    nodes["sum"]["dependentTasks"] = ["loop"]
    return spec


def doubling(launch):
    given = json.loads(launch.executor_input)["inputs"].get("parameterValues", {})
    return Act(output=json.dumps({"parameterValues": {"y": 2 * given.get("x", 0)}}))


def inputs_of(world, source):
    return [
        json.loads(launch.executor_input)["inputs"]["parameterValues"]
        for launch in world.seen
        if launch.work.source == source
    ]


def watched(world, script=doubling):
    """Keep every launch that the runner was given."""
    world.seen = []
    world.script = lambda launch: world.seen.append(launch) or script(launch)
    return world


def test_a_loop_hands_each_item_to_its_body_and_its_outputs_on_in_their_order(world):
    run = watched(world).create(a_loop_spec([3, 1, 2]))

    assert world.finish(run).state == "SUCCEEDED"
    assert inputs_of(world, "# sum") == [{"all": [6, 2, 4]}]
    assert world.states(run) == dict.fromkeys(
        ["loop", "loop[0].double", "loop[1].double", "loop[2].double", "sum"], "SUCCEEDED"
    )
    rows = {row.name: row for row in world.service.describe(run.name).tasks}
    assert (rows["loop"].kind, rows["loop[1].double"].iteration) == ("loop", 1)
    assert rows["loop[1].double"].parent == rows["loop"].id


def test_a_condition_in_a_loop_leaves_out_what_it_does_not_hold_for(world):
    when = "inputs.parameter_values['x'] != 1"
    run = watched(world).create(a_loop_spec([3, 1, 2], when=when))

    assert world.finish(run).state == "SUCCEEDED"
    assert inputs_of(world, "# sum") == [{"all": [6, 4]}]
    assert world.states(run)["loop[1].double"] == "NOT_TRIGGERED"


def test_a_wide_loop_makes_the_rows_of_its_iterations_as_they_begin(world):
    world.workers = 500
    world.restart()
    run = watched(world).create(a_loop_spec(list(range(450))))

    assert world.finish(run).state == "SUCCEEDED"
    assert inputs_of(world, "# sum") == [{"all": [2 * i for i in range(450)]}]


def test_a_loop_over_what_is_no_list_fails_and_says_so(world):
    spec = a_loop_spec([1])
    spec["root"]["dag"]["tasks"]["loop"]["inputs"] = {"parameters": {"items": {"runtimeValue": {"constant": "seven"}}}}
    spec["root"]["dag"]["tasks"]["loop"]["parameterIterator"]["items"] = {"inputParameter": "items"}
    spec["components"]["comp-loop"]["inputDefinitions"]["parameters"]["items"] = LIST
    run = world.create(spec)

    assert world.finish(run).state == "FAILED"
    assert "seven" in world.service.get(run.name).error


class Crash(BaseException):
    """What a kill -9 looks like from inside."""


@pytest.mark.parametrize("parallelism", [0, 1])
@pytest.mark.parametrize("at", range(1, 12))
def test_a_crash_at_any_transaction_changes_nothing_about_the_outcome(world, at, parallelism):
    run = watched(world).create(a_loop_spec([3, 1, 2], parallelism=parallelism))
    left = at

    def reached(point):
        nonlocal left
        left -= point == "after_turn"
        if left == 0 and point == "after_turn":
            raise Crash

    world.restart(reached)
    try:
        asyncio.run(world._finish())
    except Crash:
        world.restart()

    assert world.finish(run).state == "SUCCEEDED"
    assert inputs_of(world, "# sum")[-1] == {"all": [6, 2, 4]}
    assert world.service.get(run.name).tasks_ran == 4


def test_a_task_that_waits_for_its_turn_keeps_its_limits_through_a_crash(db, clock, tmp_path):
    world = World(db, clock, tmp_path, workers=1)
    quantity = "{{$.inputs.parameters['size']}}"
    executor = runs_world.python_executor(resources={"resourceMemoryLimit": quantity})
    spec = a_spec(
        {"a": {"cache": False}, "b": {"executor": executor, "params": {"size": "@size"}}},
        parameters={"size": {"parameterType": "STRING"}},
    )
    watched(world, lambda launch: Act(is_held=launch.task == "a"))
    run = world.create(spec, parameters={"size": "1Gi"})
    assert world.finish(run).state == "RUNNING"
    assert world.states(run) == {"a": "RUNNING", "b": "QUEUED"}

    world.environments.bind("python:3.11", environment="another")
    world.finish(run)
    (a, _) = world.service.describe(run.name).tasks

    async def story():
        await world.settle()
        world.runner.release(a.id)
        await world.settle()
        await world.engine.close()

    asyncio.run(story())

    assert world.service.get(run.name).state == "SUCCEEDED"
    (launch,) = [launch for launch in world.seen if launch.task == "b"]
    assert launch.limits.memory_bytes == 2**30
    kept = world.db.read(lambda conn: conn.exec_driver_sql("SELECT COUNT(*) FROM task_cache").scalar())
    assert kept == 0, "it did not run in the environment that its key was made for"


def failing(sources):
    def script(launch):
        if launch.work.source in sources:
            return Act(outcome=ExitedNonZero(code=1, message="ValueError: no"))
        return doubling(launch)

    return script


def with_exit_task(spec):
    """Let a task clean up after everything else, told how the loop ended."""
    dag = spec["root"]["dag"]["tasks"]
    status = {"parameterType": "TASK_FINAL_STATUS"}
    task = a_leaf(spec, "clean", dag=dag, after=["loop"], status={"taskFinalStatus": {"producerTask": "loop"}})
    spec["components"]["comp-clean"]["inputDefinitions"]["parameters"]["status"] = status
    task["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    return spec


def test_an_exit_task_is_told_how_it_ended(world):
    run = watched(world, failing(["# double"])).create(with_exit_task(a_loop_spec([1])))

    assert world.finish(run).state == "FAILED"
    (given,) = inputs_of(world, "# clean")
    assert given["status"]["state"] == "FAILED"
    assert given["status"]["pipelineTaskName"] == "loop"
    assert "ValueError: no" in given["status"]["error"]["message"]
    assert world.service.get(run.name).error.startswith(
        "Task 'loop[0].double' failed: exited with code 1: ValueError: no"
    )


def test_the_error_of_a_run_names_all_that_failed_and_counts_the_rest(world):
    spec = a_loop_spec(list(range(14)), parallelism=1)
    a_leaf(spec, "bad", dag=spec["root"]["dag"]["tasks"])
    run = watched(world, failing(["# double", "# bad"])).create(spec)

    error = world.finish(run).error

    assert error.startswith(
        "Task 'bad' failed: exited with code 1: ValueError: no\nFailed as well: 'loop[0].double' (exited"
    )
    assert error.endswith(" and 4 more.")
    (loop,) = (task for task in world.service.describe(run.name).tasks if task.name == "loop")
    assert loop.error.endswith(" and 3 more.")


def test_an_output_file_that_is_none_fails_its_task_with_the_reason(world):
    run = watched(world, lambda _: Act(output='{"parameterValues": {"y"')).create(a_loop_spec([1]))

    done = world.finish(run)

    assert done.state == "FAILED"
    assert "(executor_output.json) is not JSON: " in done.error


def test_an_item_that_is_null_is_handed_to_its_body(world):
    run = watched(world, lambda _: Act(output='{"parameterValues": {"y": 1}}')).create(a_loop_spec([1, None]))

    assert world.finish(run).state == "SUCCEEDED"
    assert sorted(inputs_of(world, "# double"), key=str) == [{"x": 1}, {"x": None}]


def test_a_task_that_succeeds_again_leaves_what_it_made_before_where_it_is(world):
    def script(launch):
        if launch.work.source == "# bad":
            return failing(["# bad"])(launch)
        uri = json.loads(launch.executor_input)["outputs"]["artifacts"]["data"]["artifacts"][0]["uri"]
        folder = launch.mount / uri.removeprefix("gs://")
        folder.mkdir(parents=True)
        (folder / f"by attempt {launch.attempt}").write_bytes(b"data")
        return Act()

    spec = a_spec({"bad": {}, "tidy": {"after": ["bad"], "makes": ["data"], "cache": False}})
    spec["root"]["dag"]["tasks"]["tidy"]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    run = watched(world, script).create(spec)
    assert world.finish(run).state == "FAILED"

    world.service.retry(run.name)
    world.finish(run)

    made = [a for a in world.service.traces(run).artifacts if a.name == "data"]
    assert len({artifact.uri for artifact in made}) == 2
    for number, artifact in enumerate(sorted(made, key=lambda a: a.artifact_id), start=1):
        files = (world.folder / "buckets" / artifact.uri.removeprefix("gs://")).iterdir()
        assert [file.name for file in files] == [f"by attempt {number}"]


@pytest.mark.parametrize("harm", ["replace", "append", "add"])
def test_a_task_that_changes_its_input_fails_and_says_which(world, harm):
    def script(launch):
        document = json.loads(launch.executor_input)
        if launch.work.source == "# make":
            folder = launch.mount / document["outputs"]["artifacts"]["data"]["artifacts"][0]["uri"].removeprefix(
                "gs://"
            )
            folder.mkdir(parents=True)
            (folder / "part").write_bytes(b"data")
            return Act()
        folder = launch.mount / document["inputs"]["artifacts"]["data"]["artifacts"][0]["uri"].removeprefix("gs://")
        assert (folder / "part").read_bytes() == b"data"
        if launch.work.source == "# spoil":
            with (folder / ("more" if harm == "add" else "part")).open("ab" if harm == "append" else "wb") as file:
                file.write(b"more")
        return Act()

    tasks = {"make": {"makes": ["data"]}, "read": {"artifacts": {"data": "make.data"}}}
    spec = a_spec({**tasks, "spoil": {"artifacts": {"data": "make.data"}, "after": ["read"]}})
    done = world.finish(watched(world, script).create(spec))

    is_spoiled = harm != "add"  # files of others may come to a folder at any time
    state = "FAILED" if is_spoiled else "SUCCEEDED"
    assert world.states(done) == {"make": "SUCCEEDED", "read": "SUCCEEDED", "spoil": state}
    assert ("it changed its input 'data' (gs://" in done.error) is is_spoiled


class Engine:
    """A container engine that notes who asks it."""

    def __init__(self):
        self.asked = []

    def is_there(self):
        return True

    def identify(self, image):
        self.asked.append(threading.current_thread().name)
        return "sha256:9c9c"


def test_the_container_engine_is_not_asked_in_the_stores_writer(world):
    workplaces = world.service.workplaces
    workplaces.images = Engine()
    executor = {"container": {"image": "gcr.io/p/x:1", "command": ["train"]}}
    run = watched(world, lambda _: Act(is_held=True)).create(a_spec({"a": {"executor": executor, "retries": 0}}))
    asyncio.run(world.engine.run_once())

    workplaces._digests.clear()  # as a new server
    workplaces.images.asked.clear()
    world.restart()
    world.script = failing(["# a"])
    asyncio.run(world.engine.run_once())

    assert workplaces.images.asked
    assert "database-writer" not in workplaces.images.asked
    assert world.states(run) == {"a": "RUNNING"}


def test_a_retried_run_goes_on_from_what_failed(world):
    failures = ["# sum"]
    run = watched(world, failing(failures)).create(with_exit_task(a_loop_spec([1, 2])))
    assert world.finish(run).state == "FAILED"
    assert [launch.work.source for launch in world.seen].count("# double") == 2

    failures.clear()
    assert world.service.retry(run.name).state == "PENDING"

    assert world.finish(run).state == "SUCCEEDED"
    sources = [launch.work.source for launch in world.seen]
    assert (sources.count("# double"), sources.count("# sum"), sources.count("# clean")) == (2, 2, 1)
    with pytest.raises(FailedPrecondition, match="only one that failed or was cancelled"):
        world.service.retry(run.name)


def test_a_retried_run_costs_what_all_its_attempts_cost(world, db):
    failures = ["# sum"]
    run = watched(world, failing(failures)).create(with_exit_task(a_loop_spec([1, 2])))
    world.finish(run)
    noon = datetime(2026, 1, 1, 12, tzinfo=UTC)
    failed = store_tasks.attempts.update().where(store_tasks.attempts.c.outcome == "ExitedNonZero")
    db.write(lambda conn: conn.execute(failed.values(start_time=noon, end_time=noon + timedelta(hours=1))))

    failures.clear()
    world.service.retry(run.name)
    done, details = world.finish(run), world.service.describe(run.name)

    prices = costs.load()
    whole, brief = runs.actual(prices, details.tasks, details.attempts), runs.actual_brief(prices, done)
    assert whole.cloud > prices.pipeline_run + 0.1
    assert (brief.cloud, brief.local) == pytest.approx((whole.cloud, whole.local))


def test_a_retried_run_goes_on_inside_its_loop_and_cleans_up_again(world):
    failures = ["# double"]
    run = watched(world, failing(failures)).create(with_exit_task(a_loop_spec([1, 2])))
    assert world.finish(run).state == "FAILED"
    assert world.states(run)["sum"] == "NOT_TRIGGERED"

    failures.clear()
    world.service.retry(run.name)

    assert world.finish(run).state == "SUCCEEDED"
    assert inputs_of(world, "# sum") == [{"all": [2, 4]}]
    assert [given["status"]["state"] for given in inputs_of(world, "# clean")] == ["FAILED", "SUCCEEDED"]


def test_a_cancelled_run_is_cleaned_up_after(world):
    held = lambda launch: Act(is_held=True) if launch.work.source == "# double" else doubling(launch)  # noqa: E731
    run = watched(world, held).create(with_exit_task(a_loop_spec([1, 2], parallelism=1)))
    assert world.finish(run).state == "RUNNING"

    world.service.cancel(run.name)

    assert world.finish(run).state == "CANCELLED"
    (given,) = inputs_of(world, "# clean")
    assert given["status"]["state"] == "CANCELLED"
    (launch,) = [launch for launch in world.seen if launch.work.source == "# clean"]
    assert launch.limits.timeout_seconds == 10.0
    assert world.states(run) == {
        "loop": "CANCELLED", "loop[0].double": "CANCELLED", "sum": "CANCELLED", "clean": "SUCCEEDED"
    }  # fmt: skip


def test_a_clone_takes_the_parameters_of_the_run_and_those_that_are_given(world):
    spec = a_spec(
        {"a": {"params": {"x": "@x"}}}, parameters={"x": {"parameterType": "STRING"}, "n": NUMBER | {"defaultValue": 1}}
    )
    run = world.create(spec, parameters={"x": "one"})

    assert world.service.clone(run.name, {"n": 5}).parameters == {"x": "one", "n": 5}
    assert world.service.clone(run.name, {"x": "two"}, job_id="other").name.endswith("/other")


def with_secret(name="db", **more):
    """A platform document by which task a gets a key of a secret."""
    secret = {"keyToEnv": [{"secretKey": "password", "envVar": "PASSWORD"}], **more}
    secret.setdefault("secretNameParameter", {"runtimeValue": {"constant": name}})
    return {"platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {"secretAsEnv": [secret]}}}}}}


def a_secret(world, text, mode=0o600):
    path = world.folder / "secrets" / "db" / "password"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    path.chmod(mode)


def test_a_secret_may_be_named_by_a_parameter_that_the_task_itself_does_not_get(world):
    a_secret(world, "hush\n")
    platform = with_secret(secretNameParameter={"componentInputParameter": "which"})
    spec = a_spec({"a": {}}, parameters={"which": {"parameterType": "STRING"}})
    run = watched(world).create(spec, platform=platform, parameters={"which": "db"})

    assert world.finish(run).state == "SUCCEEDED"
    assert world.seen[0].variables["PASSWORD"] == "hush"


def test_a_secret_reaches_its_task_as_a_variable_and_nothing_else(world):
    a_secret(world, "hush\n")
    run = watched(world).create(a_spec({"a": {}}), platform=with_secret())

    assert world.finish(run).state == "SUCCEEDED"
    assert world.seen[0].variables["PASSWORD"] == "hush"
    database = b"".join(
        path.read_bytes() for path in world.folder.rglob("*") if path.is_file() and path.name != "password"
    )
    assert b"hush" not in database


def test_a_secret_that_is_not_here_is_refused_before_anything_runs_unless_it_is_optional(world):
    with pytest.raises(InvalidArgument, match=r"PASSWORD of task 'a' is not here; write its value into .*/db/password"):
        world.create(a_spec({"a": {}}), platform=with_secret())

    run = watched(world).create(a_spec({"a": {}}), platform=with_secret(optional=True))

    assert world.finish(run).state == "SUCCEEDED"
    assert "PASSWORD" not in world.seen[0].variables


@pytest.mark.parametrize("given", [{}, {"which": "other"}])
def test_a_secret_that_the_runs_parameters_name_is_looked_for_before_anything_runs(world, given):
    platform = with_secret(secretNameParameter={"componentInputParameter": "inner"})
    spec = a_spec(
        {"a": {}}, parameters={"which": {"parameterType": "STRING", "defaultValue": "db", "isOptional": True}}
    )
    below = {"dag": {"tasks": spec["root"]["dag"]["tasks"]}}
    taken = {name: {"parameterType": "STRING"} for name in ("inner", "item")}
    spec["components"]["comp-loop"] = below | {"inputDefinitions": {"parameters": taken}}
    loop = {
        "taskInfo": {"name": "loop"},
        "componentRef": {"name": "comp-loop"},
        "inputs": {"parameters": {"inner": {"componentInputParameter": "which"}}},
        "parameterIterator": {"itemInput": "item", "items": {"raw": "[1, 2]"}},
    }
    spec["root"]["dag"] = {"tasks": {"loop": loop}}

    with pytest.raises(
        InvalidArgument, match=rf"the secret '{given.get('which', 'db')}' for PASSWORD of task 'loop.a'"
    ):
        world.create(spec, platform=platform, parameters=given)


def test_a_secret_that_a_task_will_name_is_refused_when_none_here_can_be_meant(world):
    source = {"taskOutputParameter": {"producerTask": "b", "outputParameterKey": "name"}}
    spec = a_spec({"b": {"gives": {"name": "STRING"}}, "a": {"after": ["b"]}})

    with pytest.raises(
        InvalidArgument, match="PASSWORD of task 'a' comes from 'password' of a secret that the run will"
    ):
        world.create(spec, platform=with_secret(secretNameParameter=source))

    a_secret(world, "hush")
    assert world.create(spec, platform=with_secret(secretNameParameter=source)).state == "PENDING"


def test_a_secret_that_others_may_read_is_refused(world):
    a_secret(world, "hush", mode=0o644)

    with pytest.raises(InvalidArgument, match="others may read"):
        world.create(a_spec({"a": {}}), platform=with_secret())


def test_a_run_that_cannot_be_taken_up_ends_and_keeps_no_other_from_going_on(world, monkeypatch):
    world.script = lambda launch: Act(is_held=True)
    broken, sound = world.create(a_loop_spec([1]), job_id="broken"), world.create(a_loop_spec([2]), job_id="sound")
    world.finish(broken)
    real = runs_memory.begin

    def begin(run, *rest):
        if run.name == broken.name:
            raise KeyError("a defect")
        return real(run, *rest)

    monkeypatch.setattr(runs_memory, "begin", begin)
    watched(world)
    world.restart()

    assert world.finish(broken).state == "FAILED"
    assert "Trainshed failed on this run (KeyError: 'a defect')" in world.service.get(broken.name).error
    assert world.service.get(sound.name).state == "RUNNING"
    assert world.states(broken)["loop[0].double"] == "CANCELLED"
