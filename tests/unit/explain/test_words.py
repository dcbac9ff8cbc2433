"""How numbers and durations are said in accounts."""

import math
from datetime import UTC, datetime

import pytest

from trainshed.explain import words


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (3.0, "3"), (0.98765, "0.9877"), (2.5e9, "2.5e+09"), (math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf"),
    ],
)  # fmt: skip
def test_a_number_has_as_many_digits_as_say_something_and_what_is_none_is_named(value, said):
    assert words.number(value) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (None, ""), (0.0, "0 ms"), (0.9996, "1.0 s"), (1.0, "1.0 s"), (59.94, "59.9 s"), (59.97, "1 min 0 s"),
        (60.0, "1 min 0 s"), (119.97, "1 min 59 s"), (3725.0, "1 h 2 min"),
    ],
)  # fmt: skip
def test_a_duration_is_said_as_on_every_page(seconds, said):
    assert words.duration(seconds) == said


def test_the_time_of_a_commit_is_a_time_where_it_can_be_read():
    assert words.moment("2026-11-23T08:46:31+02:00") == datetime(2026, 11, 23, 6, 46, 31, tzinfo=UTC)
    assert [words.moment(text) for text in ("", "2026-11-23", "yesterday")] == ["", "2026-11-23", "yesterday"]
