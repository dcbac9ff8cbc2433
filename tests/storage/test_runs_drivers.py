"""Drivers and resolvers on a store, with a scripted runner."""

import importlib.util
import json
import sys
from pathlib import Path

import pytest

from trainshed import lineage
from trainshed.runners.contract import ExitedNonZero
from trainshed.runners.scripted import Act

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
IMAGE = "tfx:1"
MODEL = {"artifactType": {"instanceSchema": "title: tfx.Model\ntype: object\n"}}
LATEST = 'schema_title="tfx.Model" AND state=LIVE'


def a_pipeline(*, name="driven", query=LATEST):
    """A resolver that looks for the latest model -> Train, which has a driver."""
    command = {"image": IMAGE, "command": ["train"], "args": ["{{$}}"]}
    hook = {"lifecycle": {"preCacheCheck": {"command": ["driver"], "args": ["{{$}}"]}}}
    found = {"taskOutputArtifact": {"producerTask": "Resolver.latest", "outputArtifactKey": "model"}}
    train = {
        "componentRef": {"name": "Train"},
        "cachingOptions": {"enableCache": True},
        "inputs": {"parameters": {"span": {"runtimeValue": {"constant": 0}}}, "artifacts": {"base": found}},
    }
    return {
        "schemaVersion": "2.1.0",
        "pipelineInfo": {"name": name},
        "root": {
            "dag": {
                "tasks": {"Resolver.latest": {"componentRef": {"name": "Resolver.latest"}}, "Train": train},
            }
        },
        "components": {
            "Resolver.latest": {"executorLabel": "find", "outputDefinitions": {"artifacts": {"model": MODEL}}},
            "Train": {
                "executorLabel": "train",
                "inputDefinitions": {
                    "parameters": {"span": {"parameterType": "NUMBER_INTEGER"}},
                    "artifacts": {"base": MODEL},
                },
                "outputDefinitions": {"artifacts": {"model": MODEL}},
            },
        },
        "deploymentSpec": {
            "executors": {
                "train": {"container": command | hook},
                "find": {"resolver": {"outputArtifactQueries": {"model": {"filter": query}}}},
            }
        },
    }


class Play:
    """What the driver and the training do, and what they were given."""

    def __init__(self):
        self.span, self.fails, self.given = 7, False, {}

    def __call__(self, launch):
        program, text = launch.work.arguments
        self.given[program] = json.loads(text)
        if program == "driver":
            document = {"parameterValues": {"span": float(self.span), "fingerprint": f"f{self.span}"}}
            metadata = {"metadata": {"custom:span": float(self.span)}}
            return Act(output=json.dumps(document | {"artifacts": {"model": {"artifacts": [metadata]}}}))
        if self.fails:
            return Act(outcome=ExitedNonZero(code=1, message="no memory left"))
        made = self.given["train"]["outputs"]["artifacts"]["model"]["artifacts"][0]
        (launch.mount / made["uri"].removeprefix("gs://")).write_text(f"trained on {self.span}")
        return Act(output=json.dumps({"artifacts": {"model": {"artifacts": [made]}}}))

    def base(self):
        return [
            one["name"]
            for one in self.given["train"]["inputs"].get("artifacts", {}).get("base", {}).get("artifacts", ())
        ]


@pytest.fixture
def play():
    return Play()


@pytest.fixture
def world(db, clock, tmp_path, play):
    made = runs_world.World(db, clock, tmp_path, play)
    made.environments.bind(IMAGE)
    return made


def model_of(world, run):
    (task,) = [t for t in world.service.describe(run.name).tasks if t.name == "Train"]
    (number,) = task.outputs["artifacts"]["model"]
    return f"{run.name.rsplit('/', 2)[0]}/metadataStores/default/artifacts/{number}"


def test_what_a_driver_said_is_kept_when_its_task_is_tried_again_by_another_server(world, play):
    play.fails = True
    run = world.create(a_pipeline())
    assert world.finish(run).state == "FAILED"
    play.fails, play.given = False, {}

    world.service.retry(run.name)
    done = world.finish(run)

    assert done.state == "SUCCEEDED"
    assert "driver" not in play.given
    assert play.given["train"]["inputs"]["parameterValues"] == {"span": 7, "fingerprint": "f7"}
    (made,) = play.given["train"]["outputs"]["artifacts"]["model"]["artifacts"]
    assert made["metadata"] == {"custom:span": 7.0}


def test_a_driver_always_looks_and_does_not_count_as_work(world, play):
    query = 'schema_title="tfx.Nothing"'
    states = []
    for span in (7, 7, 8):
        play.span = span
        run = world.create(a_pipeline(query=query))
        done = world.finish(run)
        states.append((world.states(run)["Train.driver"], world.states(run)["Train"], done.tasks_ran, done.tasks_total))

    assert states == [
        ("SUCCEEDED", "SUCCEEDED", 1, 1),
        ("SUCCEEDED", "SKIPPED", 0, 1),
        ("SUCCEEDED", "SUCCEEDED", 1, 1),
    ]


def test_a_driver_looks_again_also_when_a_run_wants_everything_cached(world):
    world.finish(world.create(a_pipeline()))
    run = world.create(a_pipeline(), caching=True)
    world.finish(run)

    assert world.states(run)["Train.driver"] == "SUCCEEDED"


def test_a_resolver_finds_the_newest_of_its_own_pipeline(world, play):
    bases = []
    runs = []
    for span, name in ((1, "one"), (2, "one"), (3, "two"), (4, "one")):
        play.span = span
        runs.append(world.create(a_pipeline(name=name)))
        world.finish(runs[-1])
        bases.append(play.base())

    models = [model_of(world, run) for run in runs]
    assert bases == [[], [models[0]], [], [models[1]]]


def test_a_resolver_looks_into_another_pipeline_by_its_context(world, play):
    first = world.create(a_pipeline(name="one"))
    world.finish(first)

    world.finish(world.create(a_pipeline(name="two", query=f'{LATEST} AND in_context("one")')))

    assert play.base() == [model_of(world, first)]


def test_what_a_resolver_found_was_read_by_it_and_made_by_another(world, db):
    first = world.create(a_pipeline())
    world.finish(first)
    world.finish(world.create(a_pipeline(query=f'{LATEST} AND metadata."custom:span".number_value=7')))

    found = lineage.Service(db).uses(model_of(world, first).rsplit("/", 1)[1], 10)
    assert [path for _, path in found.makers] == ["model"]
    assert [path for _, path in found.users] == ["base", "base", "model"]  # the driver's too
