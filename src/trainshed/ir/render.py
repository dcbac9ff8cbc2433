"""A task's inputs from what exists, its ExecutorInput, and its command with every placeholder filled in."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from trainshed.ir.model import (
    ABSENT,
    ArtifactValue,
    Constant,
    RunParameter,
    Source,
    Task,
)

_PLACEHOLDER = re.compile(r"\{\{\$(.*?)\}\}", re.DOTALL)
_INPUT = re.compile(r"\.inputs\.parameters\[['\"](.+?)['\"]\]")
_ARTIFACT = re.compile(r"\.(inputs|outputs)\.artifacts\[['\"](.+?)['\"]\](?:\.(\w+)(?:\[['\"](.+?)['\"]\])?)?")
_OUTPUT_FILE = re.compile(r"\.outputs\.parameters\[['\"](.+?)['\"]\]\.output_file")


@dataclass(frozen=True, kw_only=True)
class RunFacts:
    """What placeholders may say about the run and the task."""

    job_name: str
    resource_name: str
    job_uuid: str
    root: str
    create_time: str
    schedule_time: str
    task_name: str = ""
    task_id: str = ""


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What a finished task gave."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, Sequence[ArtifactValue]] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class TaskInputs:
    """What a task gets; absent optional inputs are not in here."""

    parameters: Mapping[str, Any]
    artifacts: Mapping[str, Sequence[ArtifactValue]]
    missing: tuple[str, ...] = ()  # required inputs that nothing gave


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a task finds and leaves its files."""

    artifact_uris: Mapping[str, str]  # of its outputs
    parameter_files: Mapping[str, str]
    output_file: str
    path_of: Callable[[str], str]  # URI -> local path


def inputs_of(
    task: Task, facts: RunFacts, parameters: Mapping[str, Any], outputs: Callable[[str], Outputs]
) -> TaskInputs:
    """Take each input from its first source that has a value."""
    values: dict[str, Any] = {}
    missing: list[str] = []
    for key, wanted in task.parameters.items():
        value = _first(wanted.sources, facts, parameters, outputs)
        if value is not ABSENT:
            values[key] = value
        elif not wanted.is_optional:
            missing.append(key)
    artifacts: dict[str, Sequence[ArtifactValue]] = {}
    for key, taken in task.artifacts.items():
        found = [a for s in taken.sources for a in outputs(s.task).artifacts.get(s.key, ())]
        if found:
            artifacts[key] = found
        elif not taken.is_optional:
            missing.append(key)
    return TaskInputs(parameters=values, artifacts=artifacts, missing=tuple(missing))


def executor_input(task: Task, inputs: TaskInputs, places: Places, *, is_legacy: bool = False) -> dict[str, Any]:
    """Build the document that KFP's executor and TFX's container entry point read."""
    given: dict[str, Any] = {"parameterValues": dict(inputs.parameters)}
    if is_legacy:  # schema 2.0.0
        given = {"parameters": {k: _legacy_value(v) for k, v in inputs.parameters.items()}}
    if inputs.artifacts:
        given["artifacts"] = {k: {"artifacts": [a.to_json() for a in v]} for k, v in inputs.artifacts.items()}
    made: dict[str, Any] = {"outputFile": places.output_file}
    if task.output_parameters:
        made["parameters"] = {k: {"outputFile": places.parameter_files[k]} for k in task.output_parameters}
    if task.output_artifacts:
        made["artifacts"] = {k: {"artifacts": [_made(k, task, places)]} for k in task.output_artifacts}
    return {"inputs": given, "outputs": made}


def resolve(text: str, facts: RunFacts, document: Mapping[str, Any], path_of: Callable[[str], str]) -> str:
    """Fill in the placeholders of one string from an ExecutorInput."""

    def replaced(match: re.Match[str]) -> str:
        value = _lookup(match[1], facts, document, path_of)
        return match[0] if value is ABSENT else as_text(value)

    return _PLACEHOLDER.sub(replaced, text)


def command_line(
    words: Sequence[str], facts: RunFacts, document: Mapping[str, Any], path_of: Callable[[str], str]
) -> list[str]:
    """Fill in a whole command: concatenations and conditional arguments become the words they stand for."""
    present = set(document["inputs"].get("parameterValues", {})) | set(document["inputs"].get("artifacts", {}))
    present |= set(document["inputs"].get("parameters", {}))
    expanded = [piece for word in words for piece in _expand(word, present)]
    return [resolve(piece, facts, document, path_of) for piece in expanded]


def as_text(value: Any) -> str:
    """Write a value into text: whole numbers without a fraction, structures as JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return json.dumps(value, ensure_ascii=False)


def _first(
    sources: Sequence[Source], facts: RunFacts, parameters: Mapping[str, Any], outputs: Callable[[str], Outputs]
) -> Any:
    for source in sources:
        if isinstance(source, Constant):
            value = _constant(source, facts, parameters, outputs)
        elif isinstance(source, RunParameter):
            value = _filled(parameters.get(source.name, ABSENT), facts)
        else:
            value = outputs(source.task).parameters.get(source.key, ABSENT)
        if value is not ABSENT:
            return value
    return ABSENT


def _constant(
    constant: Constant, facts: RunFacts, parameters: Mapping[str, Any], outputs: Callable[[str], Outputs]
) -> Any:
    def value_of(expression: str) -> Any:
        named = _INPUT.fullmatch(expression)
        if named is None:
            return _of_run(expression, facts)
        value = _first(constant.scope.get(named[1], ()), facts, parameters, outputs)
        return "" if value is ABSENT else value

    return _deep(constant.value, value_of)


def _deep(value: Any, value_of: Callable[[str], Any]) -> Any:
    """Fill in placeholders wherever they stand in a value; an element that is nothing else keeps its value's type."""
    if isinstance(value, list):
        return [_element(each, value_of) for each in value]
    if isinstance(value, dict):
        return {_deep(key, value_of): _element(each, value_of) for key, each in value.items()}
    if not isinstance(value, str) or "{{$" not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        found = value_of(match[1])
        return match[0] if found is ABSENT else as_text(found)

    return _PLACEHOLDER.sub(replaced, value)


def _element(value: Any, value_of: Callable[[str], Any]) -> Any:
    whole = _PLACEHOLDER.fullmatch(value) if isinstance(value, str) else None
    if whole is not None and "{{" not in whole[1]:
        found = value_of(whole[1])
        return value if found is ABSENT else found
    return _deep(value, value_of)


def _filled(value: Any, facts: RunFacts) -> Any:
    """Fill in what a run's parameter says about the run and the task."""
    if not isinstance(value, str) or "{{$." not in value:
        return value

    def replaced(match: re.Match[str]) -> str:
        known = _of_run(match[1], facts)
        return match[0] if known is ABSENT else str(known)

    return _PLACEHOLDER.sub(replaced, value)


def _of_run(expression: str, facts: RunFacts) -> Any:
    known = {
        ".pipeline_job_name": facts.job_name,
        ".pipeline_job_resource_name": facts.resource_name,
        ".pipeline_job_uuid": facts.job_uuid,
        ".pipeline_job_create_time_utc": facts.create_time,
        ".pipeline_job_schedule_time_utc": facts.schedule_time,
        ".pipeline_root": facts.root,
        ".pipeline_task_name": facts.task_name,
        ".pipeline_task_uuid": facts.task_id,
    }
    return known.get(expression, ABSENT)


def _lookup(expression: str, facts: RunFacts, document: Mapping[str, Any], path_of: Callable[[str], str]) -> Any:
    if not expression:
        return json.dumps(document, ensure_ascii=False)
    given = document["inputs"]
    if match := _INPUT.fullmatch(expression):
        values = given.get("parameterValues") or {
            k: next(iter(v.values())) for k, v in given.get("parameters", {}).items()
        }
        return values.get(match[1], "")
    if match := _OUTPUT_FILE.fullmatch(expression):
        return document["outputs"].get("parameters", {}).get(match[1], {}).get("outputFile", ABSENT)
    if match := _ARTIFACT.fullmatch(expression):
        side, name, attribute, key = match.groups()
        found = document[side].get("artifacts", {}).get(name, {}).get("artifacts", [])
        return _of_artifact(found[0], attribute, key, path_of) if found else ""
    return _of_run(expression, facts)


def _of_artifact(
    artifact: Mapping[str, Any], attribute: str | None, key: str | None, path_of: Callable[[str], str]
) -> Any:
    match attribute:
        case "path":
            return path_of(artifact["uri"])
        case "metadata":
            return artifact["metadata"].get(key, "") if key else artifact["metadata"]
        case None:
            return artifact
        case _:
            return artifact.get(attribute, ABSENT)


def _expand(word: str, present: set[str]) -> list[str]:
    """Read KFP's structured placeholders, which the compiler writes as JSON inside the word."""
    if not word.startswith(('{"Concat":', '{"IfPresent":')):
        return [word]
    try:
        return _pieces(json.loads(word), present)
    except (ValueError, KeyError, TypeError, AttributeError):
        return [word]


def _pieces(node: Any, present: set[str]) -> list[str]:
    if isinstance(node, str):
        return [node]
    if isinstance(node, list):
        return [piece for child in node for piece in _pieces(child, present)]
    if "Concat" in node:
        return ["".join(_pieces(node["Concat"], present))]
    branch = node["IfPresent"]
    chosen = branch["Then"] if branch["InputName"] in present else branch.get("Else", [])
    return _pieces(chosen, present)


def _legacy_value(value: Any) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return {"stringValue": as_text(value)}
    return {"intValue": str(value)} if isinstance(value, int) else {"doubleValue": value}


def _made(key: str, task: Task, places: Places) -> dict[str, Any]:
    output = task.output_artifacts[key]
    return {
        "name": key,
        "uri": places.artifact_uris[key],
        "type": dict(output.schema),
        "metadata": dict(output.metadata),
    }
