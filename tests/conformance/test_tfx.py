"""Documents of TFX: planned and rendered as its container entry point reads them, and run with a stand-in for it.

TFX itself is not needed: `fixtures/tfx/stand_in.py` takes the same arguments and writes the same documents.
"""

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import json_format
from kfp.pipeline_spec import pipeline_spec_pb2 as messages

from trainshed import ir
from trainshed.testing import server

FOLDER = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance")) / "tfx"
DOCUMENTS = sorted([*FOLDER.glob("*.json"), *FOLDER.glob("legacy/*.json")])
FIXTURES = Path(__file__).parents[1] / "fixtures" / "tfx"
sys.path.append(str(FIXTURES))
from penguin_document import IMAGE, penguins  # noqa: E402
from stand_in import parameters_of  # noqa: E402

STORE = "projects/123456789/locations/us-central1/metadataStores/default/artifacts"
THEIR_BUCKET = "root"  # in the documents of TFX
FACTS = ir.RunFacts(
    job_name="job", resource_name="projects/p/locations/l/pipelineJobs/job", job_uuid="1", root="gs://store",
    create_time="", schedule_time="",
)  # fmt: skip
PLAIN = {"penguin-vertex-training.json": {"learning_rate": 0.01, "num_epochs": 30}}
SCHEMAS = pytest.mark.parametrize("schema", ["2.0.0", "2.1.0"])
needs_documents = pytest.mark.skipif(not DOCUMENTS, reason=f"the shared pipelines are not in {FOLDER}")
of_each_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda p: str(p.relative_to(FOLDER)))


class Walk:
    """A run of a document in the mind: every task gives what it declares."""

    def __init__(self, path):
        self.job = json.loads(path.read_text())
        self.spec = self.job["pipelineSpec"]
        self.document = ir.load(path.read_text())
        self.plan = ir.plan(self.document)
        self.is_legacy = self.spec["schemaVersion"] == "2.0.0"
        self.given = PLAIN.get(path.name, {})

    def leaves(self):
        """Answer every task with its inputs, in order."""
        made = {}
        around = ir.Surroundings(
            parameters=self.given, artifacts={}, outputs=lambda n: made.get(n, ir.Outputs()), final_status=lambda _: {}
        )
        for path, task in self.plan.leaves():
            inputs = ir.inputs_of(task, FACTS, around)
            made[path] = ir.Outputs(
                artifacts={
                    key: [an_artifact(f"{path}/{key}", output.schema)] for key, output in task.output_artifacts.items()
                }
            )
            yield path, task, inputs

    def call(self, task, inputs):
        """Answer the command of a task and the document that it is given."""
        document = ir.executor_input(task, inputs, places_of(task), is_legacy=self.is_legacy)
        work = ir.recognise(task.executor["container"])
        return ir.command_line(work.command, FACTS, document, str), document

    def given_to(self, task):
        """Answer the parameters of the run that a task is given."""
        named = {key: given.source for key, given in task.given_parameters.items()}
        return {key: self.given[s.name] for key, s in named.items() if isinstance(s, ir.InputParameter)}


def an_artifact(name, schema, **metadata):
    return ir.ArtifactValue(name=f"{STORE}/{name}", uri=f"gs://store/{name}", type=schema, metadata=metadata)


def places_of(task):
    return ir.Places(
        artifact_uris={key: f"gs://store/{task.name}/{key}" for key in task.output_artifacts},
        parameter_files={key: f"/outputs/{key}" for key in task.output_parameters},
        output_file=f"gs://store/{task.name}/executor_output.json",
        path_of=str,
    )


def option(command, name):
    return command[command.index(name) + 1] if name in command else ""


def constants_of(task):
    """Read the values that a document gives a task, as Python has them."""
    readers = {"intValue": int, "doubleValue": float, "stringValue": str}
    found = {}
    for key, source in task.get("inputs", {}).get("parameters", {}).items():
        value = source.get("runtimeValue", {})
        if "constantValue" in value:
            ((kind, content),) = value["constantValue"].items()
            found[key] = readers[kind](content)
        elif "constant" in value:
            found[key] = value["constant"]
    return found


@needs_documents
@of_each_document
def test_every_document_plans(path):
    walk = Walk(path)
    tasks = walk.spec["root"]["dag"]["tasks"]
    executors = walk.spec["deploymentSpec"]["executors"]
    drivers = {
        f"{name}.driver"
        for name, task in tasks.items()
        if "lifecycle" in executors[f"{task['componentRef']['name']}_executor"].get("container", {})
    }

    assert ir.check(walk.document) == []
    assert set(walk.plan.root.tasks) == {*tasks, *drivers}
    assert all(walk.plan.find(name) is task for name, task in walk.plan.leaves())
    assert {name for name, task in walk.plan.leaves() if task.kind == "resolver"} == {
        name for name in tasks if name.startswith("Resolver.")
    }


@needs_documents
@of_each_document
def test_every_command_and_executor_input_renders(path):
    walk = Walk(path)
    for name, task, inputs in walk.leaves():
        assert (inputs.missing, inputs.problems) == ((), ()), name
        if not task.needs_worker:
            continue
        command, document = walk.call(task, inputs)
        of = task.drives or name
        container = walk.spec["deploymentSpec"]["executors"][f"{of}_executor"]["container"]
        written = container["lifecycle"]["preCacheCheck"] if task.drives else container

        text = option(command, "--json_serialized_invocation_args")
        said = json_format.Parse(text, messages.ExecutorInput())  # nothing in it that the message does not have

        assert command == [text if word == "{{$}}" else word for word in (*written["command"], *written["args"])]
        assert command[0] == "python"
        assert json.loads(text) == document
        spec = option(command, "--json_serialized_inputs_spec_args")
        found = parameters_of(document["inputs"], spec)
        expected = constants_of(walk.spec["root"]["dag"]["tasks"][of]) | walk.given_to(task)
        assert found == expected
        assert {k: type(v) for k, v in found.items()} == {k: kind_of(task, k, v) for k, v in expected.items()}
        assert set(said.inputs.artifacts) == set(task.given_artifacts)
        for key, artifacts in said.outputs.artifacts.items():
            assert artifacts.artifacts[0].type.instance_schema.startswith("title: tfx."), key
        assert said.outputs.output_file == f"gs://store/{name}/executor_output.json"


def kind_of(task, key, value):
    return {"NUMBER_INTEGER": int, "NUMBER_DOUBLE": float, "STRING": str}[task.parameters[key].type]


@needs_documents
@pytest.mark.parametrize(
    "path", [p for p in DOCUMENTS if "full_taxi" in p.name], ids=lambda p: str(p.relative_to(FOLDER))
)
@pytest.mark.parametrize(
    ("metadata", "is_pushed"), [({"blessed": 1}, True), ({"blessed": 1.0}, True), ({"blessed": 0}, False)]
)
def test_a_model_is_pushed_when_its_blessing_says_so(path, metadata, is_pushed):
    task = Walk(path).plan.root.tasks["Pusher"]
    around = ir.Surroundings(
        parameters={},
        artifacts={},
        outputs=lambda name: ir.Outputs(
            artifacts={"model": [an_artifact("model", {})], "blessing": [an_artifact("blessing", {}, **metadata)]}
        ),
        final_status=lambda _: {},
    )

    assert ir.holds(task, ir.inputs_of(task, FACTS, around)) is is_pushed


def a_task(data, schema):
    """Make the task whose executor input a file of TFX's own tests shows."""
    kinds = {str: "STRING", int: "NUMBER_INTEGER"}
    values = data["inputs"]["parameter_values"]
    outputs = data["outputs"]["artifacts"]
    return ir.Task(
        name="Task",
        component="Task",
        display_name="Task",
        parameters={key: ir.ParameterDefinition(type=kinds[type(value)]) for key, value in values.items()},
        output_artifacts={
            key: ir.ArtifactOutput(schema=entry["artifacts"][0]["type"]) for key, entry in outputs.items()
        },
        output_parameters={key: "STRING" for key in outputs if key.startswith("test_value_artifact")},
    )


def the_inputs(data):
    return ir.TaskInputs(
        parameters=data["inputs"]["parameter_values"],
        artifacts={
            key: [
                ir.ArtifactValue(name=one["name"], uri=one["uri"], type=one["type"], metadata=one.get("metadata", {}))
                for one in entry["artifacts"]
            ]
            for key, entry in data["inputs"]["artifacts"].items()
        },
    )


def as_message(document):
    """Read an ExecutorInput as TFX does; names of outputs are the engine's to choose."""
    found = json_format.ParseDict(document, messages.ExecutorInput(), ignore_unknown_fields=True)
    for listed in found.outputs.artifacts.values():
        for artifact in listed.artifacts:
            artifact.ClearField("name")
            if not artifact.metadata.fields:
                artifact.ClearField("metadata")
    for listed in found.inputs.artifacts.values():
        for artifact in listed.artifacts:
            if not artifact.metadata.fields:
                artifact.ClearField("metadata")
    found.outputs.ClearField("parameters")
    return found


@needs_documents
@SCHEMAS
@pytest.mark.parametrize("name", ["executor_invocation.json", "executor_invocation_with_output_parameters.json"])
def test_an_executor_input_is_what_tfx_expects(name, schema):
    data = json.loads((FOLDER / "container" / name).read_text())
    data["outputs"].pop("parameters", None)
    data["inputs"].setdefault("parameters", {"key_1": {"stringValue": "value_1"}})
    task = a_task(data, schema)
    places = ir.Places(
        artifact_uris={key: entry["artifacts"][0]["uri"] for key, entry in data["outputs"]["artifacts"].items()},
        parameter_files={key: f"/outputs/{key}" for key in task.output_parameters},
        output_file=data["outputs"]["outputFile"],
        path_of=str,
    )

    document = ir.executor_input(task, the_inputs(data), places, is_legacy=schema == "2.0.0")

    expected = json.loads(json.dumps(data))
    expected["inputs"].pop("parameter_values" if schema == "2.0.0" else "parameters")
    expected["outputs"].pop("parameters", None)
    assert as_message(document) == as_message(expected)
    assert set(document["outputs"].get("parameters", {})) == set(task.output_parameters)


@needs_documents
def test_artifacts_and_parameters_are_given_as_in_tfxs_tests():
    (artifacts,) = [json.loads((FOLDER / "container" / "artifacts.json").read_text())]
    given = json.loads((FOLDER / "container" / "exec_properties.json").read_text())["inputs"]["parameter_values"]
    task = ir.Task(name="Task", component="Task", display_name="Task")
    inputs = the_inputs({"inputs": {**artifacts["inputs"], "parameter_values": given}})

    document = ir.executor_input(task, inputs, places_of(task))

    assert document["inputs"] == {**artifacts["inputs"], "parameterValues": given}


@needs_documents
def test_what_tfx_writes_is_read():
    found = ir.read_output((FOLDER / "container" / "expected_output_metadata.json").read_text())

    assert found.artifacts["blessing"][0].metadata == {
        "baseline_model_id": f"{STORE}/1",
        "blessed": 1.0,
        "current_model_id": f"{STORE}/2",
        "tfx_version": "0.123.4.dev",
    }
    assert found.artifacts["output"][0].uri == f"gs://{THEIR_BUCKET}/output/"
    assert found.parameters == {}


class Penguins:
    """A server on which an image stands for the stand-in, and runs of its pipeline."""

    def __init__(self, running, folder):
        self.running, self.folder = running, folder
        self.do("images", "bind", IMAGE, "--environment", str(environment_of(folder / "tfx")))
        self.do("storage", "buckets", "create", "gs://penguins")

    def do(self, *arguments):
        done = self.running.run(*arguments)
        assert done.returncode == 0, f"{arguments}\n{done.stdout}{done.stderr}"
        return done

    def put(self, name, text):
        (self.folder / "object").write_text(text)
        self.do("storage", "cp", str(self.folder / "object"), f"gs://penguins/{name}")

    def cat(self, uri):
        return self.do("storage", "cat", uri).stdout

    def put_data(self, name, **spans):
        """Put the schema, and what the pipeline reads of each span."""
        self.put(f"{name}/schema", "columns\n")
        for span, text in spans.items():
            self.put(f"{name}/{span}/data", text)

    def run(self, document, *options):
        """Run a document; answer its tasks by name, with what they printed as `said`."""
        path = self.folder / "job.json"
        path.write_text(json.dumps(document))
        run = self.running.json("pipelines", "run", str(path), "--wait", *options)
        assert run["state"] == "SUCCEEDED", run
        tasks = {task["name"]: {**task, "said": []} for task in run["tasks"]}
        for line in self.running.json("pipelines", "logs", run["name"].rsplit("/", 1)[1])["lines"]:
            name, _, text = line.removeprefix("[").partition("] ")
            tasks[name]["said"].append(text)
        return {name.removeprefix("tfx-dag."): task for name, task in tasks.items()} | {"run": run}


def environment_of(folder):
    """Make an environment in which TFX's modules are the stand-in's."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    for name in ("stand_in.py", "penguins.py"):
        shutil.copy(FIXTURES / name, site / name)
    v2 = site / "tfx" / "orchestration" / "kubeflow" / "v2"
    for path, function in (
        ("container/kubeflow_v2_run_executor", "run_executor"),
        ("file_based_example_gen/driver", "run_driver"),
    ):
        file = v2 / f"{path}.py"
        file.parent.mkdir(parents=True)
        file.write_text(f"from stand_in import {function}\n\nif __name__ == '__main__':\n    {function}()\n")
    return folder


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tfx")
    with server(folder / "home") as running:
        yield Penguins(running, folder)


def taken(task):
    """Answer which artifacts a task was given, by the number that each has in the store."""
    (said,) = [json.loads(line) for line in task["said"] if line.startswith("{")]
    return {key: [int(name.rsplit("/", 1)[1]) for name in names] for key, names in said["taken"].items()}


def made(task, key):
    (number,) = task["outputs"]["artifacts"][key]
    return number


def parameters(task):
    (said,) = [json.loads(line) for line in task["said"] if line.startswith("{")]
    return said["parameters"]


def test_a_pipeline_of_tfx_runs_with_its_driver_resolvers_conditions_and_exit_handler(home):
    home.put_data("data", span1="a b\n", span2="a b c d\n")
    document = penguins("gs://penguins/data", name="penguins", schema="2.0.0")

    first = home.run(document)

    generated = parameters(first["CsvExampleGen"])
    assert generated["input_config"] == '{"splits": [{"name": "all", "pattern": "span2/*"}]}'  # the driver's
    assert (generated["span"], len(generated["input_fingerprint"])) == (2, 64)  # which the component does not declare
    assert generated["output_data_format"] == 6
    assert (
        parameters(first["CsvExampleGen.driver"])["input_config"]
        == '{"splits": [{"name": "all", "pattern": "span{SPAN}/*"}]}'
    )
    assert taken(first["Trainer"]) == {  # and no model to begin with
        "examples": [made(first["CsvExampleGen"], "examples")],
        "schema": [made(first["Schema"], "result")],
    }
    assert parameters(first["Evaluator"]) == {"accuracy": 0.4, "least": 0.25}
    assert first["Announcer"]["said"] == ["accuracy 0.4"]
    assert first["Pusher"]["state"] == "SUCCEEDED"
    status = json.loads(first["Farewell"]["said"][0].removeprefix("status "))
    assert (status["state"], status["pipelineTaskName"]) == ("SUCCEEDED", "tfx-dag")

    second = home.run(document, "--parameter", "least=0.9")

    assert second["Pusher"]["state"] == "NOT_TRIGGERED"
    assert taken(second["Trainer"])["base_model"] == [made(first["Trainer"], "model")]
    assert taken(second["Evaluator"])["baseline_model"] == [made(first["Trainer"], "model")]

    third = home.run(document)

    assert taken(third["Trainer"])["base_model"] == [made(second["Trainer"], "model")]  # the latest
    assert taken(third["Evaluator"])["baseline_model"] == [made(first["Trainer"], "model")]  # the latest blessed
    assert third["Pusher"]["state"] == "SUCCEEDED"

    path = home.folder / "job.json"
    steps = {s["task"].removeprefix("tfx-dag."): s for s in home.running.json("pipelines", "plan", str(path))["steps"]}

    assert steps["Resolver.latest_model"]["decision"] == "find"
    assert steps["Resolver.latest_model"]["reason"] == f"finds model {uri_of(home, third['Trainer'], 'model')}"
    assert steps["CsvExampleGen.driver"]["reason"] == "looks before the cache is asked"


def test_a_cached_task_runs_again_when_its_driver_sees_other_data(home):
    home.put_data("cached", span1="a b c d\n")
    document = penguins("gs://penguins/cached", name="cached", schema="2.1.0", cached=True)

    first = home.run(document)
    again = home.run(document)
    home.put_data("cached", span2="a b c d e f\n")
    changed = home.run(document)

    assert [run["CsvExampleGen.driver"]["state"] for run in (first, again, changed)] == ["SUCCEEDED"] * 3
    assert [run["CsvExampleGen"]["state"] for run in (first, again, changed)] == ["SUCCEEDED", "SKIPPED", "SUCCEEDED"]
    assert parameters(changed["CsvExampleGen"])["span"] == 2
    assert parameters(changed["CsvExampleGen"])["output_data_format"] == 6
    assert parameters(changed["Evaluator"]) == {"accuracy": 0.6, "least": 0.25}
    assert home.cat(f"{uri_of(home, changed['CsvExampleGen'], 'examples')}/data") == "a b c d e f\n"


def uri_of(home, task, key):
    """Answer where an artifact is."""
    with contextlib.closing(sqlite3.connect(home.running.home / "trainshed.db")) as store:
        (uri,) = store.execute("SELECT uri FROM artifacts WHERE id = ?", (made(task, key),)).fetchone()
    return uri


def test_a_failing_driver_fails_its_task_and_says_so(home):
    document = penguins("gs://penguins/nothing-here", name="failing")
    path = home.folder / "failing.json"
    path.write_text(json.dumps(document))

    done = home.running.run("pipelines", "run", str(path), "--wait")

    assert done.returncode == 1
    assert "CsvExampleGen.driver" in done.stderr


def test_a_filter_that_cannot_be_read_is_refused_before_anything_runs(home):
    document = penguins("gs://penguins/data", name="refused")
    executors = document["pipelineSpec"]["deploymentSpec"]["executors"]
    executors["Resolver.latest_model_executor"]["resolver"]["outputArtifactQueries"]["model"]["filter"] = "colour=red"
    path = home.folder / "refused.json"
    path.write_text(json.dumps(document))

    done = home.running.run("pipelines", "plan", str(path))

    assert done.returncode == 2
    assert "task 'Resolver.latest_model' looks for its 'model' by a filter that cannot be read" in done.stderr
    assert "'colour'" in done.stderr
    assert "Traceback" not in done.stderr


@needs_documents
@pytest.mark.parametrize("verb", ["plan", "run"])
def test_the_vertex_training_of_the_penguins_is_refused_for_want_of_tfx_and_of_its_parameters(home, verb):
    path = FOLDER / "penguin-vertex-training.json"
    image = "gcr.io/fast-ai-exploration/penguin-vertex-training:1.0.0"
    before = home.running.json("pipelines", "list")

    done = home.running.run("pipelines", verb, str(path), "--parameter", "num_epochs=1")

    assert done.returncode == 2
    for name in ("CsvExampleGen", "HyperparamsGen", "Trainer", "Pusher"):
        assert f"task '{name}' runs " in done.stderr
    assert "a TFX environment is missing" in done.stderr
    assert f"trainshed images bind {image} --packages 'tfx[kfp]==1.21.0' --python 3.11" in done.stderr
    assert "glibc 2.39 or newer" in done.stderr
    assert "'utils.custom_components'" in done.stderr
    assert done.stderr.count("a TFX environment is missing") == 1
    assert "parameters.learning_rate: the pipeline needs this parameter (a number)" in done.stderr
    assert "driver" not in done.stderr
    assert "Traceback" not in done.stderr
    assert home.running.json("pipelines", "list") == before


@needs_documents
@of_each_document
def test_every_document_plans_on_the_command_line_once_its_images_are_bound(path, home, tmp_path):
    document = json.loads(path.read_text())
    executors = document["pipelineSpec"]["deploymentSpec"]["executors"]
    for executor in executors.values():
        if "container" in executor:
            executor["container"]["image"] = IMAGE
    file = tmp_path / "job.json"
    file.write_text(json.dumps(document))
    given = [f"--parameter={name}={value}" for name, value in PLAIN.get(path.name, {}).items()]

    steps = home.running.json("pipelines", "plan", str(file), *given)["steps"]

    drivers = sum("lifecycle" in executor.get("container", {}) for executor in executors.values())
    assert len(steps) == len(document["pipelineSpec"]["root"]["dag"]["tasks"]) + drivers
