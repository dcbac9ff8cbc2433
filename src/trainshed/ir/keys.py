"""Cache keys: the same component, in the same environment, on the same data."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.ir.flow import TaskInputs
from trainshed.ir.model import Plan, Task

# settings of a pod that change nothing about what a task computes
_NOT_CONTENT = {
    "activeDeadlineSeconds", "imagePullPolicy", "imagePullSecret", "nodeAffinity", "nodeSelector", "podAffinity",
    "podMetadata", "tolerations",
}  # fmt: skip


def digest(value: Any) -> str:
    """Digest plain data, the same for equal data."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def key_parts(
    plan: Plan, task: Task, inputs: TaskInputs, *, environment: str, data: Mapping[str, Any]
) -> dict[str, str]:
    """Digest each thing that a cache key is made of, so that two keys can be compared by reason.

    `data` holds, for each string parameter that names stored objects, what they contain.
    """
    component = {k: v for k, v in task.executor.items() if k != "machineType"}
    container = dict(component.get("container", {}))
    container.pop("resources", None)  # how fast, not what
    platform = {k: v for k, v in inputs.platform.items() if k not in _NOT_CONTENT}
    outputs = {k: [dict(v.schema), v.is_list] for k, v in task.output_artifacts.items()}
    identity = [component | {"container": container}, dict(task.output_parameters), outputs]
    parts = {
        "pipeline": plan.name,
        "component": digest([*identity, platform] if platform else identity),
        "environment": environment,
    }
    for key, value in inputs.parameters.items():
        parts[f"parameter {key}"] = digest(value)
    for key, value in _named_in(container, task, inputs):
        parts[f"parameter {key}"] = digest(value)
    for key, artifacts in inputs.artifacts.items():
        parts[f"artifact {key}"] = digest([[a.digest or a.uri, dict(a.type), dict(a.metadata)] for a in artifacts])
    for key, metadata in inputs.metadata.items():
        parts[f"metadata of {key}"] = digest(dict(metadata))
    for key, content in data.items():
        parts[f"data of {key}"] = digest(content)
    return parts


def cache_key(parts: Mapping[str, str], task: Task) -> str:
    """Make the key; a key fixed in the document replaces everything but the component's identity."""
    if task.fixed_key:
        return digest([parts["pipeline"], parts["component"], task.fixed_key])
    return digest(dict(parts))


def _named_in(container: Mapping[str, Any], task: Task, inputs: TaskInputs) -> Iterator[tuple[str, Any]]:
    """Find undeclared parameters that a driver set, or that placeholders of the command, image or environment name."""
    undeclared = [key for key in inputs.given if key not in task.parameters]
    if task.driver:
        yield from ((key, inputs.given[key]) for key in undeclared)
    elif undeclared:
        text = json.dumps(container, ensure_ascii=False).replace('\\"', "'")  # placeholders quote in either way
        yield from ((key, inputs.given[key]) for key in undeclared if f"['{key}']" in text)
