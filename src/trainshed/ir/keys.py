"""Cache keys: the same component, in the same environment, on the same data."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from trainshed.ir.model import Plan, Task
from trainshed.ir.render import TaskInputs


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
    outputs = {k: [dict(v.schema), v.is_list] for k, v in task.output_artifacts.items()}
    parts = {
        "pipeline": plan.name,
        "component": digest([component | {"container": container}, dict(task.output_parameters), outputs]),
        "environment": environment,
    }
    for key, value in inputs.parameters.items():
        parts[f"parameter {key}"] = digest(value)
    for key, artifacts in inputs.artifacts.items():
        parts[f"artifact {key}"] = digest([[a.digest or a.uri, dict(a.type), dict(a.metadata)] for a in artifacts])
    for key, content in data.items():
        parts[f"data of {key}"] = digest(content)
    return parts


def cache_key(parts: Mapping[str, str], task: Task) -> str:
    """Make the key; a key fixed in the document replaces everything but the component's identity."""
    if task.fixed_key:
        return digest([parts["pipeline"], parts["component"], task.fixed_key])
    return digest(dict(parts))
