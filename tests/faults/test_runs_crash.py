"""The engine dies between any two steps and comes back: one result, nothing lost, nothing twice."""

import asyncio
import contextlib
import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed.duty import off_loop
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act
from trainshed.runs.engine import engine
from trainshed.runs.engine import mounts as mounts_module

_path = Path(__file__).parents[1] / "storage" / "runs_world.py"
_spec = importlib.util.spec_from_file_location("runs_world", _path)
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)

POINTS = ("before_turn", "after_turn", "before_start")
SPEC = runs_world.a_spec(
    {
        "a": {"gives": {"x": "NUMBER_INTEGER"}, "makes": ["data"]},
        "b": {"params": {"x": ("NUMBER_INTEGER", "<a.x")}, "retries": 1},
        "c": {"artifacts": {"data": "a.data"}},
        "d": {"after": ["b", "c"]},
    }
)


class Crash(BaseException):
    pass


def script(launch):
    if launch.work.source == "# b" and launch.attempt == 1:
        return Act(outcome=ExitedNonZero(code=1, message="once"))
    if launch.work.source == "# a":
        document = json.loads(launch.executor_input)
        uri = document["outputs"]["artifacts"]["data"]["artifacts"][0]["uri"]
        (launch.mount / uri.removeprefix("gs://")).write_bytes(b"data")
        return Act(output=json.dumps({"parameterValues": {"x": 1}}))
    return Act(output="{}")


class Countdown:
    """Dies at the n-th passing of a point."""

    def __init__(self, point, passing):
        self.point, self.left, self.has_died = point, passing, False

    def __call__(self, point):
        if point == self.point and not self.has_died:
            self.left -= 1
            if self.left == 0:
                self.has_died = True
                raise Crash


async def live(world, countdown):
    """Run until the engine has died once and what came after it has come to rest."""
    world.restart(countdown)
    with contextlib.suppress(Crash):
        await world.settle()
    for task in list(world.engine._background._tasks):
        task.cancel()
    await asyncio.sleep(0)
    await world.runner.close(end_attempts=False)
    world.restart()
    await world.settle()
    await world.engine.close()


@pytest.mark.parametrize("point", POINTS)
@pytest.mark.parametrize("passing", range(1, 8))
def test_a_crash_at_any_step_leads_to_the_same_end(db, clock, tmp_path, point, passing):
    world = runs_world.World(db, clock, tmp_path, script)
    run = world.create(SPEC)

    asyncio.run(live(world, Countdown(point, passing)))

    done = world.service.get(run.name)
    assert done.state == "SUCCEEDED", done.error
    assert set(world.states(run).values()) == {"SUCCEEDED"}
    for task in world.service.describe(run.name).tasks:
        states = [c.transition for c in world.db.read(lambda conn, key=task.id: history(conn, key))]
        assert states.count("succeeded") == 1
        if task.name == "b":  # an attempt that the crash lost was never heard to fail
            assert task.failures + task.losses >= 1
        else:
            assert task.failures == 0
    assert done.tasks_ran == 4
    kept = world.db.read(lambda conn: conn.exec_driver_sql("SELECT COUNT(*) FROM task_cache").scalar())
    assert kept == 4, "what was done can be used again"


def history(conn, task_id):
    from trainshed.sql.lifecycle import history as read

    return read(conn, "task", task_id)


def test_a_held_attempt_is_attached_to_again_and_not_repeated(db, clock, tmp_path):
    world = runs_world.World(db, clock, tmp_path, lambda launch: Act(is_held=True))
    run = world.create(runs_world.a_spec({"train": {}}))
    world.finish(run)
    (task,) = world.service.describe(run.name).tasks

    async def story():
        await world.settle()
        world.runner.release(task.id)
        await world.settle()

    asyncio.run(story())

    (after,) = world.service.describe(run.name).tasks
    assert (after.state, after.attempt, after.losses) == ("SUCCEEDED", 1, 0)


def test_a_worker_that_is_gone_after_the_outage_is_replaced(db, clock, tmp_path):
    acts = iter([Act(is_held=True), Act()])
    world = runs_world.World(db, clock, tmp_path, lambda launch: next(acts))
    run = world.create(runs_world.a_spec({"train": {}}))
    world.finish(run)
    world.runner._world.acts.clear()

    assert world.finish(run).state == "SUCCEEDED"
    (task,) = world.service.describe(run.name).tasks
    assert (task.attempt, task.losses, task.failures) == (2, 1, 0)


def test_one_broken_run_does_not_hold_up_the_others(db, clock, tmp_path, monkeypatch):
    world = runs_world.World(db, clock, tmp_path)
    broken, fine = world.create(runs_world.a_spec({"a": {}}, name="broken")), world.create(runs_world.a_spec({"a": {}}))
    writer = world.engine._parts.writer
    step = writer.step

    def failing(conn, turn, active, fact, ended=None):
        if active.run.name == broken.name:
            raise RuntimeError("a defect")
        return step(conn, turn, active, fact, ended)

    monkeypatch.setattr(writer, "step", failing)

    assert world.finish(fine).state == "SUCCEEDED"
    ended = world.service.get(broken.name)
    assert (ended.state, "a defect" in ended.error) == ("FAILED", True)


def mounts(world, run):
    return sorted(str(path.relative_to(world.folder)) for path in world.service.run_folder(run).glob("*/*/mount/*"))


async def nothing(*_):
    pass


def test_what_attempts_saw_of_buckets_is_removed_after_a_crash_too(db, clock, tmp_path, monkeypatch):
    world = runs_world.World(db, clock, tmp_path, script)
    run = world.create(SPEC)
    with monkeypatch.context() as patch:
        patch.setattr(engine, "clean_up", nothing)
        assert world.finish(run).state == "SUCCEEDED"
    assert mounts(world, run)

    world.finish(run)

    assert mounts(world, run) == []


def test_what_an_attempt_of_a_run_that_is_retried_sees_of_buckets_stays(db, clock, tmp_path, monkeypatch):
    """Its mount is made between the end of the run and the moment at which those of the run are looked for."""

    def failing_once(launch):
        if launch.work.source == "# c":
            return Act(outcome=ExitedNonZero(code=1, message="no")) if launch.attempt == 1 else Act(is_held=True)
        return script(launch)

    async def late(function, *arguments):
        await is_retried.wait()
        return await off_loop(function, *arguments)

    world, is_retried = runs_world.World(db, clock, tmp_path, failing_once), asyncio.Event()
    run = world.create(SPEC)
    monkeypatch.setattr(mounts_module, "off_loop", late)

    async def turns(is_over):
        while not is_over():
            await world.engine.run_once()
            await asyncio.sleep(0)

    async def story():
        await turns(lambda: world.service.get(run.name).state == "FAILED")
        world.service.retry(run.name)
        await turns(lambda: world.runner._world.acts)  # the one that is held
        is_retried.set()
        await world.settle()
        await world.engine.close()
        await world.runner.close(end_attempts=False)

    asyncio.run(story())

    assert [path.split("/")[-3] for path in mounts(world, run)] == ["2"]
