"""What the page of metrics over time says of its runs and of how they changed."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed import runs
from trainshed.dashboard.runs import trend

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def measured(seconds, **numbers):
    end = None if seconds is None else NOON + timedelta(seconds=seconds)
    run = SimpleNamespace(name="p/pipelineJobs/r", pauses=None, start_time=NOON, end_time=end)
    return runs.Measured(run=run, numbers=numbers)


@pytest.mark.parametrize(
    ("count", "token", "said"),
    [
        (1, "", "The last run."),
        (50, "", "The last 50 runs."),
        (1, "older", "1 older run."),
        (3, "older", "3 older runs."),
    ],
)
def test_how_many_runs_there_are_is_said_as_it_is(count, token, said):
    assert trend._about(runs.Search(page_token=token), [measured(1)] * count) == said


def test_a_change_of_a_duration_has_a_unit_and_one_of_a_metric_has_none():
    found = [measured(90, loss=0.5), measured(None), measured(60, loss=0.4)]

    assert trend._change(found, 0, trend.DURATION).text == "+30.0 s (+50.0 %)"
    assert trend._change(found, 0, "loss").text == "+0.1 (+25.0 %)"
    assert trend._change(found, 1, trend.DURATION) is None
    assert trend._change(found, 2, "loss") is None
