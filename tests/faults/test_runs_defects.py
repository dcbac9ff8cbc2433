"""A defect, or an odd fact, of one run: that run ends and says why, the others go on, and nothing runs twice."""

import asyncio
import importlib.util
import json
import os
import sys
from pathlib import Path

import pytest

from trainshed.runners.scripted import Act
from trainshed.runs.engine.abandon import abandon

_path = Path(__file__).parents[1] / "storage" / "runs_world.py"
_spec = importlib.util.spec_from_file_location("runs_world", _path)
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)


@pytest.fixture
def world(db, clock, tmp_path):
    return runs_world.World(db, clock, tmp_path, lambda launch: Act(is_held=True))


class Broken(Exception):
    """A defect of ours."""


def breaking(world, is_broken):
    """Let the writer fail on the facts that `is_broken` picks."""
    writer = world.engine._parts.writer
    step = writer.step

    def broken(conn, turn, active, fact, ended=None):
        if is_broken(active, fact):
            raise Broken("no")
        step(conn, turn, active, fact, ended)

    writer.step = broken


def test_what_was_started_before_another_runs_defect_runs_once(world):
    good = world.create(runs_world.a_spec({"train": {}}), job_id="a-good-one")
    bad = world.create(runs_world.a_spec({"train": {}}, name="other"), job_id="b-bad-one")
    breaking(world, lambda active, fact: active.run.name == bad.name)

    world.finish(good)

    assert world.service.get(bad.name).state == "FAILED"
    (task,) = world.service.describe(good.name).tasks
    assert (task.state, task.attempt, task.losses) == ("RUNNING", 1, 0)
    assert len(world.runner._world.seen) == 1


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_a_run_that_a_defect_ends_leaves_nothing_open(world, is_cancelled):
    run = world.create(runs_world.a_spec({"train": {}, "after": {"after": ["train"]}}))
    world.finish(run)
    if is_cancelled:
        world.service.cancel(run.name)
    breaking(world, lambda active, fact: True)

    async def story():
        await world.settle()
        await world.engine.close()

    asyncio.run(story())

    done = world.service.get(run.name)
    assert done.state == ("CANCELLED" if is_cancelled else "FAILED")
    assert "Broken: no" in done.error
    assert set(world.states(run).values()) == {"CANCELLED"}
    assert not world.runner._world.acts, "its attempts were stopped"


def test_the_attempts_of_a_run_that_was_given_up_are_stopped_though_the_server_was_killed_then(world):
    run, other = (world.create(runs_world.a_spec({"train": {}}, name=name)) for name in ("given-up", "goes-on"))
    world.finish(run)
    assert len(world.runner._world.acts) == 2
    world.db.write(lambda conn: abandon(conn, run.name, "a defect", now=world.clock.now()))

    world.finish(run)

    assert [task for task, _ in world.runner._world.acts] == [t.id for t in world.service.describe(other.name).tasks]


def test_an_artifact_in_a_bucket_that_is_not_there_fails_its_task(world):
    def script(launch):
        (launch.mount / "nowhere").mkdir(parents=True)
        (launch.mount / "nowhere" / "m").write_text("x")
        return Act(output=json.dumps({"artifacts": {"m": {"artifacts": [{"uri": "gs://nowhere/m"}]}}}))

    world.script = script
    run = world.create(runs_world.a_spec({"a": {"makes": ["m"]}}))

    assert world.finish(run).error.startswith(
        "Task 'a' failed: exited with code 0: its outputs could not be taken over: There is no bucket 'nowhere'"
    )
    assert world.states(run) == {"a": "FAILED"}
    assert [attempt.outcome for attempt in world.service.describe(run.name).attempts] == ["ExitedNonZero"]


@pytest.mark.parametrize(
    ("name", "why"),
    [
        (b"bad\xff", r"file 'bad\udcff': the object name is not valid Unicode"),
        (b"two\nlines", r"is not an object name: leave out line breaks"),
        (b"/".join([b"n" * 250] * 5), "an object name has 1 to 1024 bytes"),
    ],
)
def test_a_file_that_can_be_no_object_fails_its_task_and_keeps_the_engine(world, caplog, name, why):
    def script(launch):
        artifact = json.loads(launch.executor_input)["outputs"]["artifacts"]["m"]["artifacts"][0]
        path = launch.mount / artifact["uri"].removeprefix("gs://") / os.fsdecode(name)
        path.parent.mkdir(parents=True)
        path.touch()
        return Act(output=json.dumps({"artifacts": {"m": {"artifacts": [artifact]}}}))

    world.script = script
    run = world.create(runs_world.a_spec({"a": {"makes": ["m"]}}))

    error = world.finish(run).error
    assert error.startswith("Task 'a' failed: exited with code 0: its outputs could not be taken over: ")
    assert why in error
    assert world.states(run) == {"a": "FAILED"}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_a_text_that_no_file_can_hold_is_taken_over_as_far_as_it_can_be(world):
    world.script = lambda launch: Act(output='{"parameterValues": {"x": "a\\ud800b \\ud83d\\ude00"}}')
    run = world.create(runs_world.a_spec({"a": {"gives": {"x": "STRING"}}}))

    assert world.finish(run).state == "SUCCEEDED"
    assert world.service.describe(run.name).tasks[0].outputs["parameters"] == {"x": "a?b \U0001f600"}
