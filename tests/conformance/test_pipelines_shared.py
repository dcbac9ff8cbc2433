"""Pipelines of other projects with stated results, by the command line against a real server.

Each case by name: `pytest tests/conformance/test_pipelines_shared.py -k NAME`. They skip, saying so, where the folder is
missing (TRAINSHED_CONFORMANCE names another).
"""

import ast
import json
import os
import re
from pathlib import Path

import pytest
from conformance.outcomes import Comparison, Stand

from trainshed.testing import server

FOLDER = Path(os.environ.get("TRAINSHED_CONFORMANCE", Path(__file__).parents[3] / "shared" / "conformance"))
# A pinned kfp is what the task sees (the README's rule 13), so this one fails as its `alt` says: Artifact.set_path came
# with kfp 2.15 and the component pins 2.14.6.
PINS_AN_OLD_KFP = "critical/pipeline_with_artifact_custom_path"
# What the statement has from the runner that it was taken from: the name of its run, and its words for a failure.
OF_THE_RUNNER = [
    (re.compile(r"[^\s']*pipeline-with-task-final-status[-\w]*"), "<job>"),
    (re.compile(r"(?<=Error message: ) .*"), "<message>"),
]
OF_A_STATUS = ("state", "pipelineJobResourceName", "pipelineTaskName", "error")  # what both tell
# A task's own name for an artifact is its resource name, as on Vertex; the runner had none.
TELLS_NAMES = re.compile("comp-print-artifact-name(-2)?")
# An integer that a placeholder puts into an importer's metadata stays one or becomes text: the statement takes both.
TAKES_TEXT_FOR_A_NUMBER = "pipeline_with_dynamic_importer_metadata"


def cases():
    found = []
    for suite in ("kfp", "kfp_local"):
        path = FOLDER / suite / "cases.json"
        if path.exists():
            found += [{**c, "file": FOLDER / suite / c["path"]} for c in json.loads(path.read_text())["cases"]]
    return found


CASES = cases()


@pytest.fixture(scope="module")
def stand(make_home, tmp_path_factory):
    with server(make_home(), TRAINSHED_EVAL_VAR="eval-value", TRAINSHED_ENGINE="none") as running:  # as stated
        yield Stand(running, tmp_path_factory.mktemp("commands"))


@pytest.fixture
def note(record_property):
    return lambda outcome: record_property("conformance", ("shared", outcome))


def filled(value, folder):
    """Put a fresh folder in the place of `${TMP}`."""
    if isinstance(value, str):
        return value.replace("${TMP}", str(folder))
    if isinstance(value, dict):
        return {filled(k, folder): filled(v, folder) for k, v in value.items()}
    return value


@pytest.mark.skipif(not CASES, reason=f"the shared pipelines are not in {FOLDER}")
@pytest.mark.parametrize("case", CASES, ids=lambda c: c["name"].replace("local_tests/", ""))
def test_a_shared_pipeline_comes_out_as_stated(case, stand, note, tmp_path):
    if case["expect"] == "skip":
        note("skipped: they need the network")
        pytest.skip(f"needs the network: {case['reason']}")
    comparison = Comparison(stand)
    if case["expect"] in {"refuse", "input_error"}:
        is_refused_as_stated(case, stand, comparison, tmp_path)
    for step in case.get("runs", [case]) if case["expect"] not in {"refuse", "input_error"} else ():
        ends_as_stated(case, step, stand, comparison, tmp_path)
    comparison.check()
    note(
        {"refuse": "refused", "input_error": "input refused", "fail": "failed"}.get(case["expect"], "ran")
        + " as stated"
    )


def is_refused_as_stated(case, stand, comparison, folder):
    """Nothing was started, and what was said names the culprit."""
    before = stand.newest()
    outcome = stand.run(case["file"], filled(case.get("arguments", {}), folder))
    comparison.equal("exit code", 2, outcome.code)
    comparison.equal("newest run", before, stand.newest())
    wanted = case.get("refuse_tasks") or case.get("error_names") or case.get("missing") or []
    names = [name.replace("/", ".") for name in wanted]
    if names and not any(re.search(rf"(?<![-\w]){re.escape(name)}(?![-\w])", outcome.said) for name in names):
        comparison.say("what it says names one of", names, outcome.said)
    if not outcome.said.strip() or "Traceback" in outcome.said:
        comparison.say("what it says", "a sentence", outcome.said)


def ends_as_stated(case, step, stand, comparison, folder):
    expect = step["expect"]
    if case["name"] == PINS_AN_OLD_KFP:
        step = {**case["alt"], "arguments": {}}
        expect = step["expect"]
    caching = () if case.get("engine_options", {}).get("caching") else ("--no-caching",)
    arguments = filled(step["arguments"], folder)
    outcome = stand.run(case["file"], arguments, *caching)
    state = outcome.run.get("state", "not started")
    if state != {"succeed": "SUCCEEDED", "fail": "FAILED"}[expect]:
        comparison.say("state", expect, [state, outcome.said])
        return
    comparison.equal("exit code", 0 if expect == "succeed" else 1, outcome.code)
    if "expected_outputs" in step:
        comparison.values("outputs", step["expected_outputs"], outcome.outputs)
    if "expected_outputs_one_of" in step and outcome.outputs not in step["expected_outputs_one_of"]:
        comparison.say("outputs: one of", step["expected_outputs_one_of"], outcome.outputs)
    did_what_was_stated(step, outcome, comparison)
    gave_and_printed_what_was_stated(step, outcome, stand, comparison)
    for path, content in filled(step.get("expected_files") or {}, folder).items():
        file = Path(arguments.get(path, path))
        comparison.equal(str(file), content, file.read_text() if file.exists() else None)


def did_what_was_stated(step, outcome, comparison):
    """Compare which tasks ran, failed, or were passed over."""
    executed = outcome.executed()
    if "expected_tasks" in step:
        comparison.equal("tasks that ran", step["expected_tasks"], dict(executed))
    if "expected_executions" in step:
        comparison.equal("executions", step["expected_executions"], dict(outcome.executions()))
    if "expected_tasks_one_of" in step and dict(executed) not in step["expected_tasks_one_of"]:
        comparison.say("tasks that ran: one of", step["expected_tasks_one_of"], dict(executed))
    if "fail_tasks" in step:
        comparison.equal("tasks that failed", set(step["fail_tasks"]), outcome.in_state("FAILED"))
        if not any(name in outcome.said for name in step["fail_tasks"]):
            comparison.say("what it says names one of", step["fail_tasks"], outcome.said)
    missing = {f"comp-{name}" for name in step.get("must_run", ())} - set(executed)
    comparison.equal("tasks that had to run and did not", set(), missing)
    for path, count in step.get("expected_not_run", {}).items():
        comparison.equal(f"{path} not triggered", count, outcome.states().get(path, {}).get("NOT_TRIGGERED", 0))


def gave_and_printed_what_was_stated(step, outcome, stand, comparison):
    """Compare each task's outputs, and what it wrote."""
    given = stand.task_outputs(outcome) if "expected_task_outputs" in step else {}
    for component, expected in step.get("expected_task_outputs", {}).items():
        found = given.get(component, [])
        if step.get("name") == TAKES_TEXT_FOR_A_NUMBER:
            found = json.loads(json.dumps(found).replace('"1"]', "1]"))
        if TELLS_NAMES.fullmatch(component):
            found = [{"Output": ""} for _ in found]
        comparison.multiset(f"outputs of {component}", expected, found)
    printed = stand.logs(outcome) if "expected_stdout" in step else {}
    for component, expected in step.get("expected_stdout", {}).items():
        wanted, found = (
            [[plain(line) for line in task] for task in tasks] for tasks in (expected, printed.get(component, []))
        )
        comparison.multiset(f"printed by {component}", wanted, found, is_same=is_within)


def plain(line):
    """Take out what depends on the runner; a printed mapping loses its order and the message in it."""
    for pattern, instead in OF_THE_RUNNER:
        line = pattern.sub(instead, line)
    before, brace, mapping = line.partition("{")
    if "'message'" not in mapping:
        return line
    status = ast.literal_eval(brace + mapping)
    status["error"]["message"] = "<message>"
    return before + json.dumps({key: status[key] for key in OF_A_STATUS if key in status})


def is_within(expected, found):
    """Whether lines stand among others, in order: a failing task also prints its traceback."""
    left = iter(found)
    return all(line in left for line in expected)
