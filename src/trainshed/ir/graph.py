"""A plan as nodes and edges: tasks, the artifacts between them, and what only waits."""

from typing import Any

from trainshed.ir.model import Plan


def graph(plan: Plan) -> dict[str, Any]:
    """Answer `{"nodes": […], "edges": […]}`; an artifact node's id is `task/key`."""
    nodes: list[dict[str, Any]] = []
    edges: list[dict[str, str]] = []
    for task in plan.tasks.values():
        nodes.append(
            {
                "id": task.name,
                "kind": "task",
                "name": task.display_name,
                "component": task.component,
                "image": task.image,
            }
        )
        for key, output in task.output_artifacts.items():
            artifact = f"{task.name}/{key}"
            nodes.append({"id": artifact, "kind": "artifact", "name": key, "type": type_name(output.schema)})
            edges.append({"from": task.name, "to": artifact, "kind": "output"})
    for task in plan.tasks.values():
        fed = set()
        for key, taken in task.artifacts.items():
            for source in taken.sources:
                fed.add(source.task)
                edges.append({"from": f"{source.task}/{source.key}", "to": task.name, "kind": "input", "name": key})
        edges += [{"from": name, "to": task.name, "kind": "order"} for name in task.upstream if name not in fed]
    return {"nodes": nodes, "edges": edges}


def type_name(schema: Any) -> str:
    """Answer an artifact type's title in all three ways of writing it."""
    if schema.get("schemaTitle"):
        return str(schema["schemaTitle"])
    for line in str(schema.get("instanceSchema", "")).splitlines():
        if line.startswith("title:"):
            return line.removeprefix("title:").strip()
    return str(schema.get("schemaUri", "") or "system.Artifact")
