"""How durations, counts and measures are written."""

import math

import pytest

from trainshed import quantities


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.0, "3"), (0.98765, "0.9877"), (2.5e9, "2.5e+09"), (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"),
    ],
)  # fmt: skip
def test_a_number_has_as_many_digits_as_say_something_and_what_is_none_is_named(value, said):
    assert quantities.number(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""), (0.0, "0 ms"), (0.5985, "599 ms"), (0.9995, "1.0 s"), (0.9996, "1.0 s"), (1.0, "1.0 s"), (1.25, "1.3 s"), (1.45, "1.5 s"), (59.94, "59.9 s"), (59.97, "1 min 0 s"),
        (60.0, "1 min 0 s"), (119.97, "1 min 59 s"), (3725.0, "1 h 2 min"), (86399.9, "23 h 59 min"), (183_600.0, "2 d 3 h"),
        (-90.0, "-1 min 30 s"), (-0.0001, "0 ms"), (-1.25, "-1.3 s"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_on_every_page(seconds, said):
    assert quantities.duration(seconds) == said


def test_pauses_are_said_where_there_were_some():
    assert [quantities.of_pauses(seconds) for seconds in (0.0, 85.0)] == ["", "1 min 25 s of pauses"]


@pytest.mark.parametrize(
    ("count", "said"),
    [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1048575, "1.0 MiB"), (2_000_000_000, "1.9 GiB"), (5 << 40, "5120.0 GiB")],
)  # fmt: skip
def test_a_number_of_bytes_is_said_in_the_unit_that_fits(count, said):
    assert quantities.size(count) == said


def test_one_thing_is_not_several():
    assert [quantities.counted(count, "task") for count in (0, 1, 2, 1000)] == [
        "0 tasks", "1 task", "2 tasks", "1,000 tasks",
    ]  # fmt: skip
