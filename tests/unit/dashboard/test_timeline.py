from datetime import UTC, datetime, timedelta

from trainshed.dashboard.runs.timeline import Axis, segments
from trainshed.sql.lifecycle import Change

START = datetime(2026, 1, 1, tzinfo=UTC)
AXIS = Axis(start=START, end=START + timedelta(seconds=100))


def changes(*found):
    return [Change(transition=name, state=state, time=START + timedelta(seconds=at)) for at, name, state in found]


def drawn(*found, is_group=False):
    return [(s.kind, s.state, s.left, s.width) for s in segments(changes(*found), AXIS, is_group=is_group)]


def test_waiting_and_every_attempt_stand_apart():
    assert drawn(
        (0, "created", "PENDING"),
        (10, "inputs_ready", "QUEUED"),
        (20, "claimed", "RUNNING"),
        (40, "failed_retry", "QUEUED"),
        (45, "claimed", "RUNNING"),
        (90, "succeeded", "SUCCEEDED"),
    ) == [("wait", "", 10, 10), ("run", "failed", 20, 20), ("wait", "", 40, 5), ("run", "succeeded", 45, 45)]


def test_the_time_in_which_nobody_did_anything_is_cut_out():
    pause = (START + timedelta(seconds=20), START + timedelta(seconds=60))
    axis = Axis(start=START, end=START + timedelta(seconds=100), pauses=[pause])

    places = [axis.place(START + timedelta(seconds=at)) for at in (0, 20, 40, 60, 90, 100)]

    assert (axis.seconds, places) == (60, [0, 33.333, 33.333, 33.333, 83.333, 100])


def test_what_goes_on_reaches_to_the_end_of_the_axis():
    assert drawn((30, "claimed", "RUNNING")) == [("run", "running", 30, 70)]


def test_an_attempt_goes_on_until_it_is_stopped():
    found = drawn((10, "claimed", "RUNNING"), (20, "cancel_running", "CANCELLING"), (30, "stopped", "CANCELLED"))

    assert found == [("run", "cancelled", 10, 20)]


def test_reused_task_is_a_moment():
    assert [kind for kind, *_ in drawn((5, "cache_hit", "SKIPPED"))] == ["moment"]
