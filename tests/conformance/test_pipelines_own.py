"""Pipelines of our own, written with the kfp SDK, by feature; what each comes to was derived by hand and stands with it.

A module in `own/` has pipelines and CASES, plain data that is read without running the module. Of a case:
`pipeline` (the function), `arguments`, `options` (of the command), `ends` (SUCCEEDED when not said; REFUSED: nothing is
started), `outputs` (all of the pipeline's own), `ran` (leaf tasks by path, iterations as `[*]`: exactly these),
`not_triggered`, `attempts`, `failed` (exactly these), `printed` (by path, in any order), `given` (a task's outputs),
`asked` (cores and bytes), `says` (pattern of what the command says), `files` (what they hold then). Before: `write`
(files), `objects`, `secrets`, `platform` (executors of a Kubernetes platform spec). `runs`: several, one after the other.
EDITS change what the SDK cannot write: pipeline → path in the document → value.
"""

import ast
import json
import os
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from conformance.outcomes import Comparison, Stand

from trainshed.testing import server

FOLDER = Path(__file__).parent / "own"
IMAGE = "example.com/own/tools*"  # stands for our own environment
COMPILE = """
import importlib.util, sys
from pathlib import Path
from kfp import compiler

for name in sys.argv[2:]:
    module, _, pipeline = name.partition(".")
    if module not in sys.modules:
        spec = importlib.util.spec_from_file_location(module, Path(sys.argv[1]) / f"{module}.py")
        sys.modules[module] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[module])
    compiler.Compiler().compile(getattr(sys.modules[module], pipeline), f"{name}.yaml")
"""


def literal(module, name):
    """Read a constant of a module without running it."""
    for node in ast.parse((FOLDER / f"{module}.py").read_text()).body:
        if isinstance(node, ast.Assign) and node.targets[0].id == name:
            return ast.literal_eval(node.value)
    return None


MODULES = sorted(path.stem for path in FOLDER.glob("*.py"))
CASES = [case | {"module": module} for module in MODULES for case in literal(module, "CASES")]
EDITS = {f"{module}.{name}": edits for module in MODULES for name, edits in (literal(module, "EDITS") or {}).items()}


def full_name(case):
    return f"{case['module']}.{case['pipeline']}"


@pytest.fixture(scope="module")
def compiled(once):
    """Compile everything, once for all processes of the tests; answer where each document is."""
    return once("pipelines-of-our-own", compile_all)


def compile_all(folder):
    names = sorted({full_name(case) for case in CASES})
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", COMPILE, str(FOLDER), *names], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    for name, edits in EDITS.items():
        path = folder / f"{name}.yaml"
        documents = list(yaml.safe_load_all(path.read_text()))
        for place, value in edits.items():
            *above, last = place.split(".")
            holder = documents[0]
            for key in above:
                holder = holder[key]
            holder[last] = value
        path.write_text(yaml.safe_dump_all(documents))


@pytest.fixture(scope="module")
def stand(make_home, tmp_path_factory):
    with server(make_home(), TRAINSHED_ENGINE="none") as running:
        assert running.run("images", "bind", IMAGE, "--environment", sys.prefix).returncode == 0
        yield Stand(running, tmp_path_factory.mktemp("commands"))


def cases():
    counts = Counter()
    for case in CASES:
        counts[full_name(case)] += 1
        number = f"-{counts[full_name(case)]}" if counts[full_name(case)] > 1 else ""
        marks = [pytest.mark.slow] if case.get("is_slow") else []
        yield pytest.param(case, id=full_name(case) + number, marks=marks)


def filled(value, folder):
    if isinstance(value, str):
        return value.replace("${TMP}", str(folder))
    if isinstance(value, dict):
        return {filled(key, folder): filled(each, folder) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, folder) for each in value]
    return value


@pytest.mark.parametrize("case", list(cases()))
def test_a_pipeline_of_our_own_comes_out_as_derived(case, compiled, stand, record_property, tmp_path):
    case = filled(case, tmp_path)
    spec = prepared(case, compiled / f"{full_name(case)}.yaml", stand, tmp_path)
    comparison = Comparison(stand)
    for number, step in enumerate(case.get("runs", [case])):
        caching = () if "runs" in case else ("--no-caching",)
        before = stand.newest() if step.get("ends") == "REFUSED" else ""
        outcome = stand.run(spec, step.get("arguments", {}), *caching, *step.get("options", ()))
        if step.get("ends") == "REFUSED":
            comparison.equal("exit code", 2, outcome.code)
            comparison.equal("newest run", before, stand.newest())
            says(step, outcome, comparison)
        else:
            ended(step, outcome, comparison, f"run {number + 1}: " if "runs" in case else "")
            wrote(step, outcome, stand, comparison)
    for path, content in case.get("files", {}).items():
        comparison.equal(path, content, Path(path).read_text() if Path(path).exists() else None)
    comparison.check()
    record_property("conformance", ("own", "came out as derived"))


def prepared(case, spec, stand, folder):
    """Put in place what a case begins with; answer the document to run."""
    for path, text in case.get("write", {}).items():
        Path(path).write_text(text)
    for uri, text in case.get("objects", {}).items():
        (folder / "object").write_text(text)
        stand.running.run("storage", "buckets", "create", uri.split("/")[2])
        assert stand.running.run("storage", "cp", str(folder / "object"), uri).returncode == 0
    for name, values in case.get("secrets", {}).items():
        (stand.running.home / "secrets" / name).mkdir(parents=True)
        for key, value in values.items():
            (stand.running.home / "secrets" / name / key).write_text(value)
            (stand.running.home / "secrets" / name / key).chmod(0o600)
    if "platform" not in case:
        return spec
    platform = {"platforms": {"kubernetes": {"deploymentSpec": {"executors": case["platform"]}}}}
    with_platform = folder / "with_platform.yaml"
    with_platform.write_text(spec.read_text() + "---\n" + yaml.safe_dump(platform))
    return with_platform


def by_path(outcome, *states):
    """Group the leaf tasks in some states by their paths."""
    found = {}
    for _, task in outcome.leaves():
        if task["state"] in states:
            path = re.sub(r"\[\d+\]", "[*]", task["name"]).replace(".", "/")
            found.setdefault(path, []).append(task)
    return found


def ended(step, outcome, comparison, where):
    """Compare how it ended, what it gave, and which tasks had a part in it."""
    state = step.get("ends", "SUCCEEDED")
    if outcome.run.get("state") != state:
        comparison.say(f"{where}state", state, [outcome.run.get("state"), outcome.said])
        return
    comparison.equal(f"{where}exit code", 0 if state == "SUCCEEDED" else 1, outcome.code)
    says(step, outcome, comparison)
    if "outputs" in step:
        comparison.values(f"{where}outputs", step["outputs"], outcome.outputs)
    done = by_path(outcome, "SUCCEEDED", "FAILED")
    ran = {path: [task for task in tasks if not task["cachedFrom"]] for path, tasks in done.items()}
    if "ran" in step:
        comparison.equal(f"{where}ran", step["ran"], {path: len(tasks) for path, tasks in ran.items() if tasks})
    if "failed" in step:
        comparison.equal(f"{where}failed", sorted(step["failed"]), sorted(by_path(outcome, "FAILED")))
    for path, count in step.get("attempts", {}).items():
        comparison.equal(f"{where}{path}: attempts", count, sum(len(task["attempts"]) for task in ran.get(path, ())))
    for path, count in step.get("not_triggered", {}).items():
        found = outcome.states().get(path, {}).get("NOT_TRIGGERED", 0)
        comparison.equal(f"{where}{path}: not triggered", count, found)
    for path, wanted in step.get("asked", {}).items():
        comparison.equal(f"{where}{path}: asked", wanted, [ran[path][0]["cpus"], ran[path][0]["memoryBytes"]])


def wrote(step, outcome, stand, comparison):
    """Compare what tasks printed and gave."""
    if "printed" in step and outcome.run:
        lines = {}
        for line in stand.asked("pipelines", "logs", outcome.job)["lines"]:
            name, _, text = line.removeprefix("[").partition("] ")
            lines.setdefault(name, []).append(text)
        done = by_path(outcome, "SUCCEEDED", "FAILED")
        for path, expected in step["printed"].items():
            found = [lines.get(task["name"], []) for task in done.get(path, ())]
            comparison.multiset(f"printed by {path}", expected, found)
    if "given" in step:
        given = {
            path: [task["outputs"]["parameters"] for task in tasks]
            for path, tasks in by_path(outcome, "SUCCEEDED").items()
        }
        for path, expected in step["given"].items():
            comparison.multiset(f"given by {path}", expected, given.get(path, []))


def says(step, outcome, comparison):
    if "Traceback" in outcome.said.split("\n")[0] or not re.search(step.get("says", ""), outcome.said):
        comparison.say("what it says", step.get("says"), outcome.said)


def test_a_containerised_component_runs_in_the_image_that_a_build_made(stand, tmp_path):
    image = FOLDER / "image"
    spec = tmp_path / "app.greetings.yaml"
    environment = os.environ | {"PYTHONPATH": str(image), "PYTHONDONTWRITEBYTECODE": "1"}
    command = [sys.executable, "-W", "ignore", "-c", COMPILE, str(image), "app.greetings"]
    subprocess.run(command, cwd=tmp_path, env=environment, check=True)
    before = stand.run(spec, {})
    built = stand.running.run("builds", "submit", str(image), "--tag", "example.com/own/app:1")
    assert built.returncode == 0, built.stderr

    outcome = stand.run(spec, {}, "--no-caching")

    assert (before.code, before.run) == (2, {})
    assert "example.com/own/app:1" in before.said
    assert outcome.outputs == {"Output": ["hello a", "hello b"]}, outcome.said


FORMS = {
    "spec.json": json.dumps,
    "job.json": lambda spec: json.dumps(
        {"displayName": "d", "pipelineSpec": spec, "runtimeConfig": {"parameterValues": {"points": 95}}}
    ),
    "job.yaml": lambda spec: yaml.safe_dump(
        {"pipeline_spec": spec, "runtime_config": {"parameters": {"points": {"intValue": "95"}}}}
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_document_may_come_in_every_form(form, compiled, stand, tmp_path):
    spec = yaml.safe_load((compiled / "conditions.grade.yaml").read_text())
    (tmp_path / form).write_text(FORMS[form](spec))
    given = {"points": 95} if form.startswith("spec") else {}

    assert stand.run(tmp_path / form, given).outputs == {"Output": "A"}


def test_every_module_has_cases_for_all_its_pipelines():
    for module in MODULES:
        tree = ast.parse((FOLDER / f"{module}.py").read_text())
        called = {n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)}
        pipelines = {
            node.name
            for node in tree.body
            if isinstance(node, ast.FunctionDef) and any("pipeline" in ast.unparse(d) for d in node.decorator_list)
        }
        stated = {case["pipeline"] for case in literal(module, "CASES")}
        assert pipelines - called <= stated, module
        assert stated <= pipelines, module


def test_what_is_stated_is_plain_data():
    assert json.loads(json.dumps(CASES)) == CASES
