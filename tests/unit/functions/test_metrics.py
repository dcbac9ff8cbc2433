from datetime import UTC, datetime, timedelta

from trainshed.functions import Invocation, metrics

START = datetime(2026, 1, 1, tzinfo=UTC)


def an_invocation(second, millis, memory=100, state="OK", instance="a"):
    begun = START + timedelta(seconds=second)
    return Invocation(
        id=f"{second}-{millis}", function="f", version=1, kind="message", stimulus="", receipt_id="", attempt=1,
        instance=instance, state=state, start_time=begun,
        end_time=None if state == "RUNNING" else begun + timedelta(milliseconds=millis),
        duration_seconds=None if state == "RUNNING" else millis / 1000, memory_bytes=memory, error="",
    )  # fmt: skip


def test_s44_figures_of_a_known_load():
    load = [an_invocation(n % 60, n + 1, memory=1000 * (n + 1)) for n in range(100)]
    load += [an_invocation(30, 500, state="CRASH", instance="b"), an_invocation(31, 0, state="RUNNING")]

    found = metrics.figures(load, since=START, until=START + timedelta(seconds=60))

    assert (found["invocations"], found["ok"], found["crash"]) == (102, 100, 1)
    assert found["okPerSecond"] == 100 / 60
    assert found["crashPerSecond"] == 1 / 60
    assert found["executionMillis"] == {"p50": 51.0, "p95": 96.0, "p99": 100.0}
    assert found["memoryBytes"]["p50"] == 50000.0
    assert found["activeInstances"] == 2


def test_series_splits_the_time_into_steps():
    load = [an_invocation(1, 5), an_invocation(61, 5), an_invocation(62, 5, state="TIMEOUT")]

    points = metrics.series(load, since=START, until=START + timedelta(minutes=2), step=timedelta(minutes=1))

    assert [(p["time"], p["ok"], p["crash"]) for p in points] == [(START, 1, 0), (START + timedelta(minutes=1), 1, 1)]


def test_percentile_of_nothing_and_of_one():
    assert metrics.percentile([], 50) is None
    assert metrics.percentile([7.0], 99) == 7.0
