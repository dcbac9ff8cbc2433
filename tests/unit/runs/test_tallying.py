"""What became of the tasks of a run, counted."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from trainshed.runs import tally, tally_ahead
from trainshed.tally import Tally

_NOW = datetime(2026, 1, 31, tzinfo=UTC)


def a_task(state, *, kind="container", begun=True):
    return SimpleNamespace(
        name="group" if kind == "dag" else "one", state=state, kind=kind, is_dag=kind == "dag",
        start_time=_NOW if begun else None,
    )  # fmt: skip


def a_leaf(kind="container"):
    return SimpleNamespace(body=None, kind=kind)


@pytest.fixture
def plan():
    inner = SimpleNamespace(body=SimpleNamespace(tasks={"z": a_leaf()}), kind="dag")
    group = SimpleNamespace(body=SimpleNamespace(tasks={"x": a_leaf(), "y": a_leaf("importer"), "in": inner}))
    return SimpleNamespace(find=lambda _: group)


def test_a_failed_task_ran_and_imports_and_groups_are_none(plan):
    tasks = [
        a_task("SUCCEEDED"), a_task("FAILED"), a_task("SKIPPED"), a_task("NOT_TRIGGERED", begun=False),
        a_task("SUCCEEDED", kind="importer"), a_task("SUCCEEDED", kind="dag"), a_task("PENDING", begun=False),
    ]  # fmt: skip

    assert tally(plan, tasks) == Tally(ran=2, reused=1, left_out=1)


def test_of_a_group_that_is_left_out_the_tasks_in_it_count(plan):
    assert tally(plan, [a_task("NOT_TRIGGERED", kind="dag", begun=False)]) == Tally(left_out=2)


def test_a_plan_is_counted_alike():
    steps = [
        SimpleNamespace(decision=decision, workers=workers)
        for decision, workers in (("run", 1), ("reuse", 1), ("import", 0), ("leave_out", 2), ("run", 0))
    ]

    assert tally_ahead(steps) == Tally(ran=1, reused=1, left_out=2)
