"""What an account reads of what a run made: of very many the first ones, and those that have something to tell."""

import importlib.util
import json
import math
import sys
from pathlib import Path

import pytest

from trainshed import lineage
from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec = runs_world.World, runs_world.a_spec

ALL = ["load", "first", "gate", "last"]
SAYS = {
    "load": {},
    "first": {"accuracy": 0.9, "epochs": 3},
    "gate": {"verdict": "accuracy 0.9 misses 0.95", "loss": math.nan},
    "last": {"accuracy": 0.7},
}


@pytest.fixture
def world(db, clock, tmp_path):
    made = World(db, clock, tmp_path)
    made.script = writes
    return made


def writes(launch):
    """Write the one output; it says of itself what its task says."""
    artifact = json.loads(launch.executor_input)["outputs"]["artifacts"]["made"]["artifacts"][0]
    (launch.mount / artifact["uri"].removeprefix("gs://")).write_bytes(b"made")
    found = {"made": {"artifacts": [artifact | {"metadata": SAYS[launch.task]}]}}
    return Act(output=json.dumps({"parameterValues": {}, "artifacts": found}))


@pytest.fixture
def run(world):
    before, tasks = None, {}
    for name in ALL:  # one after the other, for a known order
        tasks[name] = {"makes": ["made"], "artifacts": {"made": f"{before}.made"} if before else {}}
        before = name
    text = json.dumps(a_spec(tasks)).replace("system.Dataset", "system.Metrics")
    return world.finish(world.create(json.loads(text)))


def read(world, run, **how):
    return world.db.read(lambda conn: lineage.outputs_of_run(conn, run.context_id, run.name, **how))


def test_few_are_read_whole(world, run):
    found = read(world, run, telling=["verdict"])

    assert [(output.task, output.metadata) for output in found.first[:2]] == [("load", {}), ("first", SAYS["first"])]
    assert (found.count, found.telling) == (4, found.first)


def test_of_many_the_first_are_read_and_those_that_tell_something(world, run):
    found = read(world, run, telling=['"verdict":', "NaN"], most=2)

    assert found.count == 4
    assert [output.task for output in found.first] == ["load", "first"]
    assert [output.task for output in found.telling] == ["gate"]
    assert math.isnan(found.telling[0].metadata["loss"])
    assert read(world, run, most=2).telling == []


def test_of_measures_of_one_name_the_last_one_counts(world, run):
    def measured(name, types):
        return world.db.read(lambda conn: lineage.measures_of_run(conn, run.context_id, name, types))

    assert measured(run.name, ["system.Metrics"]) == {"made": SAYS["last"]}
    assert measured(run.name, ["system.Model"]) == {}
    assert measured(f"{run.name}-other", ["system.Metrics"]) == {}
