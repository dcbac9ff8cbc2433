"""How runs and their tasks are put in words."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed.clock import rfc3339
from trainshed.dashboard.runs.tasks import label
from trainshed.dashboard.runs.words import asked_to_end, part_took, pauses, remark, so_far, took
from trainshed.runs import Cancellation

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("ran", "total", "left_out", "words"),
    [
        (None, 5, None, ""),  # it goes on
        (4, 5, 0, "4 tasks ran, 1 reused"),
        (0, 5, 0, "nothing changed: 5 tasks reused"),
        (0, 0, 0, ""),  # imports alone
        (3, 4, 2, "3 tasks ran, 1 reused, 2 left out"),
        (0, 0, 1, "0 tasks ran, 1 left out"),
        (4, 4, None, "4 tasks ran"),
    ],
)
def test_a_run_says_how_much_of_it_was_done(ran, total, left_out, words):
    assert remark(SimpleNamespace(tasks_ran=ran, tasks_total=total, tasks_left_out=left_out)) == words


@pytest.mark.parametrize(
    ("state", "planned", "tasks", "words"),
    [
        ("RUNNING", 5, [("container", "SUCCEEDED"), ("container", "SKIPPED"), ("container", "RUNNING")], "2 of 5 tasks done"),
        ("RUNNING", 1, [("importer", "SUCCEEDED"), ("dag", "SUCCEEDED"), ("container", "QUEUED")], "0 of 1 task done"),
        ("CANCELLING", 2, [("container", "CANCELLED")] * 3, "3 of 3 tasks done"),  # of a loop
        ("PENDING", 5, [("container", "SUCCEEDED"), ("container", "PENDING")], "1 of 5 tasks done"),  # tried again
        ("SUCCEEDED", 0, [("importer", "SUCCEEDED")], ""),
    ],
)  # fmt: skip
def test_a_run_that_goes_on_says_how_far_it_is(state, planned, tasks, words):
    leaves = [
        ("import", SimpleNamespace(kind="importer")),
        *((f"t{n}", SimpleNamespace(kind="container")) for n in range(planned)),
    ]
    marks = SimpleNamespace(
        run=SimpleNamespace(state=state),
        plan=SimpleNamespace(leaves=lambda: leaves),
        tasks=[SimpleNamespace(kind=kind, state=one) for kind, one in tasks],
    )

    assert so_far(marks) == words


def a_run(*pauses, **more):
    return SimpleNamespace(**{"start_time": NOON, "end_time": after(100), "pauses": pauses or None, **more})


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def between(start, end):
    return [rfc3339(after(start)), rfc3339(after(end))]


def test_a_run_took_what_it_worked():
    retried = a_run(between(10, 40), between(50, 80))

    assert (took(retried).lasted, pauses(retried)) == (40, "and 1 min 0 s of pauses")
    assert (took(a_run()).lasted, pauses(a_run())) == (100, "")
    assert took(a_run(start_time=None)) is None
    going = took(a_run(between(10, 40), end_time=None))
    assert (going.lasted, going.paused) == (None, 30)


@pytest.mark.parametrize(
    ("start", "end", "lasted"), [(0, 100, 70), (0, 5, 5), (5, 20, 5), (20, 50, 10), (40, 100, 60), (0, 40, 10)]
)
def test_a_part_of_a_run_took_what_it_worked(start, end, lasted):
    assert part_took(a_run(between(10, 40)), after(start), after(end)).lasted == lasted


def test_what_asked_a_run_to_end_is_said_with_the_time():
    said = asked_to_end(Cancellation(time=NOON, cause="the dashboard"))

    assert said == "asked to end by the dashboard at 2026-01-01 12:00:00 UTC"
    assert asked_to_end(Cancellation(time=NOON, cause="")).startswith("asked to end by somebody at ")
    assert asked_to_end(None) == ""


def test_a_task_is_called_as_in_the_graph():
    known = {"each.score": SimpleNamespace(display_name="Score"), "each": SimpleNamespace(display_name="Every shard")}

    assert label("each", None, known) == "Every shard"
    assert label("each[2].score", 2, known) == "[2] Score"
    assert label("each[2].gone", None, known) == "gone"
