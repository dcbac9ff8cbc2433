"""What runs leave in lineage: code, data, cached tasks, DAG tasks, the run itself."""

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
World, a_spec = runs_world.World, runs_world.a_spec


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path, writes_a_model)


def writes_a_model(launch):
    made = json.loads(launch.executor_input)["outputs"]["artifacts"]["model"]["artifacts"][0]["uri"]
    (launch.mount / made.removeprefix("gs://")).write_bytes(b"m")
    return Act(output="{}")


def read(world, filter_=""):
    service = lineage.Service(world.db)
    found, _ = service.executions("projects/p", lineage.Wanted(filter=filter_, order_by="create_time"))
    return found


TRAIN = {"train": {"params": {"source": "gs://raw/d.csv", "epochs": "3"}, "makes": ["model"]}}


def test_a_task_says_with_which_code_and_data(world):
    world.put("gs://raw/d.csv", b"1,2")
    world.finish(world.create(a_spec(TRAIN)))

    (train,) = read(world, 'display_name="train"')

    assert train.code["function"] == "f"
    assert len(train.code["component"]) == 64
    ((name, generation, _),) = train.properties["data"]["source"]
    assert (name, generation) == ("d.csv", world.db.read(lambda c: world.blobs.generations(c, "gs://raw/d.csv"))[0][1])
    below = lineage.Service(world.db).trace(f"gs://raw/d.csv#{generation}").downstream
    assert [a.uri.rsplit("/", 1)[1] for a in below.artifacts.values()] == ["model"]


def test_a_cached_task_names_the_execution_that_it_reused(world):
    world.put("gs://raw/d.csv", b"1,2")
    world.finish(world.create(a_spec(TRAIN)))
    world.finish(world.create(a_spec(TRAIN)))

    first, again = read(world, 'display_name="train"')

    assert (first.last_known_state, again.last_known_state) == ("COMPLETE", "CACHED")
    assert again.cached_from == first.execution_id


def test_a_run_is_an_execution_of_its_own(world):
    run = world.create(
        a_spec({"train": {"params": {"x": "@x"}, "makes": ["model"]}}, parameters={"x": {"parameterType": "STRING"}}),
        parameters={"x": "1"},
    )
    world.finish(run)

    (found,) = read(world, 'schema_title="system.Run"')

    assert (found.name, found.last_known_state, found.run, found.task) == (run.name, "COMPLETE", run.name, "")
    assert found.properties["inputs"] == {"x": "1"}


def test_a_failed_run_is_recorded_as_failed(world):
    world.script = lambda _: Act(outcome=ExitedNonZero(code=3, message=""))
    world.finish(world.create(a_spec(TRAIN)))

    assert {e.last_known_state for e in read(world)} == {"FAILED"}


def test_readers_are_the_tasks_that_read_stored_data_with_what_that_was(world):
    world.put("gs://raw/d.csv", b"1,2")
    other = {"params": {"epochs": "3"}, "makes": ["model"]}
    run = world.finish(world.create(a_spec({**TRAIN, "other": other})))
    reads = {e.task: e.properties["data"] for e in world.service.readers(run)}

    whole = {e.task: e.properties["data"] for e in world.service.executions(run) if e.properties.get("data")}
    assert reads == whole
    assert list(reads) == ["train"]


def test_outputs_are_what_tasks_made_or_took_from_the_cache_and_nothing_that_was_imported(world):
    world.put("gs://raw/d.csv", b"1,2")
    first = world.finish(world.create(a_spec(TRAIN)))
    again = world.finish(world.create(a_spec(TRAIN)))

    made, taken = (world.service.outputs(run, ()).first for run in (first, again))

    traces = world.service.traces(first)
    known = {e.execution_id: e for e in traces.executions if e.schema_title == lineage.CONTAINER}
    outputs = [e for e in traces.events if e.type == "OUTPUT" and e.execution_id in known]
    things = {a.artifact_id: a for a in traces.artifacts}
    assert made
    assert [(o.task, o.artifact, o.uri, o.metadata) for o in made] == [
        (known[e.execution_id].task, lineage.public_id(a), a.uri, a.metadata)
        for e in outputs
        for a in [things[e.artifact_id]]
    ]
    assert [o.is_reused for o in made] == [False] * len(made)
    assert [(o.artifact, o.is_reused) for o in taken] == [(o.artifact, True) for o in made]
