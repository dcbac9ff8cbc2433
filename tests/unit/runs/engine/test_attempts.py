"""Reports wait until the runs in memory are what the rows say, and nobody who reports waits for ever."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from trainshed.clock import VirtualClock
from trainshed.duty import Background
from trainshed.runners.contract import ExitedNonZero, LeaseLost, Report
from trainshed.runs.engine.attempts import Attempts
from trainshed.runs.engine.open_runs import Lost
from trainshed.runs.facts import AttemptEnded

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Launched:
    """A launcher that only counts."""

    def __init__(self):
        self.known = {("1", 1), ("2", 1), ("3", 1)}

    def under_way(self):
        return set(self.known)

    def ended(self, task_id, attempt):
        self.known.discard((task_id, attempt))

    def collect(self, active, ended):
        return ended


def a_run(**paths):
    nothing = SimpleNamespace(output_artifacts={}, artifacts={})
    return SimpleNamespace(
        run=SimpleNamespace(name="runs/r"),
        paths={task_id: path for path, task_id in paths.items()},
        nodes={path: SimpleNamespace(id=task_id) for path, task_id in paths.items()},
        task=lambda _: nothing,
        inputs_of=lambda _: nothing,
        mount_of=lambda path, attempt: Path(f"/home/runs/r/{path}/{attempt}/mount"),
    )


def a_report(task_id, message=""):
    outcome = ExitedNonZero(code=1, message=message)
    return Report(task_id=task_id, attempt=1, outcome=outcome, start_time=NOW, end_time=NOW)


@pytest.fixture
def bench():
    active, put, launcher = a_run(train="1", test="2"), [], Launched()
    runs = SimpleNamespace(of_task=lambda task_id: active if task_id in active.paths else None)
    attempts = Attempts(runs, launcher, Background(), VirtualClock(NOW), grace_seconds=1, put=put.append)
    return SimpleNamespace(attempts=attempts, put=put, launcher=launcher, active=active)


def test_what_is_reported_before_the_runs_are_known_is_taken_in_order_once_they_are(bench):
    async def main():
        bench.attempts.report(a_report("2"))
        bench.attempts.report(a_report("1"))
        assert bench.put == []
        bench.attempts.release()

    asyncio.run(main())

    assert [entry.fact for entry in bench.put] == [
        AttemptEnded(task="test", attempt=1, ending="failed"),
        AttemptEnded(task="train", attempt=1, ending="failed"),
    ]


def test_an_attempt_whose_report_is_held_is_still_known(bench):
    async def main():
        bench.attempts.report(a_report("1"))
        bench.launcher.ended("1", 1)
        assert ("1", 1) in bench.attempts.known()
        bench.attempts.release()

    asyncio.run(main())

    assert bench.attempts.known() == {("2", 1), ("3", 1)}


def test_a_report_of_a_run_that_is_gone_is_answered_and_dropped(bench):
    async def main():
        bench.attempts.release()
        await asyncio.wait_for(bench.attempts.report(a_report("3")), timeout=5)

    asyncio.run(main())

    assert (bench.put, bench.launcher.known) == ([], {("1", 1), ("2", 1)})


def test_a_lost_attempt_ends_when_it_is_found_out_though_reports_are_held(bench):
    bench.attempts.lose(Lost(active=bench.active, path="train", attempt=1, start_time=NOW))

    (entry,) = bench.put
    assert entry.fact == AttemptEnded(task="train", attempt=1, ending="lost")
    assert (entry.ended.report.outcome, entry.ended.report.start_time) == (LeaseLost(), NOW)


def test_a_reason_names_stored_data_by_its_address_and_not_by_the_folder_that_the_task_saw(bench):
    async def main():
        message = "No such file: '/home/runs/r/train/1/mount/penguins/trainer.py'; see /home/runs/r/train/1/mount-other"
        bench.attempts.report(a_report("1", message))
        bench.attempts.release()

    asyncio.run(main())

    (entry,) = bench.put
    said = "exited with code 1: No such file: 'gs://penguins/trainer.py'; see /home/runs/r/train/1/mount-other"
    assert entry.ended.message == said
