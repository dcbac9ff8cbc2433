"""What an attempt may use: processors, accelerators, time, disk; and what becomes of it when its worker is gone."""

import asyncio
import json
import os
import signal
import subprocess
from dataclasses import replace

import pytest

from trainshed.runners import stage as ground
from trainshed.runners.contract import (
    ExitedNonZero,
    LeaseLost,
    Limits,
    PythonComponent,
    StartFailed,
    Stopped,
    Succeeded,
    TimedOut,
)

SOURCE = """
from kfp.dsl import *
import os, signal, sys, time


def given(text: str) -> dict:
    return {
        "cores": sorted(os.sched_getaffinity(0)),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "threads": os.environ.get("OMP_NUM_THREADS"),
    }


def holds(text: str) -> dict:
    with open("running", "w"):
        pass
    with open("release"):
        pass
    return given(text)


def forks_away(text: str) -> str:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if os.fork() == 0:
        os.setsid()
        with open("pids", "w") as file:
            file.write(f"{os.getpid()} {os.getppid()}")
        with open("running", "w"):
            pass
        while True:
            signal.pause()
    signal.pause()


def fills(text: str) -> str:
    with open("big", "wb") as file:
        while True:
            file.write(b"x" * 65536)
"""


def launch(stage, name, function, **limits):
    made = stage.launch(name, function, limits=Limits(**limits))
    return replace(made, work=PythonComponent(function=function, source=SOURCE))


def value(report):
    assert isinstance(report.outcome, Succeeded), report
    return json.loads(report.outcome.output)["parameterValues"]["Output"]


def worker_of(stage):
    (link,) = stage.runner._pool._links.values()
    return link.pid


def test_processors_of_limited_attempts_are_the_least_used(stage, play):
    everything = sorted(os.sched_getaffinity(0))

    async def perform():
        async with stage:
            held = [launch(stage, name, "holds", cpus=1) for name in ("a", "b")]
            for each in held:
                await stage.begin(each)
            for each in held:
                await stage.gates.release(each)
            told = [value(await stage.report(name)) for name in ("a", "b")]
            assert [each["threads"] for each in told] == ["1", "1"]
            if len(everything) > 1:
                assert [each["cores"] for each in told] == [everything[:1], everything[1:2]]
            await stage.runner.start(launch(stage, "c", "given"))
            assert value(await stage.report("c"))["cores"] == everything

    play(perform())


def test_accelerators_are_an_attempts_own_also_over_the_end_of_a_server(stage, settings, play):
    object.__setattr__(settings, "accelerators", "4,5,6")

    async def perform():
        async with stage:
            first = launch(stage, "a", "holds", accelerators=2)
            await stage.begin(first)
            await stage.runner.close(end_attempts=False)
            await stage.reopen()
            await stage.runner.start(launch(stage, "b", "given", accelerators=1))
            assert value(await stage.report("b"))["devices"] == "6"
            await stage.gates.release(first)
            assert value(await stage.report("a"))["devices"] == "4,5"
            await stage.runner.start(launch(stage, "c", "given", accelerators=3))
            assert value(await stage.report("c"))["devices"] == "4,5,6"
            await stage.runner.start(launch(stage, "d", "given"))
            assert value(await stage.report("d"))["devices"] is None

    play(perform())


def test_a_child_that_forked_away_does_not_outlive_a_killed_worker(stage, play):
    async def perform():
        async with stage:
            away = launch(stage, "a", "forks_away")
            await stage.begin(away)
            os.kill(worker_of(stage), signal.SIGKILL)
            assert (await stage.report("a")).outcome == LeaseLost()
            assert not ground.living(away.folder)

    play(perform())


def test_a_worker_that_comes_back_after_its_lease_reports_nothing(stage, settings, play):
    object.__setattr__(settings, "lease_seconds", 1.5)

    async def perform():
        async with stage:
            held = stage.launch("a", "held")
            await stage.begin(held)
            worker = worker_of(stage)
            os.kill(worker, signal.SIGSTOP)
            assert (await stage.report("a")).outcome == LeaseLost()
            assert not ground.is_alive(worker)
            stage.runner._pool._lease_seconds = 60  # the next worker may be as slow as it likes
            again = stage.launch("a", "succeed", attempt=2)
            await stage.runner.start(again)
            async with asyncio.timeout(60):
                while len(stage.reports) < 2:
                    await asyncio.sleep(0.01)
            assert [report.attempt for report in stage.reports] == [1, 2]
            assert isinstance(stage.reports[1].outcome, Succeeded)

    play(perform())


def test_an_attempt_that_was_stopped_while_the_server_was_away_is_told_once(stage, play):
    async def perform():
        async with stage:
            held = stage.launch("a", "held")
            await stage.begin(held)
            await stage.runner.close(end_attempts=False)
            await stage.reopen()
            await stage.runner.stop("a", 1, grace_seconds=5)
            assert (await stage.report("a")).outcome == Stopped()
            assert await stage.runner.attempts() == set()

    play(perform())


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1 MiB below the attempts."""
    folder = tmp_path / "runs"
    folder.mkdir()
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)], capture_output=True)
    if done.returncode != 0:
        pytest.skip(f"a small disk can be mounted by root alone: {done.stderr.decode().strip()}")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_full_disk_fails_the_attempt_and_says_so(stage, small_disk, play):
    async def perform():
        async with stage:
            full = launch(stage, "a", "fills")
            await stage.runner.start(full)
            outcome = (await stage.report("a")).outcome
            assert isinstance(outcome, ExitedNonZero)
            assert "No space left on device" in outcome.message
            late = stage.launch("b", "succeed")
            await stage.runner.start(late)
            outcome = (await stage.report("b")).outcome
            assert isinstance(outcome, ExitedNonZero | StartFailed)
            assert "No space left on device" in (getattr(outcome, "message", "") or outcome.reason)
            (full.folder / "big").unlink()
            assert isinstance((await stage.run("c", "succeed")).outcome, Succeeded)

    play(perform())


def test_a_timeout_is_no_longer_than_said_beside_others_without(stage, play):
    async def perform():
        async with stage:
            held = stage.launch("held", "held")
            await stage.begin(held)
            report = await stage.run("a", "sit", limits=Limits(timeout_seconds=0.3))
            assert report.outcome == TimedOut(timeout_seconds=0.3)
            assert 0.3 <= (report.end_time - report.start_time).total_seconds() < 20  # it would wait for ever
            await stage.gates.release(held)
            assert isinstance((await stage.report("held")).outcome, Succeeded)

    play(perform())
