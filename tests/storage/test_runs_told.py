"""What is told about runs: lists with filters and orders, ends and logs as they come, Google's JSON."""

import asyncio
import json
import math
from datetime import timedelta

import pytest
from tests.storage.runs_world import PARENT, World, a_spec

from trainshed import costs
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.api.own import runs_logs
from trainshed.api.own.runs_json import outline_json, run_json
from trainshed.api.services.pipelines import Pipelines
from trainshed.api.services.pipelines_json import job_json
from trainshed.clock import VirtualClock
from trainshed.errors import FailedPrecondition, InvalidArgument
from trainshed.runners.contract import ExitedNonZero, OutOfMemory
from trainshed.runners.scripted import Act
from trainshed.runs import NewRun, estimate
from trainshed.testing import database

ONE = a_spec({"a": {"cache": False}})
MAKING = a_spec(
    {"make": {"makes": ["data"]}, "use": {"artifacts": {"data": "make.data"}, "retries": 1, "cache": False}},
    name="making",
)


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """Five runs a minute apart; b and d failed, the others did not. Tests only look."""
    folder, clock = tmp_path_factory.mktemp("listed"), VirtualClock()
    with database(folder) as db:
        yield five_runs(World(db, clock, folder), clock)


def five_runs(world, clock):
    world.script = lambda launch: Act(outcome=ExitedNonZero(code=1, message="no")) if world.fails else Act()
    for name in "abcde":
        world.fails = name in "bd"
        run = world.create(ONE, job_id=name, display_name=f"penguins {name}", labels={"kind": name, "team": "x"})
        world.finish(run)
        clock.advance(timedelta(minutes=1))
    return world


def names_of(found):
    return "".join(run.name[-1] for run in found)


def test_what_a_diverged_model_measured_is_told_by_its_name(world):
    made = {
        "parameterValues": {"loss": float("nan")},
        "artifacts": {"m": {"artifacts": [{"metadata": {"l": -math.inf}}]}},
    }
    world.script = lambda launch: Act(output=json.dumps(made))
    loss = {"valueFromParameter": {"producerSubtask": "a", "outputParameterKey": "loss"}}
    spec = a_spec({"a": {"gives": {"loss": "NUMBER_DOUBLE"}, "makes": ["m"]}}, outputs={"parameters": {"loss": loss}})
    run = world.create(spec)
    assert world.finish(run).state == "SUCCEEDED"

    details, traces = world.service.describe(run.name), world.service.traces(run)
    ours = json.dumps([run_json(details, traces), outline_json(details)], allow_nan=False)
    job = to_json(from_json("google.cloud.aiplatform.v1.PipelineJob", job_json(details.run, details, None, traces)))

    assert '"outputs": {"loss": "NaN"}' in ours
    assert '"-Infinity"' in json.dumps(job)


@pytest.mark.parametrize(
    ("wanted", "names"),
    [
        ("", "edcba"),
        ('state="PIPELINE_STATE_FAILED"', "db"),
        ("state=FAILED", "db"),
        ('state!="PIPELINE_STATE_FAILED"', "eca"),
        ('NOT state="PIPELINE_STATE_FAILED" AND display_name="penguins c"', "c"),
        ('display_name:"*guins*"', "edcba"),
        ('display_name="penguins a" OR display_name="penguins e"', "ea"),
        ("labels.kind=d", "d"),
        ('labels.team="x" AND labels.kind!=a', "edcb"),
        ("labels:team", "edcba"),
        ("labels:nothing", ""),
        ("labels.kind:*", "edcba"),
        ('pipeline_name="example"', "edcba"),
        ('create_time>"2000-01-01T00:00:00Z"', "edcba"),
        ('end_time<"2000-01-01T00:00:00Z"', ""),
    ],
)
def test_runs_are_filtered_as_google_documents(listed, wanted, names):
    assert names_of(listed.service.list(PARENT, filter=wanted)[0]) == names


def test_runs_are_filtered_by_time(listed):
    third = listed.service.get(f"{PARENT}/pipelineJobs/c").create_time.isoformat()

    assert names_of(listed.service.list(PARENT, filter=f'create_time>"{third}"')[0]) == "ed"
    assert names_of(listed.service.list(PARENT, filter=f'create_time<="{third}"')[0]) == "cba"


@pytest.mark.parametrize(
    ("order", "names"),
    [("create_time", "abcde"), ("create_time desc", "edcba"), ("end_time desc, start_time", "edcba")],
)
def test_runs_are_ordered_as_asked(listed, order, names):
    assert names_of(listed.service.list(PARENT, order_by=order)[0]) == names


@pytest.mark.parametrize("order", ["", "create_time", "update_time desc"])
@pytest.mark.parametrize("wanted", ["", 'state!="PIPELINE_STATE_FAILED"'])
def test_pages_hold_every_run_once(listed, order, wanted):
    whole = names_of(listed.service.list(PARENT, filter=wanted, order_by=order)[0])
    found, token = [], ""
    while True:
        page, token = listed.service.list(PARENT, filter=wanted, order_by=order, page_size=2, page_token=token)
        found += page
        if not token:
            break

    assert names_of(found) == whole


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"filter": "state=BROKEN"}, "'BROKEN' is not a state of a run"),
        ({"state": "BROKEN"}, "state: 'BROKEN' is not a state of a run"),
        ({"filter": "colour=red"}, "'colour' is not a field of these"),
        ({"filter": "create_time>soon"}, "'soon' is not a time"),
        ({"filter": "state="}, "ends too early"),
        ({"order_by": "name"}, "'name' is not one of create_time, update_time, end_time, start_time"),
        ({"order_by": "create_time down"}, "with or without desc"),
    ],
)
def test_what_cannot_be_asked_for_is_refused(listed, asked, message):
    with pytest.raises(InvalidArgument, match=message):
        listed.service.list(PARENT, **asked)


def test_whoever_waits_is_told_of_the_end(world):
    async def scenario():
        run = world.create(ONE)
        waiting = asyncio.ensure_future(world.service.ended(run.name, seconds=30))
        await asyncio.sleep(0)
        await world._finish()
        return await asyncio.wait_for(waiting, 5)

    assert asyncio.run(scenario()).state == "SUCCEEDED"
    assert not [channel for channel in world.db._listeners if channel.startswith("run ")]


def test_whoever_waits_long_enough_hears_how_it_stands(world):
    run = world.create(ONE)

    assert asyncio.run(world.service.ended(run.name, seconds=0.01)).state == "PENDING"


def test_logs_come_with_their_tasks_and_are_not_read_twice(world):
    spec = a_spec({"a": {"cache": False}, "b": {"cache": False, "after": ["a"]}})

    def script(launch):
        launch.log_file.parent.mkdir(parents=True, exist_ok=True)
        launch.log_file.write_bytes(launch.work.source.encode() + b"\nno end")
        return Act()

    world.script = script
    run = world.finish(world.create(spec))

    async def read(chosen=None, *, is_followed=True):
        return b"".join([data async for data in runs_logs.lines(world.service, run, chosen, is_followed=is_followed)])

    whole = asyncio.run(read())
    assert sorted(whole.splitlines()) == [b"[a] # a", b"[a] no end", b"[b] # b", b"[b] no end"]
    assert asyncio.run(read(is_followed=False)) == whole
    assert asyncio.run(read(world.service.choose(run.name, "b"))) == b"# b\nno end\n"


def detail(world, run):
    details = world.service.describe(run.name)
    message = from_json(
        "google.cloud.aiplatform.v1.PipelineJob",
        job_json(details.run, details, world.service.spec(run.name)["spec"], world.service.traces(details.run)),
    )
    document = to_json(message)
    return document, {task["taskUniqueName"]: task for task in document["jobDetail"]["taskDetails"]}


def test_google_is_told_what_tasks_read_and_made_and_of_every_attempt(world):
    outcomes = iter([Act(), Act(outcome=OutOfMemory(limit_bytes=7)), Act()])
    world.script = lambda _: next(outcomes)
    run = world.finish(world.create(MAKING))

    _, tasks = detail(world, run)

    (made,) = tasks["make"]["outputs"]["data"]["artifacts"]
    (read,) = tasks["use"]["inputs"]["data"]["artifacts"]
    assert made == read
    assert made["uri"].startswith("gs://")
    assert made["schemaTitle"] == "system.Dataset"
    assert tasks["make"]["execution"]["state"] == "COMPLETE"
    assert [(s["state"], s.get("error", {}).get("code")) for s in tasks["use"]["pipelineTaskStatus"]] == [
        ("FAILED", 8),
        ("SUCCEEDED", None),
    ]


def test_google_is_told_why_a_run_failed_and_what_did_not_begin(world):
    world.script = lambda _: Act(outcome=ExitedNonZero(code=3, message="bad luck"))
    run = world.finish(world.create(MAKING))

    document, tasks = detail(world, run)

    assert document["state"] == "PIPELINE_STATE_FAILED"
    assert document["error"] == {"code": 9, "message": "Task 'make' failed: exited with code 3: bad luck"}
    assert tasks["make"]["error"]["code"] == 9
    assert tasks["use"]["state"] == "NOT_TRIGGERED"
    assert "error" not in tasks["use"]


def test_google_is_told_that_outputs_were_reused(world):
    for _ in range(2):
        run = world.finish(world.create(MAKING))

    _, tasks = detail(world, run)

    assert (tasks["make"]["state"], tasks["make"]["execution"]["state"]) == ("SKIPPED", "CACHED")
    assert tasks["make"]["outputs"]["data"]["artifacts"][0]["uri"]


def test_a_plan_of_a_loop_is_priced_by_what_its_iterations_took(world):
    spec = a_loop(["1", "2", "3"])
    world.script = lambda _: Act()
    world.finish(world.create(spec))
    new = NewRun(parent=PARENT, spec=a_loop(["4", "5", "6", "7"]))

    steps, earlier = world.service.plan(new), world.service.seconds_of_tasks(new)

    assert [step.task for step in steps] == [f"loop[{i}].a" for i in range(4)]
    assert len(earlier["loop.a"]) == 3
    assert not estimate(costs.load(), steps, earlier).is_guess


def a_loop(items):
    inner = a_spec({"a": {"cache": False, "params": {"item": "@item"}}})
    task = {
        "taskInfo": {"name": "loop"}, "componentRef": {"name": "comp-loop"}, "inputs": {},
        "parameterIterator": {"itemInput": "item", "items": {"raw": json.dumps(items)}},
    }  # fmt: skip
    body = {
        "dag": inner["root"]["dag"],
        "inputDefinitions": {"parameters": {"item": {"parameterType": "STRING"}}},
    }
    return {
        **inner,
        "root": {"dag": {"tasks": {"loop": task}}},
        "components": {**inner["components"], "comp-loop": body},
    }


def test_google_is_told_the_names_of_tasks_in_loops(world):
    run = world.finish(world.create(a_loop(["1", "2"])))

    _, tasks = detail(world, run)

    assert [(path, task["taskName"]) for path, task in tasks.items()] == [
        ("loop", "loop"),
        ("loop[0].a", "a"),
        ("loop[1].a", "a"),
    ]
    assert tasks["loop[1].a"]["parentTaskId"] == tasks["loop"]["taskId"]
    assert "parentTaskId" not in tasks["loop"]


@pytest.fixture
def google(world):
    return Pipelines(world.service)


def a_batch(kind, names, parent=PARENT):
    return message(f"google.cloud.aiplatform.v1.{kind}PipelineJobsRequest", parent=parent, names=names)


def full(*jobs):
    return [f"{PARENT}/pipelineJobs/{job}" for job in jobs]


def test_several_runs_are_cancelled_and_deleted_at_once(world, google):
    runs = [world.create(ONE, job_id=job) for job in "ab"]

    operation = google.BatchCancelPipelineJobs(a_batch("BatchCancel", full("a", "b")))

    assert operation.done
    assert [world.finish(run).state for run in runs] == ["CANCELLED", "CANCELLED"]
    google.BatchDeletePipelineJobs(a_batch("BatchDelete", full("a", "b")))
    assert world.service.list(PARENT)[0] == []


def test_a_batch_is_done_whole_or_not_at_all(world, google):
    world.finish(world.create(ONE, job_id="ended"))
    world.create(ONE, job_id="open")

    with pytest.raises(FailedPrecondition, match=r"these runs have ended: ended \(SUCCEEDED\)"):
        google.BatchCancelPipelineJobs(a_batch("BatchCancel", full("open", "ended")))
    with pytest.raises(FailedPrecondition, match=r"have not ended; cancel them first: open \(PENDING\)"):
        google.BatchDeletePipelineJobs(a_batch("BatchDelete", full("open", "ended")))
    assert {run.state for run in world.service.list(PARENT)[0]} == {"PENDING", "SUCCEEDED"}


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "has 0 runs; give 1 to 32"),
        (full(*map(str, range(33))), "has 33 runs"),
        (["projects/other/locations/l/pipelineJobs/a"], "is not a run of"),
    ],
)
def test_a_batch_that_cannot_be_meant_is_refused(google, names, message):
    with pytest.raises(InvalidArgument, match=message):
        google.BatchCancelPipelineJobs(a_batch("BatchCancel", names))
