"""A plan as nodes and edges: tasks, the artifacts between them, and what only waits."""

from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.ir.model import Dag, InputArtifact, Plan, Task

_Ids = tuple[str, ...]  # of artifact nodes


def graph(plan: Plan) -> dict[str, Any]:
    """Answer `{"nodes": […], "edges": […]}`; an artifact node's id is `task/key`.

    A DAG task is a node of kind dag, loop or condition; `parent` names the DAG task around a node, and edges of kind
    `inside` lead to the tasks that a DAG begins with. Artifacts belong to the task that makes them, however many DAGs
    hand them on.
    """
    found: dict[str, Any] = {"nodes": [], "edges": []}
    for part in drawn(plan):
        found["nodes" if "id" in part else "edges"].append(part)
    return found


def drawn(plan: Plan) -> Iterator[dict[str, Any]]:
    """Answer the nodes and edges one by one, a group before what is in it: there may be tens of thousands."""
    return _dag(plan.root, "", {})


def type_name(schema: Any) -> str:
    """Answer an artifact type's title in all three ways of writing it."""
    if schema.get("schemaTitle"):
        return str(schema["schemaTitle"])
    for line in str(schema.get("instanceSchema", "")).splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip()
    return str(schema.get("schemaUri", "") or "system.Artifact")


def _dag(dag: Dag, parent: str, given: Mapping[str, _Ids]) -> Iterator[dict[str, Any]]:
    """Draw a DAG whose input artifacts are the nodes in `given`."""
    prefix = f"{parent}." if parent else ""
    for name, task in dag.tasks.items():
        path = prefix + name
        yield from _task(path, task, parent)
        taken = {key: tuple(_nodes_of(dag, prefix, source, given)) for key, source in task.given_artifacts.items()}
        if task.body is not None:
            if task.loop is not None and isinstance(task.loop.source, InputArtifact):
                taken[task.loop.item] = taken.get(task.loop.source.name, ())
            yield from _dag(task.body, path, taken)
        else:
            yield from (_edge(i, path, "input", name=key) for key, ids in taken.items() for i in ids)
        fed = {source.task for source in task.given_artifacts.values() if not isinstance(source, InputArtifact)}
        yield from (_edge(prefix + other, path, "order") for other in task.upstream if other not in fed)
        if parent and not task.upstream:
            yield _edge(parent, path, "inside")


def _task(path: str, task: Task, parent: str) -> Iterator[dict[str, Any]]:
    yield {
        "id": path,
        "kind": _kind(task),
        "name": task.display_name,
        "component": task.component,
        "image": task.image,
        "parent": parent,
    }
    outputs = {} if task.body is not None or task.drives else task.output_artifacts
    for key, output in outputs.items():
        artifact = f"{path}/{key}"
        yield {"id": artifact, "kind": "artifact", "name": key, "type": type_name(output.schema), "parent": parent}
        yield _edge(path, artifact, "output")


def _kind(task: Task) -> str:
    if task.body is None:
        return "task"
    return "condition" if task.condition and task.loop is None else task.kind


def _edge(start: str, end: str, kind: str, **more: str) -> dict[str, str]:
    return {"from": start, "to": end, "kind": kind, **more}


def _nodes_of(dag: Dag, prefix: str, source: Any, given: Mapping[str, _Ids]) -> Iterator[str]:
    """Find the artifact nodes that a source stands for, inside of DAGs if need be."""
    if isinstance(source, InputArtifact):
        yield from given.get(source.name, ())
        return
    body = dag.tasks[source.task].body
    if body is None:
        yield f"{prefix}{source.task}/{source.key}"
    else:
        for inner in body.output_artifacts.get(source.key, ()):
            yield from _nodes_of(body, f"{prefix}{source.task}.", inner, {})
