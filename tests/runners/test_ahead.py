"""Attempts forked ahead: who gets one, what becomes of it, and that nothing but time depends on it."""

import asyncio
import json
import os
import signal

from trainshed.runners import stage as ground
from trainshed.runners.contract import Limits, PythonComponent, Stopped, Succeeded
from trainshed.workers.child import processes

SOURCE = """
from kfp.dsl import *
import os, sys

def tells(text: str) -> dict:
    return {
        "pid": os.getpid(), "file": __file__, "name": __name__, "main": sys.modules["__main__"].__dict__.get("__file__"),
        "handles": sorted(map(int, os.listdir("/proc/self/fd"))), "again": sys.modules[__name__] is not None,
    }
"""


def worker_of(stage):
    (link,) = stage.runner._pool._links.values()
    return link.pid


async def waiting_in(stage):
    """Answer the child that waits for an order, once it does."""
    async with asyncio.timeout(60):
        while True:
            for child in processes.children(worker_of(stage)):
                if os.getpgid(child) == child:
                    return child
            await asyncio.sleep(0.01)


async def until_dead(pid):
    async with asyncio.timeout(60):
        while ground.is_alive(pid):
            await asyncio.sleep(0.001)


async def tell(stage, name, *, source=SOURCE, **changes):
    launch = stage.launch(name, "tells")
    object.__setattr__(launch, "work", PythonComponent(function="tells", source=source))
    await stage.runner.start(launch)
    outcome = (await stage.report(name)).outcome
    assert isinstance(outcome, Succeeded), outcome
    return json.loads(outcome.output)["parameterValues"]["Output"]


def test_the_child_that_waits_gets_the_next_order(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            waiting = await waiting_in(stage)
            told = await tell(stage, "second")
            assert told["pid"] == waiting
            assert told["name"] == "ephemeral_component"
            assert told["file"] == str(stage.folder / "second/1/ephemeral_component.py")
            assert told["main"] is None

    play(perform())


def test_an_order_too_long_for_it_is_forked_for(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            waiting = await waiting_in(stage)
            told = await tell(stage, "second", source=f"{SOURCE}\nLONG = {'x' * 1_000_000!r}\n")
            assert told["pid"] != waiting
            assert (await tell(stage, "third"))["name"] == "ephemeral_component"

    play(perform())


def test_its_death_is_no_matter(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            for i in range(5):
                waiting = await waiting_in(stage)
                os.kill(waiting, signal.SIGKILL)
                await until_dead(waiting)
                await tell(stage, f"t{i}")

    play(perform())


def test_it_holds_nothing_of_its_parent(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            await waiting_in(stage)
            ahead = await tell(stage, "ahead")
            both = await asyncio.gather(tell(stage, "a"), tell(stage, "b"))
            forked = next(told for told in both if len(told["handles"]) <= len(ahead["handles"]))
            assert len(ahead["handles"]) <= len(forked["handles"]) + 1

    play(perform())


def test_it_ends_with_its_worker(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            waiting = await waiting_in(stage)
            os.kill(worker_of(stage), signal.SIGKILL)
            await until_dead(waiting)

    play(perform())


def test_what_is_imported_later_is_there_for_the_next_order(stage, play):
    source = SOURCE + '\n\ndef tells(text: str) -> dict:\n    return {"has": "wave" in sys.modules}\n'

    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            await waiting_in(stage)
            assert await tell(stage, "before", source=source) == {"has": False}
            await waiting_in(stage)
            await stage.runner.warm(stage.environment, ("wave",))
            assert await tell(stage, "after", source=source) == {"has": True}

    play(perform())


def test_stopping_and_limits_hold_for_it_as_for_any_other(stage, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            waiting = await waiting_in(stage)
            launch = stage.launch("a", "stubborn", limits=Limits(memory_bytes=ground.MEMORY_LIMIT))
            await stage.begin(launch)
            await stage.gates.release(launch)
            assert str(waiting) in (launch.folder / "pids").read_text().split()
            await stage.runner.stop("a", 1, grace_seconds=0.1)
            assert (await stage.report("a")).outcome == Stopped()
            assert not ground.living(launch.folder)

    play(perform())


def test_an_outcome_that_finds_no_room_is_told_all_the_same(stage, settings, play):
    async def perform():
        async with stage:
            await stage.run("first", "succeed")
            spooled = settings.home / "workers"
            spooled.rename(settings.home / "elsewhere")
            spooled.write_text("in the way")
            assert isinstance((await stage.run("a", "succeed")).outcome, Succeeded)
            stage.takes_over = False
            await stage.run("b", "succeed")
            await stage.runner.close(end_attempts=False)
            spooled.unlink()
            stage.reports.clear()
            stage.takes_over = True
            await stage.reopen()
            assert isinstance((await stage.report("b")).outcome, Succeeded)

    play(perform())
