"""What runs cost: the same before, while they go on and after, on the machines that their tasks ask for."""

import importlib.util
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from trainshed import costs
from trainshed.runners.scripted import Act, ScriptedRunner
from trainshed.runs import actual, actual_brief, cost_of

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
a_spec = runs_world.a_spec
PRICES = costs.load()


@pytest.fixture
def world(db, clock, tmp_path):
    return runs_world.World(db, clock, tmp_path)


def asking(**resources):
    """Make a pipeline of one task that asks for something; `@parameter` in it is filled in when its turn comes."""
    executor = runs_world.python_executor(resources=resources)
    return a_spec(
        {"train": {"executor": executor, "params": {"n": "@n"}}}, parameters={"n": {"parameterType": "STRING"}}
    )


@pytest.fixture
def lasting(monkeypatch):
    """Let every attempt take an hour."""
    make = ScriptedRunner._make

    def made(self, *given):
        report = make(self, *given)
        return replace(report, start_time=report.end_time - timedelta(hours=1))

    monkeypatch.setattr(ScriptedRunner, "_make", made)


@pytest.mark.parametrize(
    ("resources", "hourly"),
    [
        ({}, 0.19),
        ({"cpuLimit": 2}, 0.095),
        ({"cpuLimit": 8, "memoryLimit": 25}, 0.38),
        ({"cpuLimit": 4, "accelerator": {"type": "NVIDIA_TESLA_T4", "count": "2"}}, 0.19 + 2 * 0.35),
        ({"accelerator": {"resourceType": "NVIDIA_TESLA_T4", "resourceCount": "1"}}, 0.19 + 0.35),
        ({"resourceCpuLimit": "{{$.inputs.parameters['n']}}"}, 0.567),
    ],
)
@pytest.mark.usefixtures("lasting")
def test_a_run_costs_what_the_machines_cost_that_its_tasks_ask_for(world, resources, hourly):
    run = world.finish(world.create(asking(**resources), parameters={"n": "16"}))

    details = world.service.describe(run.name)
    (found,) = world.service.used_since(run.create_time)

    assert run.state == "SUCCEEDED"
    assert actual_brief(PRICES, run).cloud == pytest.approx(0.03 + hourly)
    assert actual(PRICES, details.tasks, details.attempts).cloud == pytest.approx(0.03 + hourly)
    assert found.machines == run.usage


@pytest.mark.usefixtures("lasting")
def test_a_run_that_goes_on_costs_the_same_wherever_it_is_shown_and_what_its_ended_tasks_will_have_cost(world):
    world.script = lambda launch: Act(is_held=launch.work.source == "# b")
    run = world.create(a_spec({"a": {}, "b": {"after": ["a"]}}))

    run = world.finish(run)

    details = world.service.describe(run.name)
    assert run.state == "RUNNING"
    assert cost_of(PRICES, world.service.usage(run)).cloud == pytest.approx(0.03 + 0.19)
    assert actual(PRICES, details.tasks, details.attempts).cloud == pytest.approx(0.03 + 0.19)
