"""What counts as a difference between runs, and how it is said."""

import math

import pytest

from trainshed.dashboard.runs import differences
from trainshed.dashboard.runs.differences import OfTask, Row
from trainshed.dashboard.wording import duration


def test_values_of_the_same_name_stand_beside_each_other():
    found = differences.rows([{"rate": 0.1, "kind": "a"}, {"epochs": 3, "rate": 0.2}])

    assert [(row.label, row.values) for row in found] == [
        ("rate", [0.1, 0.2]),
        ("kind", ["a", None]),
        ("epochs", [None, 3]),
    ]


def test_rows_of_a_task_are_found_by_its_own_name_and_called_as_it_is_shown():
    sides = [{"the run": 3, OfTask("train", rest=": loss"): 1}, {OfTask("train", rest=": loss"): 2, OfTask("load"): 3}]

    found = differences.rows(sides, {"train": "Train it", "load": "load"}.__getitem__)

    assert [(row.label, row.title, row.values) for row in found] == [
        ("the run", "", [3, None]),
        ("Train it: loss", "train: loss", [1, 2]),
        ("load", "", [None, 3]),
    ]


def test_what_differs_comes_first_and_keeps_its_order():
    found = [Row(label=str(n), values=values) for n, values in enumerate([(1, 1), (1, 2), ("a", None), ([1], [1])])]

    different, alike = differences.split(found)

    assert [row.label for row in different] == ["1", "2"]
    assert [row.label for row in alike] == ["0", "3"]


@pytest.mark.parametrize(
    ("values", "is_same"),
    [((1, 1.0), True), ((1, True), False), ((0, False), False), ((None, None), True), (("1", 1), False), ((), True)],
)
def test_numbers_are_the_same_however_they_are_written(values, is_same):
    assert differences.equal(values) is is_same


@pytest.mark.parametrize(
    ("values", "is_same"),
    [((10.0, 10.9), True), ((10.0, 12.0), False), ((0.1, 0.5), True), ((1.0, None), False), ((None, None), True)],
)
def test_durations_are_alike_within_a_tenth(values, is_same):
    assert differences.near(values) is is_same


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        (0.8, 0.9, "+0.1 (+12.5 %)"),
        (-2, -1, "+1 (+50.0 %)"),
        (-2, -3, "−1 (−50.0 %)"),
        (0.5, 0.49999, "−1e-05 (−0.0 %)"),
        (0, 3, "+3"),
        (3, 3, ""),
        ("a", "b", ""),
        (None, 1, ""),
        (True, False, ""),
    ],
)
def test_a_change_is_said_with_its_share(before, after, said):
    assert differences.change(before, after) == said


def test_a_change_of_a_duration_has_its_unit():
    assert differences.change(15.2, 8.4, duration) == "−6.8 s (−44.7 %)"


@pytest.mark.parametrize(
    ("values", "is_same"),
    [((math.nan, math.nan), True), ((math.nan, 1.0), False), ((math.inf, math.inf), True), ((math.nan, None), False)],
)
def test_what_is_no_number_is_the_same_as_itself(values, is_same):
    assert differences.equal(values) is is_same


@pytest.mark.parametrize(("before", "after"), [(0.1, math.nan), (math.nan, math.nan), (1.0, math.inf), (math.inf, 1)])
def test_between_what_is_no_number_and_a_number_there_is_no_change(before, after):
    assert differences.change(before, after) == ""
