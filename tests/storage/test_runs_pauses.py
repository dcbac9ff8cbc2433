"""What is kept of a run that was asked to end, or went on after it had ended: when, by whom, and how long nothing happened."""

import asyncio
import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act
from trainshed.runs import Cancellation, paused_seconds, pauses, worked_seconds
from trainshed.sql.lifecycle import history

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
a_spec = runs_world.a_spec
WITHIN_A_MINUTE = {"platforms": {"kubernetes": {"pipelineConfig": {"activeDeadlineSeconds": 60}}}}


@pytest.fixture
def world(db, clock, tmp_path):
    return runs_world.World(db, clock, tmp_path)


def holding(launch):
    return Act(is_held=True)


def failing(launch):
    return Act(outcome=ExitedNonZero(code=1, message="no"))


def after(world, seconds, **given):
    """Let a run be at work for a while."""

    async def passing():
        await world.settle()
        world.clock.advance(seconds)
        for name, verb in given.items():
            getattr(world.service, verb)(name)
        await world.settle()

    asyncio.run(passing())


def test_a_cancelled_run_says_when_it_was_asked_to_end_and_by_what(world, clock):
    world.script = holding
    run, other = world.create(a_spec({"a": {}})), world.create(a_spec({"b": {}}))
    world.finish(run)
    clock.advance(5)
    asked = clock.now()

    world.service.cancel(run.name, cause="the dashboard")
    world.service.cancel(run.name, cause="the command line")
    clock.advance(5)
    world.finish(run)

    said = world.service.cancellations([run.name, other.name])
    assert said == {run.name: Cancellation(time=asked, cause="the dashboard")}
    assert world.service.describe(run.name).cancellation == said[run.name]
    assert world.service.describe(other.name).cancellation is None
    world.service.retry(run.name, cause="the API")
    assert world.service.cancellations([run.name]) == {}
    assert [c.cause for c in world.db.read(lambda conn: history(conn, "run", run.name)) if c.cause] == [
        "the dashboard",
        "the API",
    ]


def test_a_run_whose_time_is_over_was_asked_to_end_by_its_deadline(world, clock):
    world.script = holding
    run = world.create(a_spec({"a": {}}), platform=WITHIN_A_MINUTE)

    after(world, 60)

    assert world.service.cancellations([run.name])[run.name].by == "its deadline"


def test_a_cancel_of_which_nobody_is_known_says_so(world):
    world.script = holding
    run = world.create(a_spec({"a": {}}))

    world.service.cancel(run.name)

    assert world.service.cancellations([run.name])[run.name].by == "somebody"


def test_a_deleted_run_leaves_nothing_of_its_end_to_one_of_the_same_name(world):
    run = world.create(a_spec({"a": {}}), job_id="again")
    world.service.cancel(run.name, cause="the dashboard")
    world.finish(run)
    world.service.delete(run.name)

    assert world.service.cancellations([world.create(a_spec({"a": {}}), job_id="again").name]) == {}


def test_a_retried_run_was_at_work_without_the_time_in_which_nobody_did_anything(world, clock):
    world.script = holding
    run = world.create(a_spec({"a": {}}))
    after(world, 10)
    world.service.cancel(run.name)
    ended = world.finish(run).end_time
    assert worked_seconds(world.service.get(run.name)) == 10

    clock.advance(3600)
    again = clock.now()
    world.service.retry(run.name)
    after(world, 20)
    assert worked_seconds(world.service.get(run.name)) is None
    world.service.cancel(run.name)
    done = world.finish(run)

    assert pauses(done) == [(ended, again)]
    assert (worked_seconds(done), paused_seconds(done)) == (30, 3600)
    assert (done.end_time - done.start_time).total_seconds() == 3630

    clock.advance(60)
    world.service.retry(run.name)
    world.script = lambda launch: Act()
    assert worked_seconds(world.finish(run)) == 30
    assert paused_seconds(world.service.get(run.name)) == 3660


def test_a_run_that_never_began_was_not_interrupted(world, clock):
    run = world.create(a_spec({"a": {}}))
    world.service.cancel(run.name)
    assert worked_seconds(world.finish(run)) is None

    clock.advance(3600)
    world.service.retry(run.name)
    done = world.finish(run)

    assert (pauses(done), worked_seconds(done)) == ([], 0)


def test_of_a_part_of_a_run_only_the_pauses_count_that_lie_in_it(world, clock):
    world.script = failing
    run = world.create(a_spec({"a": {}}))
    ended = world.finish(run).end_time
    clock.advance(100)
    world.service.retry(run.name)
    done = world.finish(run)

    half = ended + timedelta(seconds=50)
    assert paused_seconds(done, done.start_time, half) == 50
    assert paused_seconds(done, half, done.end_time) == 50
    assert paused_seconds(done, done.end_time, done.end_time + timedelta(days=1)) == 0


def test_runs_that_go_on_say_how_many_of_their_tasks_are_done(world):
    world.script = lambda launch: Act(is_held=launch.work.source in {"# b", "# c"})
    spec = a_spec({"a": {}, "b": {"after": ["a"]}, "d": {"after": ["b"]}})
    run, other, over = world.create(spec), world.create(a_spec({"c": {}})), world.create(a_spec({"e": {}}))
    world.finish(run)

    found = world.service.done_of([world.service.get(one.name) for one in (run, other, over)])

    assert {name: done.said() for name, done in found.items()} == {
        run.name: "1 of 3 tasks done",
        other.name: "0 of 1 task done",
    }
    assert world.service.done_of([]) == {}


def test_a_retried_run_has_all_tasks_of_its_plan_before_it_again(world):
    world.script = failing
    run = world.create(a_spec({"a": {}, "b": {"after": ["a"]}, "d": {"after": ["b"]}}))
    assert world.finish(run).tasks_total == 1

    again = world.service.retry(run.name)

    assert again.tasks_total == 3
    assert world.service.done_of([again])[run.name].said() == "0 of 3 tasks done"


def test_addresses_are_told_apart_by_whether_their_bucket_is_here(world):
    world.put("gs://here/a/b.csv", b"1")

    given = [
        "gs://here/a/b.csv",
        "gs://here",
        "gs://elsewhere/a",
        "gs://",
        "gs://UPPER/x",
        "here",
        3,
        None,
        ["gs://here"],
    ]

    assert world.service.stored_here(given) == {"gs://here/a/b.csv", "gs://here"}
    assert world.service.stored_here([]) == frozenset()
