"""How runs and their tasks are put in words."""

from types import SimpleNamespace

import pytest

from trainshed.dashboard.runs.tasks import label
from trainshed.dashboard.runs.words import remark


@pytest.mark.parametrize(
    ("state", "ran", "total", "words"),
    [
        ("RUNNING", None, 5, ""),
        ("SUCCEEDED", 5, 5, "5 tasks ran"),
        ("SUCCEEDED", 1, 1, "1 task ran"),
        ("SUCCEEDED", 4, 5, "4 tasks ran, 1 reused"),
        ("SUCCEEDED", 0, 5, "nothing changed: 5 tasks reused"),
        ("SUCCEEDED", 0, 0, ""),  # imports alone
        ("FAILED", 18, 19, "18 of 19 tasks ran to the end"),
        ("CANCELLED", 0, 1, "0 of 1 task ran to the end"),
    ],
)
def test_a_run_says_how_much_of_it_was_done(state, ran, total, words):
    is_needless = state == "SUCCEEDED" and ran == 0 and total > 0

    assert remark(SimpleNamespace(state=state, tasks_ran=ran, tasks_total=total, is_needless=is_needless)) == words


def test_a_task_is_called_as_in_the_graph():
    known = {"each.score": SimpleNamespace(display_name="Score"), "each": SimpleNamespace(display_name="Every shard")}

    assert label("each", None, known) == "Every shard"
    assert label("each[2].score", 2, known) == "[2] Score"
    assert label("each[2].gone", None, known) == "gone"
