"""Which runs an address asks to compare, and what is drawn of a training that diverged."""

import json
import math
from types import SimpleNamespace

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Named
from trainshed.dashboard.document import plain
from trainshed.dashboard.runs import Runs, compare
from trainshed.dashboard.runs.differences import Row

_PARENT = "projects/p/locations/l"


class Service:
    """Remembers what was asked for."""

    def __init__(self):
        self.asked = []

    def sides(self, names):
        self.asked = list(names)
        return []

    def previous(self, name):
        return SimpleNamespace(name=name + "-before")


def test_a_run_is_compared_by_its_name_or_its_short_id():
    service = Service()
    page = Runs(service, _PARENT, SimpleNamespace()).comparison

    page(Asked(path="", query=(("run", "one"), ("run", f"{_PARENT}/pipelineJobs/two"), ("run", "two"))))
    assert service.asked == [f"{_PARENT}/pipelineJobs/one", f"{_PARENT}/pipelineJobs/two"]

    page(Asked(path="", query=(("run", "one"), ("previous", "1"))))
    assert service.asked == [f"{_PARENT}/pipelineJobs/one-before", f"{_PARENT}/pipelineJobs/one"]


def test_charts_of_runs_one_of_which_diverged():
    rows = [Row(label="loss", values=[0.1, math.nan, 0.3]), Row(label="rate", values=[math.inf, 2.0, 1e30])]

    loss, rate = compare._charts(rows, 3)

    assert [row[1] for row in loss.drawn.rows] == ["0.1", "nan", "0.3"]
    assert [row[1] for row in rate.drawn.rows] == ["inf", "2", "1e+30"]
    assert json.dumps(plain([loss, rate]), allow_nan=False)


def test_the_commit_of_a_run_is_that_of_its_code_also_where_no_commit_started_it():
    run = SimpleNamespace(spec_digest="", template_uri="", failure_policy="", caching=None)
    side = SimpleNamespace(run=run, tasks=(), code={}, data={})
    known = SimpleNamespace(commit=SimpleNamespace(sha="d148feb3a9c1e5f77f5f"))

    assert compare._made_of(side, known)["commit"] == "d148feb3a9c1"
    assert "commit" not in compare._made_of(side, None)


def test_numbers_that_differ_never_look_alike():
    group = compare._Groups(["A", "B", "C"])
    rows = [
        Row(label="loss", values=[0.123456789, 0.12345678, None]),
        Row(label="rate", values=[0.1, 0.2, 0.30000000001]),
        Row(label="steps", values=[1, 2, 1]),
        Row(label="diverged", values=[math.nan, math.inf, math.nan]),
    ]

    shown = dict(group.part("metrics", "Metrics", rows).different)

    assert shown == {
        "loss": ["0.123456789", "0.12345678", None],
        "rate": ["0.1", "0.2", "0.3"],
        "steps": ["1", "2", "1"],
        "diverged": ["nan", "inf", "nan"],
    }


def test_a_row_of_a_task_has_its_own_name_beside_what_the_graph_calls_it():
    group = compare._Groups(["A", "B"])
    rows = [Row(label="Train it: loss", values=[1, 2], title="train: loss"), Row(label="load", values=[1, 2])]

    shown = group.part("metrics", "Metrics", rows)

    assert [label for label, _ in shown.different] == [Named(text="Train it: loss", title="train: loss"), "load"]
    assert plain(shown)["different"][0][0] == {"text": "Train it: loss", "title": "train: loss", "cell": "named"}


def test_runs_of_which_not_everything_is_compared_are_named():
    sides = [SimpleNamespace(beyond={}), SimpleNamespace(beyond={"task": 1200, "artifact": 301})]

    (notice,) = compare._beyond(sides, ["A one", "B two"])

    assert "the first 300 of 1,200 tasks and of 301 artifacts of B two" in notice.text
    assert "A one" not in notice.text
    assert list(compare._beyond(sides[:1], ["A one"])) == []


def compared(installed, *environments):
    """The groups of packages of two runs, each with its environments."""
    sides = [SimpleNamespace(tasks=[SimpleNamespace(environment=each) for each in some]) for some in environments]
    service = SimpleNamespace(packages=installed.get)
    return list(compare._packages(service, compare._Groups(["A one", "B two"]), sides))


def test_packages_are_compared_where_runs_had_other_environments():
    installed = {"old": {"numpy": "1.26", "pandas": "2.1"}, "new": {"numpy": "2.1", "pandas": "2.1", "rich": "14"}}

    (group,) = compared(installed, ["old", ""], ["new", "new"])

    assert group.different == [("numpy", ["1.26", "2.1"]), ("rich", [None, "14"])]
    assert group.alike == [("pandas", ["2.1", "2.1"])]


def test_packages_of_a_run_with_several_environments_stand_together():
    installed = {"old": {"numpy": "1.26"}, "new": {"numpy": "2.1"}}

    (group,) = compared(installed, ["old", "new"], ["new"])

    assert group.different == [("numpy", ["1.26, 2.1", "2.1"])]


def test_an_environment_that_was_removed_is_said_and_equal_ones_are_not_compared():
    (group,) = compared({"new": {"numpy": "2.1"}}, ["gone"], ["new"])

    assert group.different[0] == (compare._GONE, ["its packages are not known any more", None])
    assert compared({}, ["same"], ["same"]) == compared({}, [""], ["new"]) == []
