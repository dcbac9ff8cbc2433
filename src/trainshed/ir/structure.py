"""What a spec's parts are to each other: components, the tasks that are instances of them, what waits for what."""

from collections.abc import Iterator, Mapping
from typing import Any


def component_of(spec: Mapping[str, Any], task: Mapping[str, Any]) -> Mapping[str, Any]:
    """Answer the component that a task is an instance of; empty when there is none."""
    found: Mapping[str, Any] = spec.get("components", {}).get(task.get("componentRef", {}).get("name", ""), {})
    return found


def components(spec: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    """Walk the root and every component, each with its path."""
    yield ("root",), spec.get("root", {})
    for name, component in spec.get("components", {}).items():
        yield ("components", name), component


def tasks_of(component: Mapping[str, Any]) -> Mapping[str, Mapping[str, Any]]:
    """Answer a DAG's tasks; none where it is no DAG."""
    found: Mapping[str, Mapping[str, Any]] = component.get("dag", {}).get("tasks", {})
    return found


def producers(task: Mapping[str, Any]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Walk the sibling tasks that a task takes something from, each with the path of the field that names it."""
    inputs = task.get("inputs", {})
    for name, source in inputs.get("parameters", {}).items():
        for kind in ("taskOutputParameter", "taskFinalStatus"):
            if kind in source:
                yield ("inputs", "parameters", name, kind, "producerTask"), source[kind].get("producerTask", "")
    for name, source in inputs.get("artifacts", {}).items():
        if "taskOutputArtifact" in source:
            path = ("inputs", "artifacts", name, "taskOutputArtifact", "producerTask")
            yield path, source["taskOutputArtifact"].get("producerTask", "")


def dependencies(task: Mapping[str, Any]) -> set[str]:
    """Answer the sibling tasks that a task waits for: `dependentTasks` plus the producers of its inputs."""
    return set(task.get("dependentTasks", ())) | {name for _, name in producers(task)}


def selectors(component: Mapping[str, Any]) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Walk where a DAG's outputs come from: (parameters or artifacts, name of the output, selector)."""
    outputs = component.get("dag", {}).get("outputs", {})
    for key, output in outputs.get("parameters", {}).items():
        one = [output["valueFromParameter"]] if "valueFromParameter" in output else []
        for selector in one + output.get("valueFromOneof", {}).get("parameterSelectors", []):
            yield "parameters", key, selector
    for key, output in outputs.get("artifacts", {}).items():
        for selector in output.get("artifactSelectors", ()):
            yield "artifacts", key, selector


def find_cycle(after: Mapping[str, set[str]]) -> list[str]:
    """Answer one circle of names, closed, or nothing."""
    done: set[str] = set()
    for start in after:
        path: dict[str, Iterator[str]] = {}
        if start not in done:
            path[start] = iter(sorted(after[start]))
        while path:
            name = next(reversed(path))
            following = next((n for n in path[name] if n not in done), None)
            if following is None:
                done.add(name)
                del path[name]
            elif following in path:
                names = list(path)
                return [*names[names.index(following) :], following]
            else:
                path[following] = iter(sorted(after.get(following, ())))
    return []
