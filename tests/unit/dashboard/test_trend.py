"""What the page of metrics over time says of its runs and of how they changed."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from trainshed import runs
from trainshed.dashboard.asked import Asked
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


def a_run(name, parameters, **numbers):
    run = SimpleNamespace(
        name=f"p/pipelineJobs/{name}", pauses=None, start_time=NOON, end_time=None, create_time=NOON, state="RUNNING",
        cause_kind="user", receipt_id="", parameters=parameters, tasks_total=1,
    )  # fmt: skip
    return runs.Measured(run=run, numbers=numbers)


def table(found, chosen):
    *said, shown = trend._table(Asked(path="/runs/metrics"), found, chosen, "")
    return [part.text for part in said], shown


def test_a_column_that_no_run_has_a_value_in_is_left_out():
    found = [a_run("one", {}, loss=0.5), a_run("two", {})]

    said, shown = table(found, ["loss", "accuracy", trend.DURATION])

    assert shown.columns == ("Run", "State", "Started by", "Created", "loss")
    assert said == []
    assert table(found, ["accuracy"])[1].columns[4:] == ("accuracy", "Since the one before")  # somebody asked for it


def test_where_there_are_more_columns_than_fit_the_rest_is_said():
    numbers = {f"m{number}": 1.0 for number in range(9)}
    found = [a_run(name, {f"p{number}": place for number in range(8)}, **numbers) for place, name in enumerate("ab")]

    said, shown = table(found, list(numbers))

    assert shown.columns[4:] == ("m0", "m1", "m2", "m3", "m4", "m5", "m6", "m7", "p0", "p1")
    assert said == ["The CSV file has also m8, p2, p3, p4, p5 and 2 more."]
