"""The one way in which tasks of a run are counted."""

import pytest

from trainshed.tally import Tally


@pytest.mark.parametrize(
    ("tally", "words"),
    [
        (Tally(ran=5), "5 tasks ran"),
        (Tally(ran=1), "1 task ran"),
        (Tally(ran=4, reused=1), "4 tasks ran, 1 reused"),
        (Tally(ran=3, reused=1, left_out=2), "3 tasks ran, 1 reused, 2 left out"),
        (Tally(reused=5), "nothing changed: 5 tasks reused"),
        (Tally(reused=5, left_out=1), "0 tasks ran, 5 reused, 1 left out"),
        (Tally(left_out=1), "0 tasks ran, 1 left out"),
        (Tally(ran=2000), "2,000 tasks ran"),
    ],
)
def test_what_ran_what_was_reused_and_what_was_left_out_is_said_in_one_way(tally, words):
    assert tally.said() == words


def test_a_plan_says_the_same_of_what_is_to_come():
    assert Tally(ran=2, reused=3, left_out=1).said(would=True) == "2 tasks would run, 3 reused, 1 left out"


def test_a_task_ran_when_it_was_begun_however_it_ended():
    found = Tally()
    for state, has_begun in (
        ("SUCCEEDED", True), ("FAILED", True), ("CANCELLED", True), ("SKIPPED", True),
        ("CANCELLED", False), ("NOT_TRIGGERED", False), ("FAILED", False),
    ):  # fmt: skip
        found = found.plus(state=state, has_begun=has_begun)

    assert found == Tally(ran=3, reused=1, left_out=3)
    assert found.worked == 4
