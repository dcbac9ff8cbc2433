import math
from datetime import UTC, datetime, timedelta

import pytest

from trainshed.dashboard import scales
from trainshed.dashboard.scales import BYTES, COUNT, SECONDS, SHARE

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
MEBIBYTE = 1 << 20


@pytest.mark.parametrize(
    ("low", "high", "found"),
    [
        (0, 10, [0, 2, 4, 6, 8, 10]),
        (0, 9.5, [0, 2, 4, 6, 8, 10]),
        (0.91, 0.99, [0.9, 0.92, 0.94, 0.96, 0.98, 1.0]),
        (-3, 4, [-4, -2, 0, 2, 4]),
        (0, 0, [0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (7, 7, [6, 8, 10, 12, 14]),
        (0, 0.0003, [0, 0.0001, 0.0002, 0.0003]),
    ],
)
def test_ticks_are_round_and_cover_everything(low, high, found):
    assert scales.ticks(low, high) == pytest.approx(found)


@pytest.mark.parametrize(
    ("high", "unit", "labels"),
    [
        (0.533, SECONDS, ["0 ms", "200 ms", "400 ms", "600 ms"]),
        (90, SECONDS, ["0 s", "50 s", "100 s"]),
        (7000, SECONDS, ["0 min", "50 min", "100 min", "150 min"]),
        (120 * MEBIBYTE, BYTES, ["0 MiB", "50 MiB", "100 MiB", "150 MiB"]),
        (3 * 1024 * MEBIBYTE, BYTES, ["0 GiB", "1 GiB", "2 GiB", "3 GiB"]),
        (1, SHARE, ["0 %", "50 %", "100 %"]),
        (0.35, "/s", ["0.0/s", "0.1/s", "0.2/s", "0.3/s", "0.4/s"]),
        (4, "instances", ["0 instances", "1 instances", "2 instances", "3 instances", "4 instances"]),
        (2, COUNT, ["0", "1", "2"]),
        (40_000, "", ["0", "10,000", "20,000", "30,000", "40,000"]),
    ],
)
def test_labels_of_an_axis_are_all_in_one_unit(high, unit, labels):
    assert [label for _, label in scales.axis(0, high, unit, most=4)] == labels


@pytest.mark.parametrize(
    ("value", "unit", "words"),
    [
        (None, SECONDS, "–"),
        (0.5331, SECONDS, "533.1 ms"),
        (0.546, SECONDS, "546 ms"),
        (12.3456, SECONDS, "12.35 s"),
        (75, SECONDS, "1 min 15 s"),
        (119.7, SECONDS, "1 min 59 s"),
        (3599.6, SECONDS, "59 min 59 s"),
        (-90, SECONDS, "-1 min 30 s"),
        (3 * 3600 + 120, SECONDS, "3 h 2 min"),
        (2 * 86400 + 3600, SECONDS, "2 d 1 h"),
        (120 * MEBIBYTE, BYTES, "120 MiB"),
        (512, BYTES, "512 B"),
        (0.9731, SHARE, "97.31 %"),
        (1234567, "", "1,234,567"),
        (0, "/s", "0/s"),
        (3, "runs", "3 runs"),
        (0.00001234, "", "1.234e-05"),
    ],
)
def test_values_are_written_to_be_read(value, unit, words):
    assert scales.write(value, unit) == words


@pytest.mark.parametrize(
    ("values", "unit", "words"),
    [
        ((0.533, 0.545, 0.546), SECONDS, "533 / 545 / 546 ms"),
        ((0.5985,), SECONDS, "599 ms"),
        ((0.5985, 0.75, 1.2), SECONDS, "0.599 / 0.75 / 1.2 s"),
        ((-0.5985,), SECONDS, "-599 ms"),
        ((5e-324, 0.0), SECONDS, "0 / 0 ms"),
        ((0.0154, 0.2794, 1.32), SECONDS, "0.0154 / 0.279 / 1.32 s"),
        ((118 * MEBIBYTE, 120 * MEBIBYTE, None), BYTES, "118 / 120 / – MiB"),
        ((None, None), SECONDS, "–"),
        ((0.04556, 0.0), "/s", "0.0456 / 0/s"),
        ([8.27e-06, 0.0], "", "0.00000827 / 0"),
    ],
)
def test_values_that_belong_together_share_a_unit(values, unit, words):
    assert scales.write_all(values, unit) == words


@pytest.mark.parametrize(
    ("length", "labels"),
    [
        (timedelta(seconds=10), ["12:00:00", "12:00:02", "12:00:04", "12:00:06", "12:00:08", "12:00:10"]),
        (timedelta(minutes=15), ["12:00", "12:05", "12:10", "12:15"]),
        (timedelta(hours=1), ["12:00", "12:10", "12:20", "12:30", "12:40", "12:50", "13:00"]),
        (timedelta(days=1), ["12:00", "18:00", "1 Feb", "06:00", "12:00"]),
        (timedelta(days=7), ["1 Feb", "3 Feb", "5 Feb", "7 Feb"]),
        (timedelta(days=700), ["1 Feb 2026", "31 Jan 2027"]),
    ],
)
def test_times_get_ticks_of_the_clock(length, labels):
    found = scales.time_ticks(NOON, NOON + length)

    assert len(found) <= 7
    assert [label for _, label in found] == labels


def test_ticks_of_a_zone_stand_at_its_midnight():
    found = dict(scales.time_ticks(NOON, NOON + timedelta(days=2), "Asia/Kolkata"))

    assert found[datetime(2026, 1, 31, 18, 30, tzinfo=UTC)] == "1 Feb"


def test_a_day_that_has_25_hours_keeps_its_round_times():
    since = datetime(2026, 10, 24, 22, tzinfo=UTC)  # midnight in Berlin, before the clocks go back

    found = scales.time_ticks(since, since + timedelta(hours=25), "Europe/Berlin")

    assert [label for _, label in found] == ["25 Oct", "06:00", "12:00", "18:00", "26 Oct"]


@pytest.mark.parametrize("unit", [SECONDS, BYTES, SHARE, COUNT, "", "/s"])
@pytest.mark.parametrize(("value", "words"), [(math.nan, "nan"), (math.inf, "inf"), (-math.inf, "-inf")])
def test_what_is_no_number_is_named(value, words, unit):
    assert scales.write(value, unit) == words
    assert scales.write_all([value, 1.0], unit).startswith(f"{words} / ")


@pytest.mark.parametrize(
    ("low", "high"),
    [
        (0, 1e-13),
        (1e16, 1e16 + 2),
        (1e30, 1e30),
        (-1e308, 1e308),
        (1e308, 1e308),
        (-1e308, -1e308),
        (0, 5e-324),
        (0.1, 0.1 + 2e-17),
        (0, 1e30),
    ],
)
def test_an_axis_of_the_least_and_the_greatest_has_ticks_that_grow(low, high):
    found = scales.axis(low, high, "", most=4)

    values = [value for value, _ in found]
    assert len(values) > 1
    assert values == sorted(set(values))
    assert max(len(label) for _, label in found) <= 20
