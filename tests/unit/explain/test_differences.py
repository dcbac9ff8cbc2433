"""What differs between two runs, and which measures fell with it."""

import math
from dataclasses import replace
from datetime import UTC, datetime

from trainshed.costs import Cost
from trainshed.explain import differences
from trainshed.explain.model import Commit, Ran, Source, Story

_NOW = datetime(2026, 1, 31, 12, tzinfo=UTC)
_P = "projects/p/locations/l"
_COMMIT = Commit(repository="r", sha="65c6e60aaaa", message="Widen\n\nMore", files=("trainer.py",))
_CODE = Source(uri="gs://b/trainer.py", generation="1", written=_NOW)
_DATA = Source(uri="gs://b/2007.csv", generation="1")
_TASK = Ran(task="train", state="SUCCEEDED", why="", seconds=1.0, environment="e1", code="c1")


def made(**metadata):
    return {"model": metadata}


_MEASURED = made(accuracy=0.95, loss=0.1)
_BEFORE = Story(
    name=f"{_P}/pipelineJobs/a", state="SUCCEEDED", pipeline="p", create_time=_NOW, parameters={"epochs": 3, "old": 1},
    spec_digest="s1", commit=None, sources=[_CODE, _DATA], tasks=[_TASK],
    cost=Cost(currency="USD", cloud=0.0),
)  # fmt: skip


def test_equal_runs_differ_in_nothing():
    assert differences.between(_BEFORE, _BEFORE) == []
    assert differences.said([], differences.measures(_MEASURED, _MEASURED)) == "Nothing that is recorded differs."


def test_each_thing_that_changed_is_told_the_commit_first():
    code = replace(_CODE, generation="2", build=f"{_P}/builds/0123456789", commit=_COMMIT)
    new_data = Source(uri="gs://b/2009.csv", generation="7", written=_NOW)
    now = replace(
        _BEFORE, parameters={"epochs": 5}, spec_digest="s2", commit=_COMMIT, sources=[code, _DATA, new_data],
        tasks=[replace(_TASK, environment="e2", code="c2")],
    )  # fmt: skip

    found = [(d.kind, d.what, d.before, d.now) for d in differences.between(_BEFORE, now)]

    assert found == [
        ("commit", "touches trainer.py", "", "65c6e60 Widen"),
        ("data", "is new", "", "#7 of 2026-01-31 12:00:00 UTC"),
        (
            "code",
            "written by build 01234567 of commit 65c6e60",
            "#1 of 2026-01-31 12:00:00 UTC",
            "#2 of 2026-01-31 12:00:00 UTC",
        ),
        ("parameter", "epochs", "3", "5"),
        ("parameter", "old", "1", ""),
        ("pipeline", "the compiled pipeline", "s1", "s2"),
        ("code", "of task train", "c1", "c2"),
        ("environment", "of task train", "e1", "e2"),
    ]
    first = differences.between(_BEFORE, now)[0]
    assert first.about is not None
    assert first.about.name == f"{_P}/builds/0123456789"


def test_a_measure_that_fell_is_said_and_a_loss_that_fell_is_not():
    measured = differences.measures(_MEASURED, made(accuracy=0.861, loss=0.05))

    assert [(m.name, m.change) for m in measured] == [("model accuracy", "−0.089"), ("model loss", "−0.05")]
    changed = differences.between(_BEFORE, replace(_BEFORE, parameters={"epochs": 1, "old": 1}))
    assert differences.said(changed, measured) == "Model accuracy fell from 0.95 to 0.861; the parameters differ."


def test_truths_and_words_are_not_measured():
    assert differences.measures({}, made(blessed=True, framework="keras")) == []


def test_what_is_no_number_any_more_is_said_plainly():
    measured = differences.measures(_MEASURED, made(accuracy=math.inf, loss=math.nan))

    assert [(m.name, m.change) for m in measured] == [("model accuracy", ""), ("model loss", "")]
    assert differences.said([], measured) == (
        "Model accuracy was 0.95 and is inf, model loss was 0.1 and is nan; nothing that is recorded differs."
    )
    again = differences.measures(made(loss=math.nan), made(loss=math.nan))
    assert [m.change for m in again] == ["the same"]


def test_a_measure_that_fell_in_training_is_told_beside_the_evaluation_in_which_it_rose():
    before = {"evaluation": {"accuracy": 0.9855}, "model": {"accuracy": 0.998, "steps": 100}}
    now = {"evaluation": {"accuracy": 0.9906}, "model": {"accuracy": 0.995, "steps": 200}}

    said = differences.said([], differences.measures(before, now))

    assert said == (
        "Model accuracy fell from 0.998 to 0.995, evaluation accuracy rose from 0.9855 to 0.9906; "
        "nothing that is recorded differs."
    )
