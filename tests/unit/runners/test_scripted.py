"""The scripted runner misbehaves on request and refuses misuse; its good behaviour is in the conformance suite."""

import asyncio
import json
from pathlib import Path

import pytest

from trainshed.runners.contract import Launch, LeaseLost, PythonComponent, Succeeded
from trainshed.runners.scripted import Act, ScriptedRunner


def a_launch(task_id="t", attempt=1, folder=None, environment="e"):
    folder = Path(folder or f"/runs/{task_id}/{attempt}")
    return Launch(
        task_id=task_id,
        attempt=attempt,
        work=PythonComponent(function="f", source=""),
        executor_input=json.dumps({"outputs": {"outputFile": str(folder / "output.json")}}),
        environment=environment,
        folder=folder,
        mount=folder / "mount",
        output_file=folder / "output.json",
        log_file=folder / "log",
    )


def play(clock, act, perform):
    reports = []

    async def scene():
        runner = ScriptedRunner(lambda launch: act, clock)
        await runner.open(reports.append)
        await perform(runner)

    asyncio.run(scene())
    return [report.outcome for report in reports]


def test_a_report_can_be_missing_or_doubled(clock):
    async def perform(runner):
        await runner.start(a_launch())

    assert play(clock, Act(reports=0), perform) == []
    assert play(clock, Act(reports=2), perform) == [Succeeded(output="")] * 2


def test_a_lost_worker_can_come_back_with_a_late_report(clock):
    async def perform(runner):
        await runner.start(a_launch())
        runner.lose("t")
        await runner.start(a_launch(attempt=2))
        runner.repeat("t", 1, Succeeded(output="late"))

    assert play(clock, Act(is_held=True), perform) == [LeaseLost(), Succeeded(output="late")]


def test_a_stop_can_be_ignored(clock):
    async def perform(runner):
        await runner.start(a_launch())
        await runner.stop("t", 1, grace_seconds=0)
        assert runner.stops == [("t", 1)]
        assert await runner.attempts() == {("t", 1)}

    assert play(clock, Act(is_held=True, ignores_stop=True), perform) == []


@pytest.mark.parametrize(
    ("first", "second", "complaint"),
    [
        ({"attempt": 2}, {"attempt": 1}, "comes after"),
        ({"attempt": 1}, {"attempt": 2}, "runs twice"),
        ({"folder": "/runs/x"}, {"task_id": "u", "folder": "/runs/x"}, "already"),
        ({}, {"task_id": "u", "environment": ""}, "no environment"),
    ],
)
def test_misuse_is_an_assertion(clock, first, second, complaint):
    async def perform(runner):
        await runner.start(a_launch(**first))
        with pytest.raises(AssertionError, match=complaint):
            await runner.start(a_launch(**second))

    play(clock, Act(is_held=True), perform)


def test_starting_before_open_or_after_close_is_an_assertion(clock):
    async def perform(runner):
        await runner.close(end_attempts=False)
        with pytest.raises(AssertionError, match="before it was opened"):
            await runner.start(a_launch())

    play(clock, Act(), perform)
