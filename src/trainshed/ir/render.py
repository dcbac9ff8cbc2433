"""A task's ExecutorInput, and its command, image and environment with every placeholder filled in."""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from trainshed.ir.flow import TaskInputs
from trainshed.ir.model import ABSENT, Constant, Resources, Task
from trainshed.ir.resources import resources
from trainshed.ir.values import INPUT_PARAMETER, PLACEHOLDER, RunFacts, as_text, filled_text, of_run

_ARTIFACT = re.compile(
    r"\.(inputs|outputs)\.artifacts\[['\"](.+?)['\"]\](?:\.artifacts\[(\d+)\])?(?:\.(\w+)(?:\[['\"](.+?)['\"]\])?)?"
)
_OUTPUT_FILE = re.compile(r"\.outputs\.parameters\[['\"](.+?)['\"]\]\.output_file")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where a task finds and leaves its files."""

    artifact_uris: Mapping[str, str]  # of its outputs
    parameter_files: Mapping[str, str]
    output_file: str
    path_of: Callable[[str], str]  # URI -> local path


def executor_input(task: Task, inputs: TaskInputs, places: Places, *, is_legacy: bool = False) -> dict[str, Any]:
    """Build the document that KFP's executor and TFX's container entry point read."""
    values = {**inputs.parameters, **inputs.given}
    given: dict[str, Any] = {"parameterValues": values}
    if is_legacy:  # schema 2.0.0
        given = {"parameters": {k: _legacy_value(v, _kind(task, k)) for k, v in values.items()}}
    if inputs.artifacts:
        given["artifacts"] = {k: {"artifacts": [a.to_json() for a in v]} for k, v in inputs.artifacts.items()}
    made: dict[str, Any] = {"outputFile": places.output_file}
    if task.output_parameters:
        made["parameters"] = {k: {"outputFile": places.parameter_files[k]} for k in task.output_parameters}
    if task.output_artifacts:
        made["artifacts"] = {k: {"artifacts": [_made(k, task, inputs, places)]} for k in task.output_artifacts}
    document = {"inputs": given, "outputs": made}
    if not is_legacy:
        written = {k: v for k, v in values.items() if _speaks_of_itself(task, k)}
        given["parameterValues"] = values | {k: _of_itself(v, document, places) for k, v in written.items()}
    return document


def _speaks_of_itself(task: Task, name: str) -> bool:
    """Whether the document writes a placeholder into a value; what another task gave is never looked into."""
    wanted = task.given_parameters.get(name)
    if wanted is None:
        text = task.parameters[name].default if name in task.parameters else ""
    else:
        text = wanted.source.value if isinstance(wanted.source, Constant) else ""
    return isinstance(text, str) and any(_is_of_itself(e) for e in PLACEHOLDER.findall(text))


def _is_of_itself(expression: str) -> bool:
    return not expression or expression.startswith((".outputs.", ".outputMetadataUri", ".inputs.artifacts["))


def _of_itself(value: Any, document: Mapping[str, Any], places: Places) -> Any:
    """Fill in what a value says about the task's own artifacts and outputs, or the whole input as it is so far."""
    if not isinstance(value, str) or "{{$" not in value:
        return value

    def found(expression: str) -> Any:
        return _of_document(expression, document, places.path_of, None) if _is_of_itself(expression) else ABSENT

    return filled_text(value, found)


def resolve(
    text: str,
    facts: RunFacts,
    document: Mapping[str, Any],
    path_of: Callable[[str], str],
    *,
    content_of: Callable[[str], Any] | None = None,
) -> str:
    """Fill in the placeholders of one string from an ExecutorInput.

    `content_of` reads an artifact by its URI, for what TFX calls its value.
    """
    if "{{$" not in text:
        return text
    return filled_text(text, lambda e: _lookup(e, facts, document, path_of, content_of))


def command_line(
    words: Sequence[str],
    facts: RunFacts,
    document: Mapping[str, Any],
    path_of: Callable[[str], str],
    *,
    content_of: Callable[[str], Any] | None = None,
) -> list[str]:
    """Fill in a whole command: concatenations and conditional arguments become the words they stand for."""
    given = document["inputs"]
    present = {k for k, v in given.get("parameterValues", {}).items() if v is not None}
    present |= set(given.get("artifacts", {})) | set(given.get("parameters", {}))
    expanded = [piece for word in words for piece in _expand(word, present)]
    return [resolve(piece, facts, document, path_of, content_of=content_of) for piece in expanded]


def resources_of(task: Task, facts: RunFacts, document: Mapping[str, Any]) -> Resources:
    """Read what a task asks for once its inputs are known; quantities may be placeholders."""
    return resources(task.executor, resolve=lambda text: resolve(text, facts, document, str))


def _lookup(
    expression: str,
    facts: RunFacts,
    document: Mapping[str, Any],
    path_of: Callable[[str], str],
    content_of: Callable[[str], Any] | None,
) -> Any:
    found = _of_document(expression, document, path_of, content_of)
    return of_run(expression, facts) if found is ABSENT else found


def _of_document(
    expression: str, document: Mapping[str, Any], path_of: Callable[[str], str], content_of: Callable[[str], Any] | None
) -> Any:
    if not expression:
        return json.dumps(document, ensure_ascii=False)
    given, made = document["inputs"], document.get("outputs", {})
    if match := INPUT_PARAMETER.fullmatch(expression):
        values = given.get("parameterValues") or {
            k: next(iter(v.values())) for k, v in given.get("parameters", {}).items()
        }
        found = values.get(match[1])
        return "" if found is None else found
    if match := _OUTPUT_FILE.fullmatch(expression):
        return made.get("parameters", {}).get(match[1], {}).get("outputFile", ABSENT)
    if match := _ARTIFACT.fullmatch(expression):
        side, name, index, attribute, key = match.groups()
        listed = document.get(side, {}).get("artifacts", {}).get(name, {}).get("artifacts", [])[int(index or 0) :]
        return _of_artifact(listed[0], attribute, key, path_of, content_of) if listed else ""
    is_file = expression in {".outputs.output_file", ".outputMetadataUri"}
    return made.get("outputFile", ABSENT) if is_file else ABSENT


def _of_artifact(
    artifact: Mapping[str, Any],
    attribute: str | None,
    key: str | None,
    path_of: Callable[[str], str],
    content_of: Callable[[str], Any] | None,
) -> Any:
    match attribute:
        case "path":
            return artifact.get("customPath") or path_of(artifact["uri"])
        case "metadata" | "properties" | "custom_properties":
            metadata = artifact.get("metadata", {})
            return metadata.get(key, "") if key else metadata
        case "value":
            return ABSENT if content_of is None else content_of(artifact["uri"])
        case "custom_path":
            return artifact.get("customPath", "")
        case None:
            return artifact
        case _:
            return artifact.get(attribute, ABSENT)


def _expand(word: str, present: set[str]) -> list[str]:
    """Read KFP's structured placeholders, which the compiler writes as JSON inside the word."""
    if not word.lstrip().startswith(('{"Concat":', '{"IfPresent":')):
        return [word]
    try:
        return _pieces(json.loads(word), present)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return [word]


def _pieces(node: Any, present: set[str]) -> list[str]:
    if node is None:
        return []
    if isinstance(node, str):
        return [node]
    if isinstance(node, list):
        return [piece for child in node for piece in _pieces(child, present)]
    if "Concat" in node:
        return ["".join(_pieces(node["Concat"], present))]
    branch = node["IfPresent"]
    chosen = branch["Then"] if branch["InputName"] in present else branch.get("Else", [])
    return _pieces(chosen, present)


def _kind(task: Task, key: str) -> str:
    return task.parameters[key].type if key in task.parameters else ""


def _legacy_value(value: Any, declared: str) -> dict[str, Any]:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or declared == "STRING":
        return {"stringValue": as_text(value)}
    is_whole = isinstance(value, int) and declared != "NUMBER_DOUBLE"
    return {"intValue": str(value)} if is_whole else {"doubleValue": float(value)}


def _made(key: str, task: Task, inputs: TaskInputs, places: Places) -> dict[str, Any]:
    output = task.output_artifacts[key]
    return {
        "name": key,
        "uri": places.artifact_uris[key],
        "type": dict(output.schema),
        "metadata": {**output.metadata, **inputs.metadata.get(key, {})},
    }
