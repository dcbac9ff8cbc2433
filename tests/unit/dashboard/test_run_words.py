"""How runs and their tasks are put in words."""

from types import SimpleNamespace

import pytest

from trainshed.dashboard.runs.tasks import label
from trainshed.dashboard.runs.words import remark, so_far


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


def test_a_task_is_called_as_in_the_graph():
    known = {"each.score": SimpleNamespace(display_name="Score"), "each": SimpleNamespace(display_name="Every shard")}

    assert label("each", None, known) == "Every shard"
    assert label("each[2].score", 2, known) == "[2] Score"
    assert label("each[2].gone", None, known) == "gone"
