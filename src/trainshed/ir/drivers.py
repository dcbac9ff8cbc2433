"""Drivers: what `lifecycle.preCacheCheck` runs before the cache is asked, as a task of its own in front of another.

A driver is given what the task that it drives is given, and writes an ExecutorOutput. Its parameters replace the task's,
or are added to them (the span, the version and the fingerprint of what TFX is about to read); its artifacts' metadata is
what the task's outputs begin with. All of it is part of the task's cache key.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from trainshed.ir.model import Resources, Task
from trainshed.ir.proto import whole
from trainshed.ir.written import Written

_PARAMETERS, _ARTIFACTS = "parameters", "artifacts"  # outputs of every driver


def with_driver(task: Task, taken: Mapping[str, Any]) -> Iterator[Task]:
    """Answer a task, and before it its driver when it has one; `taken` holds the names of the other tasks."""
    container = task.executor.get("container", {})
    hook = container.get("lifecycle", {}).get("preCacheCheck", {})
    if not hook.get("command") and not hook.get("args"):
        yield task
        return
    name = f"{task.name}.driver"
    while name in taken:
        name += "_"
    kept = {key: container[key] for key in ("image", "env") if key in container}
    yield replace(
        task,
        name=name,
        component=f"{task.component}.driver",
        display_name=f"{task.display_name}.driver",
        drives=task.name,
        output_parameters={},
        executor={"container": kept | {key: hook.get(key, []) for key in ("command", "args")}},
        timeout_seconds=None,
        caching=False,
        fixed_key="",
        resources=Resources(),
    )
    yield replace(task, driver=name, upstream=(name,), condition="", runs_after_failure=False)


def outputs_of_driver(written: Written) -> dict[str, Any]:
    """Answer the output parameters of a driver that wrote this."""
    return {
        _PARAMETERS: whole(dict(written.parameters)),
        _ARTIFACTS: {key: dict(listed[0].metadata) for key, listed in written.artifacts.items() if listed},
    }


def changed_parameters(outputs: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the parameters that a driver set, from its output parameters."""
    found: Mapping[str, Any] = outputs.get(_PARAMETERS, {})
    return found


def changed_metadata(outputs: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Answer, for each output artifact, the metadata that a driver gave it."""
    found: Mapping[str, Mapping[str, Any]] = outputs.get(_ARTIFACTS, {})
    return found
