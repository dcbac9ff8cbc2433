"""Job specs of kfp 1.8 (schema 2.0.0): typed values, conditions on them, loops, exit handlers, its own executor."""

import json

import pytest

from trainshed.testing import server

INSTALL = "python3 -m pip install --quiet --no-warn-script-location 'kfp==1.8.22' 'setuptools<81' && \"$0\" \"$@\""
RUN = (
    'program_path=$(mktemp -d)\nprintf "%s" "$0" > "$program_path/ephemeral_component.py"\n'
    'python3 -m kfp.v2.components.executor_main --component_module_path "$program_path/ephemeral_component.py" "$@"\n'
)
HEAD = "import kfp\nfrom kfp.v2 import dsl\nfrom kfp.v2.dsl import *\nfrom typing import *\n\n"
MAKE = """
def make(n: int, rate: float, items: list, conf: dict, data: Output[Dataset]) -> NamedTuple("Made", [("total", int), ("half", float), ("rows", list)]):
    assert (type(n), type(rate), type(items), type(conf)) == (int, float, list, dict)
    with open(data.path, "w") as file:
        file.write(f"{n} {rate} {items} {conf}")
    data.metadata["rows"] = n
    return n * 2, n / 2, [n]
"""
SHOW = """
def show(data: Input[Dataset], total: int, half: float, rows: list) -> str:
    return f"{open(data.path).read()} | {total} {half} {rows} {data.metadata}"
"""
ONE = """
def one(x: int) -> int:
    return x
"""
BYE = """
def bye(word: str):
    print(word)
"""
KINDS = {"n": "INT", "total": "INT", "x": "INT", "rate": "DOUBLE", "half": "DOUBLE"}
DATASET = {"artifactType": {"schemaTitle": "system.Dataset", "schemaVersion": "0.0.1"}}


def parameters(*names):
    return {"parameters": {name: {"type": KINDS.get(name.rpartition("-")[2], "STRING")} for name in names}}


def component(source, *, takes, gives=(), reads=(), makes=()):
    name = source.split("(")[0].split()[-1]
    command = ["sh", "-c", INSTALL, "sh", "-ec", RUN, HEAD + source]
    arguments = ["--executor_input", "{{$}}", "--function_to_execute", name]
    inputs = {**parameters(*takes), "artifacts": dict.fromkeys(reads, DATASET)}
    outputs = {**parameters(*gives), "artifacts": dict.fromkeys(makes, DATASET)}
    defined = {"executorLabel": f"exec-{name}", "inputDefinitions": inputs, "outputDefinitions": outputs}
    return defined, {"container": {"image": "python:3.9", "command": command, "args": arguments}}


def task(name, given, *, artifacts=None, after=(), **more):
    inputs = {"parameters": given, "artifacts": artifacts or {}}
    return {
        "taskInfo": {"name": name}, "componentRef": {"name": f"comp-{name}"}, "inputs": inputs,
        "dependentTasks": list(after), **more,
    }  # fmt: skip


def of(producer, key, kind="Parameter"):
    return {f"taskOutput{kind}": {"producerTask": producer, f"output{kind}Key": key}}


def outer(name):
    return {"componentInputParameter": name}


def a_job():
    defined = {
        "make": component(MAKE, takes=("n", "rate", "items", "conf"), gives=("total", "half", "rows"), makes=("data",)),
        "show": component(SHOW, takes=("total", "half", "rows"), gives=("Output",), reads=("data",)),
        "one": component(ONE, takes=("x",), gives=("Output",)),
        "bye": component(BYE, takes=("word",)),
    }
    given = ("n", "rate", "items", "conf")
    inside = {
        "make": task("make", {name: outer(f"pipelineparam--{name}") for name in given}),
        "show": task(
            "show",
            {key: of("make", key) for key in ("total", "half", "rows")},
            artifacts={"data": of("make", "data", "Artifact")},
        ),
    }
    total = {"pipelineparam--make-total": of("make", "total")}
    for number, sign in (("2", "=="), ("3", ">")):
        condition = f"inputs.parameters['pipelineparam--make-total'].int_value {sign} 6"
        policy = {"condition": condition}
        inside[f"condition-{number}"] = task(f"condition-{number}", total, after=("make",), triggerPolicy=policy)
    inside["for-loop-5"] = task(
        "for-loop-5", {}, parameterIterator={"itemInput": "pipelineparam--item-x", "items": {"raw": "[7, 8]"}}
    )
    dags = {
        "exit-handler-1": (inside, [f"pipelineparam--{name}" for name in given]),
        "condition-2": ({"one": task("one", {"x": outer("pipelineparam--make-total")})}, [*total]),
        "condition-3": ({"one": task("one", {"x": outer("pipelineparam--make-total")})}, [*total]),
        "for-loop-5": ({"one": task("one", {"x": outer("pipelineparam--item-x")})}, ["pipelineparam--item-x"]),
    }
    word = {"word": {"runtimeValue": {"constantValue": {"stringValue": "bye"}}}}
    policy = {"strategy": "ALL_UPSTREAM_TASKS_COMPLETED"}
    root = {
        "exit-handler-1": task("exit-handler-1", {f"pipelineparam--{name}": outer(name) for name in given}),
        "bye": task("bye", word, after=("exit-handler-1",), triggerPolicy=policy),
    }
    nested = {f"comp-{k}": {"dag": {"tasks": t}, "inputDefinitions": parameters(*p)} for k, (t, p) in dags.items()}
    spec = {
        "schemaVersion": "2.0.0",
        "sdkVersion": "kfp-1.8.22",
        "pipelineInfo": {"name": "old-style"},
        "root": {"dag": {"tasks": root}, "inputDefinitions": parameters(*given)},
        "components": {**{f"comp-{name}": one for name, (one, _) in defined.items()}, **nested},
        "deploymentSpec": {"executors": {f"exec-{name}": executor for name, (_, executor) in defined.items()}},
    }
    values = {
        "n": {"intValue": "3"},
        "rate": {"doubleValue": 0.5},
        "items": {"stringValue": "[1, 2]"},
        "conf": {"stringValue": '{"k": 1}'},
    }
    return {"pipelineSpec": spec, "runtimeConfig": {"gcsOutputDirectory": "gs://old/root", "parameters": values}}


@pytest.fixture(scope="module")
def running(make_home):
    with server(make_home()) as started:
        yield started


def test_a_job_of_kfp_one_runs_with_its_own_executor(running, tmp_path):
    path = tmp_path / "job.json"
    path.write_text(json.dumps(a_job()))

    run = running.json("pipelines", "run", str(path), "--wait")

    tasks = {task["name"].removeprefix("exit-handler-1."): task for task in run["tasks"]}
    states = {name: task["state"] for name, task in tasks.items()}
    assert run["state"] == "SUCCEEDED", states
    given = {name: (task["outputs"] or {}).get("parameters") for name, task in tasks.items()}
    assert given["make"] == {"total": 6, "half": 1.5, "rows": "[3]"}
    assert given["show"] == {"Output": "3 0.5 [1, 2] {'k': 1} | 6 1.5 [3] {'rows': 3}"}
    assert states["condition-3"] == "NOT_TRIGGERED"
    assert given["condition-2.one"] == {"Output": 6}
    assert [given[f"for-loop-5[{i}].one"] for i in (0, 1)] == [{"Output": 7}, {"Output": 8}]
    assert states["bye"] == "SUCCEEDED"
