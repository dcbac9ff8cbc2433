from datetime import UTC, datetime, timedelta

import pytest

from trainshed.functions import Ended, metrics
from trainshed.functions.metrics import MINUTE, Minute
from trainshed.functions.model import Invocation

START = datetime(2026, 1, 1, tzinfo=UTC)
MEBIBYTE = 1 << 20


def a_call(millis, mebibytes=100, transition="return"):
    return Ended(transition=transition, duration_seconds=millis / 1000, memory_bytes=int(mebibytes * MEBIBYTE))


def a_minute(number, *calls, instances=("a",), version=1):
    minute = Minute(start_time=START + MINUTE * number, version=version)
    for instance in instances:
        minute = minute.having(instance)
    for call in calls:
        minute = minute.with_call(call)
    return minute


def an_invocation(start):
    return Invocation(
        id="i", function="f", version=1, kind="message", stimulus="", receipt_id="", attempt=1, instance="a",
        state="RUNNING", start_time=start, end_time=None, duration_seconds=None, memory_bytes=0, error="",
    )  # fmt: skip


def test_s44_figures_of_a_known_load():
    first = a_minute(0, *(a_call(n + 1, mebibytes=n + 1) for n in range(100)))
    second = a_minute(1, a_call(500, mebibytes=200, transition="crash"), instances=("a", "b"))

    found = metrics.figures([first, second], seconds=120)

    assert (found["invocations"], found["ok"], found["crash"]) == (101, 100, 1)
    assert found["okPerSecond"] == 100 / 120
    assert found["crashPerSecond"] == 1 / 120
    assert found["executionMillis"] == {"p50": 51.0, "p95": 96.0, "p99": 100.0}
    assert found["memoryBytes"] == {"p50": 51 * MEBIBYTE, "p95": 96 * MEBIBYTE, "p99": 100 * MEBIBYTE}
    assert found["activeInstances"] == 2


def test_series_splits_the_time_into_steps():
    minutes = [a_minute(0, a_call(5)), a_minute(1, a_call(5), a_call(7, transition="time_out")), a_minute(3, a_call(9))]

    points = metrics.series(minutes, since=START, until=START + 4 * MINUTE, step=2 * MINUTE)

    assert [(p["time"], p["ok"], p["crash"]) for p in points] == [(START, 2, 1), (START + 2 * MINUTE, 1, 0)]
    assert points[0]["executionMillis"]["p50"] == 5
    assert points[1]["okPerSecond"] == 1 / 120


def test_a_step_without_calls_has_no_percentiles():
    (point,) = metrics.series([], since=START, until=START + MINUTE, step=MINUTE)

    assert point["ok"] == 0
    assert point["executionMillis"] == {"p50": None, "p95": None, "p99": None}


def test_percentiles_of_nothing_and_of_one():
    assert metrics.percentiles({}, [50]) == [None]
    assert metrics.percentiles({7.0: 1}, [50, 99]) == [7.0, 7.0]


@pytest.mark.parametrize("rank", [50, 95, 99])
def test_percentiles_of_counts_are_those_of_the_values(rank):
    values = sorted(float(n * n % 977) for n in range(500))
    counts = {value: values.count(value) for value in values}
    position = (len(values) - 1) * rank / 100
    below = int(position)

    exact = values[below] + (values[below + 1] - values[below]) * (position - below)

    assert metrics.percentiles(counts, [rank]) == [pytest.approx(exact)]


@pytest.mark.parametrize(
    ("millis", "kept"), [(0.12345, "0.123"), (533.4, "533"), (1234, "1230"), (65432.1, "65400"), (9.999, "10")]
)
def test_values_are_kept_to_three_digits(millis, kept):
    assert dict(a_minute(0, a_call(millis)).millis) == {kept: 1}


def test_what_never_ran_has_neither_time_nor_memory():
    minute = a_minute(0, Ended(transition="fail_start"), instances=[""])

    assert (minute.crash, minute.millis, minute.mebibytes, minute.instances) == (1, {}, {}, ())


def test_a_call_is_seen_in_every_minute_that_it_takes():
    call = an_invocation(START + timedelta(seconds=50))

    assert metrics.minutes_of(call, START + timedelta(seconds=130)) == [START, START + MINUTE, START + 2 * MINUTE]
    assert metrics.minutes_of(call, START + timedelta(seconds=55)) == [START]


@pytest.mark.parametrize(
    ("length", "step", "steps"),
    [
        (timedelta(minutes=15), MINUTE, 15),
        (timedelta(hours=1), MINUTE, 60),
        (timedelta(hours=6), 5 * MINUTE, 72),
        (timedelta(days=1), 15 * MINUTE, 96),
        (timedelta(days=7), 120 * MINUTE, 84),
        (timedelta(minutes=61), MINUTE, 61),
    ],
)
def test_a_window_has_whole_steps_and_holds_the_present_one(length, step, steps):
    now = START + timedelta(hours=7, minutes=3, seconds=20)

    since, until, found = metrics.window_of(now, length)

    assert (found, (until - since) / step) == (step, steps)
    assert until - step <= now < until
    assert until == metrics.floored(until, step)
