"""What is read of several runs, for those who compare them."""

import importlib.util
import json
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from trainshed.errors import NotFound
from trainshed.runners.scripted import Act
from trainshed.runs import Search, comparing

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec, PARENT = runs_world.World, runs_world.a_spec, runs_world.PARENT

PARAMETERS = {"data": {"parameterType": "STRING"}}


@pytest.fixture
def world(db, clock, tmp_path):
    made = World(db, clock, tmp_path)
    made.script = writes
    return made


def writes(launch):
    """Write every output, with metadata of its own."""
    document = json.loads(launch.executor_input)
    found = {}
    for key, listed in document["outputs"].get("artifacts", {}).items():
        artifact = listed["artifacts"][0]
        (launch.mount / artifact["uri"].removeprefix("gs://")).write_bytes(b"made")
        found[key] = {"artifacts": [artifact | {"metadata": {"rows": 3, "share": 0.5}}]}
    return Act(output=json.dumps({"parameterValues": {}, "artifacts": found}))


def spec(source="# train"):
    tasks = {
        "load": {"params": {"data": "@data"}, "makes": ["rows"]},
        "train": {"artifacts": {"rows": "load.rows"}, "makes": ["model"], "source": source},
    }
    return a_spec(tasks, parameters=PARAMETERS)


def looped(times):
    """A loop whose task makes something each time, and a task after it that does as well."""
    found = a_spec({"load": {"params": {"data": "@data"}, "makes": ["rows"]}, "after": {"makes": ["rows"]}})
    found["root"]["inputDefinitions"] = {"parameters": PARAMETERS}
    nodes = found["root"]["dag"]["tasks"]
    takes = {"parameters": {"item": {"parameterType": "NUMBER_INTEGER"}, **PARAMETERS}}
    load = nodes.pop("load")
    nodes["loop"] = {
        "taskInfo": {"name": "loop"},
        "componentRef": {"name": "comp-loop"},
        "inputs": {"parameters": {"data": {"componentInputParameter": "data"}}},
        "parameterIterator": {"itemInput": "item", "items": {"raw": json.dumps(list(range(times)))}},
    }
    nodes["after"]["dependentTasks"] = ["loop"]
    found["components"]["comp-loop"] = {"dag": {"tasks": {"load": load}}, "inputDefinitions": takes}
    return found


def test_what_was_imported_is_data_too(world):
    executor = {
        "importer": {
            "artifactUri": {"constant": "gs://data/birds"},
            "typeSchema": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"},
        }
    }
    imports = a_spec({"birds": {"executor": executor, "makes": ["artifact"]}})
    world.put("gs://data/birds/a.csv", b"1")
    one = world.create(imports)
    world.finish(one)
    world.put("gs://data/birds/b.csv", b"2")
    two = world.create(imports)
    world.finish(two)

    before, after = world.service.sides([one.name, two.name])

    assert set(before.data) == set(after.data) == {("birds", "gs://data/birds")}
    assert before.data["birds", "gs://data/birds"].startswith("1 object, ")
    assert after.data["birds", "gs://data/birds"].startswith("2 objects, ")


def test_each_side_says_what_it_was_made_of_and_what_it_made(world):
    world.put("gs://data/birds/a.csv", b"1")
    world.put("gs://data/birds/b.csv", b"2")
    one = world.create(spec(), parameters={"data": "gs://data/birds"})
    world.finish(one)
    world.put("gs://data/birds/b.csv", b"3")
    two = world.create(spec("# other"), parameters={"data": "gs://data/birds"})
    world.finish(two)

    before, after = world.service.sides([one.name, two.name])

    assert [side.run.state for side in (before, after)] == ["SUCCEEDED", "SUCCEEDED"]
    assert [(task.name, task.state) for task in after.tasks] == [("load", "SUCCEEDED"), ("train", "SUCCEEDED")]
    assert [(product.task, product.key) for product in after.products] == [("load", "rows"), ("train", "model")]
    assert after.products[0].artifact.metadata == {"rows": 3, "share": 0.5}
    assert before.code["load"] == after.code["load"]
    assert before.code["train"] != after.code["train"]
    assert set(after.data) == {("load", "data")}
    assert before.data["load", "data"].startswith("2 objects, ")
    assert before.data != after.data
    assert [task.display_name for _, task in after.plan.walk()] == ["load", "train"]
    assert after.beyond == {}


def test_a_side_says_how_much_there_is_beyond_what_is_read(world, monkeypatch):
    run = world.finish(world.create(spec(), parameters={"data": "x"}))
    monkeypatch.setattr(comparing, "MOST_COMPARED", 1)

    (side,) = world.service.sides([run.name])

    assert [len(found) for found in (side.tasks, side.products, side.code)] == [1, 1, 1]
    assert side.beyond == {"task": 2, "execution": 2, "artifact": 2}


def test_what_is_in_a_loop_takes_no_place_of_what_is_not(world, monkeypatch):
    run = world.finish(world.create(looped(times=3), parameters={"data": "x"}))
    monkeypatch.setattr(comparing, "MOST_COMPARED", 4)

    (side,) = world.service.sides([run.name])

    assert [product.task for product in side.products] == ["after"]
    assert list(side.code) == ["after"]
    assert side.beyond == {}


def test_products_of_one_type_are_read_alone(world):
    run = world.create(spec(), parameters={"data": "x"})
    done = world.finish(run)

    assert len(world.service.products(done, ["system.Dataset"])) == 2
    assert world.service.products(done, ["system.Metrics"]) == []
    assert len(world.service.products(done, limit=1)) == 1


def test_the_numbers_of_many_runs_are_read_at_once_newest_first(world):
    def measuring(job, source):
        metrics = json.loads(json.dumps(spec(source)).replace("system.Dataset", "system.Metrics"))
        world.clock.advance(timedelta(seconds=1))
        return world.finish(world.create(metrics, parameters={"data": "x"}, job_id=job))

    measuring("one", "# 1")
    measuring("two", "# 2")
    world.finish(world.create(spec("# nothing to measure"), parameters={"data": "x"}, job_id="three"))

    found, token = world.service.measured(Search(page_size=2))
    older, _ = world.service.measured(Search(page_size=2, page_token=token))

    numbers = {"load: rows": 3.0, "load: share": 0.5, "train: rows": 3.0, "train: share": 0.5}
    assert {each.run.name.rsplit("/", 1)[-1]: each.numbers for each in found} == {"three": {}, "two": numbers}
    assert [(each.run.name.rsplit("/", 1)[-1], each.numbers) for each in older] == [("one", numbers)]
    assert world.service.measured(Search(pipeline="none")) == ([], "")


def test_the_file_of_an_artifact_is_read_as_far_as_wanted(world):
    done = world.finish(world.create(spec(), parameters={"data": "x"}))
    artifact = world.service.products(done)[0].artifact

    assert world.service.content(artifact, most=100) == b"made"
    assert world.service.content(artifact, most=2) == b"ma"
    bucket, _, name = artifact.uri.removeprefix("gs://").partition("/")
    world.db.write(lambda conn: world.blobs.delete(conn, bucket, name))
    assert world.service.content(artifact, most=100) is None


def test_a_run_that_is_not_there_is_named(world):
    with pytest.raises(NotFound, match="no run 'none'"):
        world.service.sides(["none"])
