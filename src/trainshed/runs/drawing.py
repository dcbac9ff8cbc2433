"""The graph of a run: its plan's nodes and edges, each task with what became of it in all iterations. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from trainshed import ir
from trainshed.runs.model import TaskRow
from trainshed.runs.outline import state_of
from trainshed.runs.paths import static


def draw(plan: ir.Plan, tasks: Iterable[TaskRow]) -> dict[str, Any]:
    """Answer `{"nodes": […], "edges": […]}`; a task's `states` counts its iterations by state."""
    rows: dict[str, list[TaskRow]] = {}
    for task in tasks:
        rows.setdefault(static(task.name), []).append(task)
    drawn = ir.graph(plan)
    known: dict[str, str] = {"": "RUNNING"}
    for node in drawn["nodes"]:
        if node["kind"] != "artifact":
            node.update(_came_out(rows.get(node["id"], []), around=known[node["parent"]]))
            known[node["id"]] = node["state"]
    return drawn


def _came_out(rows: list[TaskRow], *, around: str) -> Mapping[str, Any]:
    """Say what became of a task; one that does not exist yet may still come as long as what is around it goes on."""
    if not rows:
        state = "PENDING" if around in {"PENDING", "QUEUED", "RUNNING"} else "NOT_TRIGGERED"
        return {"state": state, "states": {}, "cached": False, "attempt": 0}
    return {
        "state": state_of(row.state for row in rows),
        "states": dict(Counter(row.state for row in rows).most_common()),
        "cached": all(row.cached_from for row in rows),
        "attempt": max(row.attempt for row in rows),
    }
