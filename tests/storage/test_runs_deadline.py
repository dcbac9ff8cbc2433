"""A pipeline whose configuration says how long a run may take."""

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

from trainshed.errors import InvalidArgument
from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

REASON = "The run took longer than its activeDeadlineSeconds (60 s)."


def within(seconds):
    return {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": seconds}}}}


@pytest.fixture
def world(db, clock, tmp_path):
    return runs_world.World(db, clock, tmp_path, lambda launch: Act(is_held=launch.work.source == "# train"))


@pytest.fixture
def run(world):
    """A run that trains, and cleans up whatever comes of it."""
    spec = runs_world.a_spec({"train": {"cache": False}, "next": {"after": ["train"]}, "clean": {"after": ["train"]}})
    spec["root"]["dag"]["tasks"]["clean"]["triggerPolicy"] = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    return world.create(spec, platform=within(60))


def wait(world, seconds):
    """Let time pass; answer when the engine wants to look again."""

    async def passing():
        await world.settle()
        world.clock.advance(seconds)
        await world.settle()
        return await world.engine.run_once()

    return asyncio.run(passing())


def test_a_run_that_takes_too_long_is_ended_and_fails_with_the_reason(world, run):
    begin = world.clock.now()
    assert (wait(world, 59) - begin).total_seconds() == 60
    assert world.service.get(run.name).state == "RUNNING"

    wait(world, 1)

    done = world.service.get(run.name)
    assert (done.state, done.error) == ("FAILED", REASON)
    assert world.states(run) == {"train": "CANCELLED", "next": "CANCELLED", "clean": "SUCCEEDED"}


def test_the_time_goes_on_while_the_server_is_away(world, run):
    wait(world, 30)
    world.restart()
    wait(world, 30)

    assert world.service.get(run.name).error == REASON


def test_a_server_that_dies_while_it_ends_a_run_ends_it_as_failed(world, run):
    wait(world, 0)
    world.clock.advance(60)
    world.engine._follow = lambda turn: None  # it dies before the attempt is told
    asyncio.run(world.engine.run_once())
    assert world.service.get(run.name).state == "CANCELLING"

    world.restart()

    done = world.finish(run)
    assert (done.state, done.error) == ("FAILED", REASON)


def test_a_retried_run_has_its_time_anew(world, run):
    wait(world, 60)
    world.service.retry(run.name)

    wait(world, 59)
    assert world.service.get(run.name).state == "RUNNING"
    wait(world, 1)

    assert world.service.get(run.name).error == REASON


def test_a_run_that_ends_in_time_is_not_looked_at_again(world):
    run = world.create(runs_world.a_spec({"a": {}}), platform=within(60))

    assert wait(world, 100) is None

    assert world.service.get(run.name).state == "SUCCEEDED"


def test_a_deadline_in_the_past_is_refused_by_its_path(world):
    with pytest.raises(InvalidArgument, match="pipelineConfig.activeDeadlineSeconds.* is negative"):
        world.create(runs_world.a_spec({"a": {}}), platform=within(-1))
