"""Runs on a store: from a spec to a run that ended, with a scripted runner."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec = runs_world.World, runs_world.a_spec


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def outputs(parameters=None, artifacts=None):
    return json.dumps({"parameterValues": parameters or {}, "artifacts": artifacts or {}})


def gives(by_source):
    """Answer by the source of the component: parameters that it gives, files that it writes."""

    def script(launch):
        made = by_source.get(launch.work.source, {})
        document = json.loads(launch.executor_input)
        for key, data in made.get("files", {}).items():
            uri = document["outputs"]["artifacts"][key]["artifacts"][0]["uri"]
            path = launch.mount / uri.removeprefix("gs://")
            path.write_bytes(data)
        parameters = made.get("parameters", {})
        if callable(parameters):
            parameters = parameters(document["inputs"].get("parameterValues", {}))
        return Act(output=outputs(parameters))

    return script


CHAIN = a_spec({"a": {"gives": {"x": "NUMBER_INTEGER"}}, "b": {"params": {"x": ("NUMBER_INTEGER", "<a.x")}}, "c": {"after": ["b"]}})


def test_a_chain_runs_in_order(world):
    world.script = gives({"# a": {"parameters": {"x": 3}}})
    run = world.create(CHAIN)

    done = world.finish(run)

    assert done.state == "SUCCEEDED"
    assert world.states(run) == {"a": "SUCCEEDED", "b": "SUCCEEDED", "c": "SUCCEEDED"}
    assert (done.tasks_ran, done.tasks_total) == (3, 3)
    assert not done.is_needless
