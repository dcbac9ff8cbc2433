"""Vertex ML Metadata by Google's own SDK and clients, against what the engine records and what they record themselves."""

import asyncio
import json
import os
import subprocess
import sys
import threading

import pytest

from trainshed import lineage
from trainshed.api.serve import Surface
from trainshed.api.services.metadata import Metadata
from trainshed.api.services.operations import Operations
from trainshed.api.services.projects import Locations, Projects
from trainshed.clock import VirtualClock
from trainshed.settings import load
from trainshed.testing import database

PARENT = "projects/local-project/locations/us-central1"
STORE = f"{PARENT}/metadataStores/default"
START = """
import json
from google.cloud import aiplatform, aiplatform_v1
aiplatform.init(project="local-project", location="us-central1")
seen = {}
"""

READ = """
models = aiplatform.Artifact.list(filter='schema_title="system.Model"', order_by="create_time")
seen["models"] = [[a.display_name, a.uri, a.schema_title, a.schema_version, a.state.name, a.metadata] for a in models]
model = aiplatform.Artifact.get_with_uri("gs://b/model")
seen["model"] = [model.name, model.resource_name, model.lineage_console_uri, model.metadata]
seen["same"] = aiplatform.Artifact(model.resource_name).uri
seen["by id"] = aiplatform.Artifact(model.name).uri
run = aiplatform.Context("j1")
seen["run"] = [run.display_name, run.schema_title, list(run.parent_contexts)]
seen["in run"] = sorted(a.display_name for a in run.get_artifacts())
seen["executions"] = sorted([e.display_name, e.schema_title, e.state.name] for e in run.get_executions())
train = aiplatform.Execution.list(filter='display_name="train" AND state=COMPLETE')[0]
seen["train"] = [train.metadata["input:epochs"], train.metadata["output:loss"], train.metadata["component"]]
seen["inputs"] = [a.display_name for a in train.get_input_artifacts()]
seen["outputs"] = [a.display_name for a in train.get_output_artifacts()]
pipelines = aiplatform.Context.list(filter='schema_title="system.Pipeline"')
seen["pipelines"] = [c.display_name for c in pipelines]
seen["runs"] = [c.name for c in aiplatform.Context.list(filter=f'parent_contexts:"{pipelines[0].resource_name}"')]
graph = run.query_lineage_subgraph()
seen["graph"] = [len(graph.artifacts), len(graph.executions), len(graph.events)]
row = aiplatform.PipelineJob._query_experiment_row(run)
seen["row"] = [row.params, row.metrics, row.state]
print(json.dumps(seen))
"""

DATA_FRAME = """
import sys, types
sys.modules["pandas"] = types.SimpleNamespace(DataFrame=lambda rows: rows)  # what the SDK hands to pandas
from google.cloud.aiplatform import metadata
seen["rows"] = [dict(row) for row in metadata.metadata._LegacyExperimentService.get_pipeline_df("penguins")]
print(json.dumps(seen))
"""

GAPIC = """
from google.api_core import exceptions
from google.cloud.aiplatform_v1.services.metadata_service import MetadataServiceClient as Client
store = "projects/local-project/locations/us-central1/metadataStores/default"
for transport in ("grpc", "rest"):
    client = Client(client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"}, transport=transport)
    found = seen[transport] = {}
    found["stores"] = [s.name for s in client.list_metadata_stores(parent=store.rsplit("/", 2)[0])]
    model = next(iter(client.list_artifacts(request={"parent": store, "filter": 'uri="gs://b/model"'})))
    def ask(**more):
        graph = client.query_artifact_lineage_subgraph(request={"artifact": model.name, **more})
        return [sorted(a.display_name for a in graph.artifacts), sorted(e.display_name for e in graph.executions),
                sorted((e.type_.name, e.execution.rsplit("/", 1)[1]) for e in graph.events)]
    found["whole"] = ask()
    found["one hop"] = ask(max_hops=1)[:2]
    found["filtered"] = ask(filter='schema_title="system.Dataset"')[0]
    pages = client.list_artifacts(request={"parent": store, "page_size": 1}).pages
    found["pages"] = [[a.display_name for a in page.artifacts] for page in pages]
    for name, call in {
        "missing": lambda: client.get_artifact(name=f"{store}/artifacts/99"),
        "store": lambda: client.list_artifacts(parent=store.replace("default", "other")),
        "filter": lambda: client.list_artifacts(request={"parent": store, "filter": 'color="red"'}),
        "hops": lambda: ask(max_hops=-1),
        "token": lambda: client.list_artifacts(request={"parent": store, "page_token": "eHg="}),
        "unserved": lambda: client.list_metadata_schemas(parent=store),
    }.items():
        try:
            call()
        except exceptions.GoogleAPICallError as error:
            found[name] = [int(error.code), error.message.removeprefix(f"GET {error.message[4:].split(': ')[0]}: ")]
print(json.dumps(seen))
"""

WRITE = """
from google.api_core import exceptions
data = aiplatform.Artifact.create("system.Dataset", uri="gs://b/raw", display_name="raw", metadata={"rows": 3, "a": {"b": 1}})
model = aiplatform.Artifact.create("system.Model", resource_id="my-model", uri="gs://b/m", description="first")
with aiplatform.start_execution(schema_title="system.ContainerExecution", display_name="by hand") as execution:
    execution.assign_input_artifacts([data])
    execution.assign_output_artifacts([model])
    execution.assign_output_artifacts([model])
    seen["running"] = execution.state.name
seen["state"] = aiplatform.Execution(execution.resource_name).state.name
seen["edges"] = [[a.display_name or a.name for a in found] for found in (execution.get_input_artifacts(), execution.get_output_artifacts())]
model.update(metadata={"accuracy": 0.9}, description="second")
again = aiplatform.Artifact("my-model")
seen["model"] = [again.metadata, again.description, again.schema_title, again.state.name, again.uri]
seen["data"] = aiplatform.Artifact(data.resource_name).metadata
seen["found"] = [a.name for a in aiplatform.Artifact.list(filter='metadata.accuracy.number_value > 0.5')]
context = aiplatform.Context.create("system.Experiment", resource_id="mine", display_name="Mine", metadata={"k": "v"})
context.add_artifacts_and_executions([model.resource_name], [execution.resource_name])
seen["context"] = [sorted(a.name for a in context.get_artifacts()), len(context.get_executions())]
extra = aiplatform.Artifact.create("system.Dataset", uri="gs://b/extra")
extra.delete()
seen["deleted"] = aiplatform.Artifact.get(extra.name)
seen["got"] = aiplatform.Context.get_or_create("mine", schema_title="system.Experiment").display_name
for name, call in {
    "twice": lambda: aiplatform.Artifact.create("system.Model", resource_id="my-model"),
    "digits": lambda: aiplatform.Artifact.create("system.Model", resource_id="17"),
    "a task's": lambda: aiplatform.Execution.list(filter='display_name="train"')[0].update(metadata={"x": 1}),
}.items():
    try:
        call()
    except exceptions.GoogleAPICallError as error:
        seen[name] = [type(error).__name__, error.message]
print(json.dumps(seen))
"""

EXPERIMENT = """
aiplatform.init(project="local-project", location="us-central1", experiment="penguins-tuning", experiment_tensorboard=False)
aiplatform.start_run("first")
aiplatform.log_params({"rate": 0.1, "epochs": 3})
aiplatform.log_metrics({"accuracy": 0.75})
aiplatform.end_run()
run = aiplatform.ExperimentRun("first", experiment="penguins-tuning")
seen["run"] = [run.get_params(), run.get_metrics(), run.state]
seen["runs"] = [r.name for r in aiplatform.ExperimentRun.list(experiment="penguins-tuning")]
seen["experiments"] = [e.name for e in aiplatform.Experiment.list()]
run.delete()
aiplatform.Experiment("penguins-tuning").delete()
seen["left"] = [e.name for e in aiplatform.Experiment.list()] + [a.name for a in aiplatform.Artifact.list(filter='name="x"')]
print(json.dumps(seen))
"""


def record(conn, clock):
    """Write what the engine writes for a run of two tasks and a cached repetition."""
    now = clock.now()
    pipeline = lineage.ensure_context(conn, "system.Pipeline", "penguins", now=now)

    def task(job, name, state="COMPLETE", inputs=(), outputs=(), **more):
        context = lineage.ensure_context(
            conn, "system.PipelineRun", f"{PARENT}/pipelineJobs/{job}", now=now, parent_id=pipeline
        )
        path = f"{PARENT}/pipelineJobs/{job}/tasks/{name}"
        given = {"type": f"comp-{name}", "name": path, "state": state, "context_id": context}
        properties = {"inputs": more.pop("parameters", {}), "outputs": more.pop("values", {})}
        edges = {"inputs": inputs, "outputs": outputs}
        new = lineage.NewExecution(properties=properties, **given, **edges, **more)
        return lineage.record_execution(conn, new, now=clock.advance(1))

    def thing(kind, name, **metadata):
        given = {"type": {"schemaTitle": kind, "schemaVersion": "0.0.1"}, "uri": f"gs://b/{name}", "digest": name}
        return lineage.add_artifact(conn, **given, metadata=metadata, name=name, now=clock.advance(1))

    context = lineage.ensure_context(
        conn, "system.PipelineRun", f"{PARENT}/pipelineJobs/j1", now=now, parent_id=pipeline
    )
    whole = {"name": f"{PARENT}/pipelineJobs/j1", "context_id": context, "now": now}
    lineage.record_run(conn, **whole, state="RUNNING", pipeline="penguins", parameters={"epochs": 3})
    data = thing("system.Dataset", "data", rows=344)
    model = thing("system.Model", "model", framework="sklearn")
    metrics = thing("system.Metrics", "metrics", accuracy=0.9, loss=float("nan"))
    task("j1", "load", outputs=[("data", data)], schema_title=lineage.IMPORTER)
    made = {"inputs": [("data", data)], "outputs": [("model", model), ("metrics", metrics)]}
    original = task("j1", "train", parameters={"epochs": 3}, values={"loss": 0.25}, **made)
    lineage.record_run(conn, **whole, state="COMPLETE")
    task("j2", "train", "CACHED", **made, cached_from=original)


class World:
    """The surface over a store, on an event loop in a thread."""

    def __init__(self, home, db):
        self.db = db
        clock = VirtualClock()
        servicers = [
            Metadata(lineage.Service(db), lineage.Author(db, clock)),
            Operations(),
            Projects("local-project"),
            Locations("us-central1"),
        ]
        self.surface = Surface(load({}, home=home, port=0), servicers)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.do(self.surface.start())
        db.write(lambda conn: record(conn, clock))

    def do(self, work):
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def python(self, script):
        environment = {**os.environ, **self.surface.reach.environment("user")}
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", START + script],
            env=environment, capture_output=True, text=True, timeout=110,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    def close(self):
        self.do(self.surface.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@pytest.fixture
def world(tmp_path):
    with database(tmp_path) as db:
        opened = World(tmp_path / "home", db)
        yield opened
        opened.close()


@pytest.mark.slow
def test_the_sdk_reads_what_the_engine_recorded(world):
    seen = world.python(READ)

    assert seen["models"] == [["model", "gs://b/model", "system.Model", "0.0.1", "LIVE", {"framework": "sklearn"}]]
    name, resource_name, console, metadata = seen["model"]
    assert resource_name == f"{STORE}/artifacts/{name}"
    assert f"artifacts/{name}?project=local-project" in console
    assert metadata == {"framework": "sklearn"}
    assert seen["same"] == seen["by id"] == "gs://b/model"
    assert seen["run"] == ["j1", "system.PipelineRun", [f"{STORE}/contexts/penguins"]]
    assert seen["in run"] == ["data", "metrics", "model"]
    assert seen["executions"] == [
        ["j1", "system.Run", "COMPLETE"],
        ["load", "system.ImporterExecution", "COMPLETE"],
        ["train", "system.ContainerExecution", "COMPLETE"],
    ]
    assert seen["train"] == [3, 0.25, "comp-train"]
    assert (seen["inputs"], sorted(seen["outputs"])) == (["data"], ["metrics", "model"])
    assert (seen["pipelines"], seen["runs"]) == (["penguins"], ["j2", "j1"])
    assert seen["graph"] == [3, 3, 4]
    assert seen["row"] == [{"epochs": 3}, {"accuracy": 0.9, "loss": "NaN"}, "COMPLETE"]


@pytest.mark.slow
def test_the_sdk_tells_parameters_and_metrics_of_a_pipelines_runs(world):
    (row,) = world.python(DATA_FRAME)["rows"]

    assert (row["pipeline_name"], row["run_name"]) == ("penguins", "j1")
    assert (row["param.input:epochs"], row["metric.accuracy"]) == (3, 0.9)


@pytest.mark.slow
def test_both_transports_answer_lineage_pages_and_errors(world):
    seen = world.python(GAPIC)

    assert seen["grpc"] == seen["rest"]
    found = seen["grpc"]
    assert found["stores"] == [STORE]
    things, doings, edges = found["whole"]
    assert things == ["data", "model"]
    assert doings == ["load", "train"]
    assert [kind for kind, _ in edges] == ["INPUT", "OUTPUT", "OUTPUT"]
    assert found["one hop"] == [["model"], ["train"]]
    assert found["filtered"] == ["data", "model"]
    assert found["pages"] == [["metrics"], ["model"], ["data"]]
    assert found["missing"] == [404, "There is no artifact '99'."]
    assert found["store"][0] == 404
    assert [(found[key][0], found[key][1].split(":")[0]) for key in ("filter", "hops", "token")] == [
        (400, "filter"),
        (400, "max_hops"),
        (400, "page_token"),
    ]
    assert found["unserved"][0] == 501


@pytest.mark.slow
def test_the_sdk_records_by_hand(world):
    seen = world.python(WRITE)

    assert (seen["running"], seen["state"]) == ("RUNNING", "COMPLETE")
    assert seen["edges"] == [["raw"], ["my-model"]]
    assert seen["model"] == [{"accuracy": 0.9}, "second", "system.Model", "LIVE", "gs://b/m"]
    assert seen["data"] == {"rows": 3, "a": {"b": 1}}
    assert seen["found"] == ["my-model", "3"]
    assert seen["context"] == [["4", "my-model"], 1]  # the execution's, and the one put in by itself
    assert seen["got"] == "Mine"
    assert seen["deleted"] is None
    assert seen["twice"] == ["AlreadyExists", "There is an artifact 'my-model' already."]
    assert seen["digits"] == [
        "InvalidArgument", "artifact_id: '17' is only digits, as the server's own ids are; add a letter",
    ]  # fmt: skip
    assert seen["a task's"][0] == "FailedPrecondition"


@pytest.mark.slow
def test_experiments_of_the_sdk_are_kept(world):
    seen = world.python(EXPERIMENT)

    assert seen["run"] == [{"rate": 0.1, "epochs": 3}, {"accuracy": 0.75}, 3]  # COMPLETE
    assert seen["runs"] == ["first"]
    assert seen["experiments"] == ["penguins-tuning"]
    assert seen["left"] == []
