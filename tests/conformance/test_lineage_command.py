"""`trainshed lineage` by the real command line against a real server, over what the engine records."""

import json
import urllib.error
import urllib.request

import pytest

from trainshed import lineage
from trainshed.clock import VirtualClock
from trainshed.settings import load
from trainshed.sql import Database
from trainshed.testing import server

RUN = "projects/local-project/locations/us-central1/pipelineJobs/j1"


def record(conn):
    clock = VirtualClock()
    pipeline = lineage.ensure_context(conn, "system.Pipeline", "penguins", now=clock.now())
    context = lineage.ensure_context(conn, "system.PipelineRun", RUN, now=clock.now(), parent_id=pipeline)

    def thing(kind, name):
        given = {"type": {"schemaTitle": kind}, "uri": f"gs://b/{name}", "metadata": {}, "digest": name, "name": name}
        return lineage.add_artifact(conn, now=clock.advance(1), **given)

    def task(name, reads=(), makes=(), parameters=None, **more):
        properties = {"inputs": parameters or {}, "outputs": {}, "environment": "e" * 32}
        edges = {"inputs": [(n, i) for n, i in reads], "outputs": [(n, i) for n, i in makes]}
        given = {"type": f"comp-{name}", "name": f"{RUN}/tasks/{name}", "state": "COMPLETE", "context_id": context}
        new = lineage.NewExecution(properties=properties, **given, **edges, **more)
        lineage.record_execution(conn, new, now=clock.advance(1))

    data, model, report = (
        thing("system.Dataset", "data"),
        thing("system.Model", "model"),
        thing("system.HTML", "report"),
    )
    task("load", makes=[("data", data)], parameters={"source": "gs://raw/d.csv"}, data={"source": [["d.csv", 17, "c"]]})
    code = lineage.code_of({"container": {"image": "python:3.11", "command": ["train"]}})
    task("train", reads=[("data", data)], makes=[("model", model)], parameters={"epochs": 3}, code=code)
    task("report", reads=[("model", model)], makes=[("report", report)])
    imported = thing("system.Dataset", "imported")
    task(
        "import",
        makes=[("it", imported)],
        schema_title=lineage.IMPORTER,
        data={"gs://b/imported": [["imported", 4, ""]]},
    )


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    home = tmp_path_factory.mktemp("lineage") / "home"
    with server(home):  # makes the store
        pass
    db = Database(load({}, home=home).database)
    db.write(record)
    db.close()
    with server(home) as running:
        yield running


def test_an_artifact_shows_where_it_comes_from_and_what_came_of_it(world):
    done = world.run("lineage", "show", "2")

    assert done.returncode == 0, done.stderr
    made_from, used_for = done.stdout.split("Used for:")
    assert made_from.startswith("artifacts/2  model  system.Model  gs://b/model  2026-01-01T00:00:02Z\n")
    for line in (
        "└─ model: [train]  run j1  executions/2  COMPLETE",
        "image python:3.11 environment eeeeeeeeeeee",
        "parameters epochs=3",
        "└─ data: artifacts/1  data  system.Dataset  gs://b/data",
        "data of source d.csv#17",
        "└─ source: gs://raw/d.csv",
    ):
        assert line in made_from
    assert "└─ model: [report]  run j1  executions/3  COMPLETE" in used_for
    assert "└─ report: artifacts/3  report" in used_for


@pytest.mark.parametrize(
    ("of", "options", "there", "not_there"),
    [
        ("gs://raw/d.csv", ["--downstream"], "artifacts/3", "Made from:"),
        ("gs://raw/d.csv#17", [], "artifacts/3", "see above"),
        ("j1", ["--upstream"], "Made:\n├─ artifacts/3", "Used"),
        ("gs://b/imported", [], "Used for:\n└─ [import]", "see above"),
        (RUN, [], "Used by others:\n└─ nothing recorded", "see above"),
        ("j1/tasks/train", ["--depth", "1"], "data: [load]", "source: gs://raw"),
        ("1", ["--downstream", "--depth", "1"], "There is more: --depth N", "report"),
    ],
)
def test_everything_that_has_lineage_can_be_asked_for(world, of, options, there, not_there):
    done = world.run("lineage", "show", of, *options)

    assert done.returncode == 0, done.stderr
    assert there in done.stdout
    assert not_there not in done.stdout


def test_json_has_everything(world):
    found = world.json("lineage", "show", "3")

    assert set(found) == {"subject", "nodes", "upstream", "downstream"}
    assert {"from": "executions/2", "to": "artifacts/2", "kind": "event", "name": "model"} in found["upstream"]["edges"]
    assert found["nodes"]["executions/2"]["parameters"] == {"epochs": 3}
    assert found["nodes"]["executions/1"]["data"] == {"source": [["d.csv", 17, "c"]]}
    assert found["upstream"]["isWhole"]


def test_artifacts_are_listed_by_googles_interface(world):
    assert [a["displayName"] for a in world.json("lineage", "list")] == ["imported", "report", "model", "data"]
    (model,) = world.json("lineage", "list", "--filter", 'schema_title="system.Model"')
    assert model["name"].endswith("/metadataStores/default/artifacts/2")
    assert (
        "2         model     system.Model    2026-01-01T00:00:02Z  gs://b/model" in world.run("lineage", "list").stdout
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["show", "99"], "(NOT_FOUND) There is no artifact, run or stored data '99'; give an artifact's number"),
        (["show", "gs://none/x"], "(NOT_FOUND) No task has read or made anything at 'gs://none/x'"),
        (["show", "j1/tasks/no"], "(NOT_FOUND) No execution is recorded of 'j1/tasks/no'"),
        (["show", "2", "--depth", "-1"], "(INVALID_ARGUMENT) Invalid value for '--depth'"),
        (["list", "--filter", "colour=red"], "(INVALID_ARGUMENT) filter: 'colour' is not a field of these"),
    ],
)
def test_bad_input_names_the_fix(world, arguments, said):
    done = world.run("lineage", *arguments)

    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("", "of: is missing; give an artifact's number"),
        ("of=2&direction=up", "direction: 'up' is not upstream, downstream or both"),
        ("of=2&depth=many", "depth: 'many' is not a number of tasks"),
    ],
)
def test_the_route_names_the_field_at_fault(world, query, said):
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(f"{world.address}/trainshed/v1/lineage?{query}")

    with error.value as answer:
        assert answer.code == 400
        assert said in json.loads(answer.read())["error"]["message"]


PIPELINE = """
from kfp import dsl


@dsl.component(base_image="python:3.11")
def train(epochs: int, model: dsl.Output[dsl.Model]):
    with open(model.path, "w") as file:
        file.write("weights" * epochs)


@dsl.pipeline(name="code")
def pipeline(epochs: int = 2):
    train(epochs=epochs)
"""


@pytest.mark.slow
def test_the_code_that_made_an_artifact_is_printed(world, tmp_path):
    (tmp_path / "p.py").write_text(PIPELINE)
    world.json("pipelines", "compile", str(tmp_path / "p.py"), "-o", str(tmp_path / "p.json"))
    world.json("pipelines", "run", str(tmp_path / "p.json"), "--wait", "--job-id", "with-code")
    (model,) = world.json("lineage", "list", "--filter", 'in_context("with-code")')

    for of in (model["name"].rsplit("/", 1)[-1], "with-code/tasks/train"):
        done = world.run("lineage", "code", of)
        assert done.returncode == 0, done.stderr
        assert 'file.write("weights" * epochs)' in done.stdout
    refused = world.run("lineage", "code", "with-code")
    assert refused.returncode == 2
    assert "of: 'with-code' names several tasks; give an artifact or RUN/tasks/TASK" in refused.stderr
