"""What the panel of a task says of its attempts together."""

from datetime import UTC, datetime, timedelta

from trainshed.dashboard.cells import Seconds
from trainshed.dashboard.runs import task
from trainshed.runs import Attempt

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def attempts(*lasted):
    return [
        Attempt(
            task_id="t", attempt=number, outcome="Succeeded", message="", start_time=NOON,
            end_time=NOON + timedelta(seconds=seconds), cpu_seconds=1.0, peak_memory_bytes=1,
        )
        for number, seconds in enumerate(lasted, 1)
    ]  # fmt: skip


def test_a_task_worked_as_long_as_all_its_attempts():
    one, three = task._worked(attempts(2.5)), task._worked(attempts(2.5, 0.5, 1.0))

    assert (one.cells[0].seconds, one.cells[1]) == (2.5, "in 1 attempt")
    assert (three.cells[0].seconds, three.cells[1]) == (4.0, "in 3 attempts")
    assert task._worked([]) is None


def test_what_was_measured_of_the_last_of_several_attempts_says_so():
    used = Seconds(seconds=1.0)

    assert task._last(used, attempts(1)) is used
    assert task._last(used, attempts(1, 2)).cells == (used, "in the last attempt")
    assert task._last(None, attempts(1, 2)) is None
