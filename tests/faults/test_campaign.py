"""Whatever is killed, every run ends as it would have without; the whole of it, two hundred kills, is `make campaign`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

_FAULTS = Path(__file__).parent
sys.path.insert(0, str(_FAULTS))
from campaign import points, story  # noqa: E402
from campaign.driver import Campaign, drawn  # noqa: E402

SEED = int(os.environ.get("TRAINSHED_TEST_SEED", "4"))
KILLS = 8


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_mix_of_pipelines_ends_as_it_would_have_without_the_kills(make_home, tmp_path):
    homes = make_home("undisturbed"), make_home("killed")
    campaign = Campaign(tmp_path, *homes, seed=SEED, lease_seconds=10.0, patience_seconds=2.5, steps=15)
    print(*drawn(SEED, KILLS), sep="\n")  # noqa: T201  (to have a failure again)

    report = campaign.run(KILLS)

    assert not report.problems, str(report)
    assert report.runs.total() >= 5
    assert report.survived, "tasks longer than an outage went on"


def test_every_point_is_a_call_that_is_there():
    code = "import sys; from campaign import points; points.arm(sys.argv[1] + ':1')"
    armed = "; ".join([code, *(f"points.arm({point!r} + ':1')" for point in points.POINTS)])

    done = subprocess.run([sys.executable, "-c", armed, "before_turn"], cwd=_FAULTS, capture_output=True, text=True)

    assert done.returncode == 0, done.stderr


def test_a_campaign_can_be_repeated_by_its_seed():
    assert drawn(7, 50) == drawn(7, 50) != drawn(8, 50)
    named = [kill.point for kill in drawn(7, 200) if kill.kind == "point"]
    assert set(named) == set(points.POINTS), "two hundred kills visit every point"


def test_a_result_that_was_applied_twice_is_seen():
    mark = story.Mark(task="1", attempt=1, time=1.0, word="done")
    rows = Store(
        tasks=[{"id": "1", "run": "r", "name": "a", "kind": "container", "state": "SUCCEEDED", "attempt": 1}],
        attempts=[{"attempt": 1, "outcome": "Succeeded"}],
        history=[{"transition": "succeeded"}],
        executions=[{"last_known_state": "COMPLETE"}],
    )

    assert story.applied(rows, "r", [mark], story.Excuses()).problems == []
    assert story.applied(rows, "r", [mark, mark], story.Excuses()).problems == ["('1', 1, 'done') signed 2 times"]
    rows.tables["executions"] *= 2
    rows.tables["history"] *= 2
    assert story.applied(rows, "r", [mark], story.Excuses()).problems == [
        "a: succeeded 2 times",
        "a: has 2 executions with results and is SUCCEEDED",
    ]
    late = story.Mark(task="1", attempt=2, time=1.0, word="begun")
    assert (
        "a: attempts {2} worked and are not recorded"
        in story.applied(rows, "r", [mark, late], story.Excuses()).problems
    )


class Store:
    """Answers from tables in memory."""

    def __init__(self, **tables):
        self.tables = tables

    def all(self, query, *_values):
        return self.tables[query.split("FROM ")[1].split()[0]]


def test_a_difference_is_told_with_its_place():
    assert story.differences({"a": {"b": 1}}, {"a": {"b": 1}}) == []
    assert story.differences({"a": {"b": 1}}, {"a": {"b": 2, "c": 3}}) == [
        "/a/b: 2 instead of 1",
        "/a/c: 3 instead of None",
    ]


def test_an_output_lies_where_the_attempt_whose_result_was_taken_puts_it():
    def seen(place, *outcomes):
        uri = f"gs://b/case-1/write_{place}/data"
        rows = Store(
            runs=[{"name": "runs/case-1", "state": "SUCCEEDED", "error": "", "outputs": None, "tasks_ran": 1}],
            tasks=[
                {"id": "123456789012", "name": "write", "state": "SUCCEEDED", "outputs": '{"artifacts": {"a": [1]}}'}
            ],
            attempts=[{"task_id": "123456789012", "attempt": n} for n, o in enumerate(outcomes, 1) if o == "Succeeded"],
            artifacts=[{"id": 1, "uri": uri, "digest": "d"}],
            executions=[],
        )
        return story.view(rows, "case-1", "case-1")

    wanted = seen("123456789012", "Succeeded")

    assert story.differences(wanted, seen("123456789012-2", "LeaseLost", "Succeeded")) == []
    for place, outcomes in {
        "123456789012-2": ("Succeeded",),
        "123456789012-3": ("LeaseLost", "Succeeded"),
        "123456789012": ("LeaseLost", "Succeeded"),
    }.items():
        assert len(story.differences(wanted, seen(place, *outcomes))) == 1, place
