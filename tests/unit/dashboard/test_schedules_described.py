"""What schedules of both kinds say of themselves: most of all, what is still to come."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest

from trainshed import schedules
from trainshed.dashboard.triggers import run_schedule, schedule
from trainshed.schedules import PubsubTarget, Schedule, of_runs
from trainshed.schedules.of_runs import RunSchedule
from trainshed.schedules.of_runs.model import Options as RunOptions

NOW = datetime(2026, 11, 23, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def hours(*numbers):
    return [datetime(2026, 11, 23, number, tzinfo=UTC) for number in numbers]


def a_schedule(**changed):
    target = PubsubTarget(topic="projects/p/topics/t", data=b"{}", attributes={})
    made = Schedule(
        name="projects/p/locations/l/jobs/hourly",
        options=schedules.Options(schedule="0 * * * *", target=target),
        state="ENABLED",
        next_due_time=None,
        last_due_time=None,
        last_attempt_time=None,
        last_receipt_id="",
        status_code="",
        status_message="",
        user_update_time=NOW,
    )
    return replace(made, **changed)


def a_run_schedule(options=None, **changed):
    made = RunSchedule(
        name="projects/p/locations/l/schedules/7",
        options=RunOptions(display_name="every hour", cron="0 * * * *", **(options or {})),
        request={},
        state="ACTIVE",
        next_run_time=None,
        wake_time=None,
        is_behind=False,
        catch_up=False,
        started_run_count=0,
        last_pause_time=None,
        last_resume_time=None,
        last_run_time=None,
        last_response="",
        create_time=NOW,
        update_time=NOW,
    )
    return replace(made, **changed)


@pytest.mark.parametrize(
    ("changed", "ahead"),
    [
        ({}, hours(13, 14, 15)),
        ({"last_due_time": NOW + HOUR}, hours(14, 15, 16)),  # the clock was set back: nothing fires twice
        ({"state": "PAUSED"}, []),
        ({"state": "DISABLED"}, []),
    ],
)
def test_a_schedule_fires_next_what_has_not_fired_yet_and_nothing_while_it_rests(changed, ahead):
    found = schedule.described(a_schedule(**changed), now=NOW)

    assert list(islice(found.ahead.due(), 3)) == ahead


@pytest.mark.parametrize(
    ("options", "changed", "ahead"),
    [
        ({}, {}, hours(13, 14, 15)),
        ({"start_time": hours(15)[0]}, {}, hours(15, 16, 17)),  # the start counts
        ({"end_time": hours(14)[0]}, {}, hours(13, 14)),
        ({"max_run_count": 5}, {"started_run_count": 3}, hours(13, 14)),
        ({"max_run_count": 5}, {"started_run_count": 6}, []),
        ({}, {"state": "PAUSED"}, []),
        ({}, {"state": "COMPLETED"}, []),
    ],
)
def test_a_run_schedule_has_ahead_what_its_start_its_end_and_its_count_leave(options, changed, ahead):
    found = run_schedule.described(a_run_schedule(options, **changed), now=NOW)

    assert list(islice(found.ahead.due(), 3)) == ahead


@pytest.mark.parametrize(
    ("state", "labels"),
    [
        ("ACTIVE", ["Run now", "Pause", "Delete"]),
        ("PAUSED", ["Run now", "Resume", "Resume and catch up", "Delete"]),
        ("COMPLETED", ["Delete"]),
    ],
)
def test_a_run_schedule_offers_what_its_state_allows(state, labels):
    found = run_schedule.described(a_run_schedule(state=state), now=NOW)

    assert [action.label for action in found.actions.actions] == labels
    assert state in of_runs.lifecycle.RUN_SCHEDULE.states
