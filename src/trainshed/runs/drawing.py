"""The graph of a run: its plan's nodes and edges, each task with what became of it in all iterations. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainshed import ir
from trainshed.runs.marks import Mark
from trainshed.runs.model import TaskRow
from trainshed.runs.outline import state_of
from trainshed.runs.paths import static

_MAY_COME = {"PENDING", "QUEUED", "RUNNING"}
Row = TaskRow | Mark


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """What became of a task of the plan, in all iterations of the loops around it."""

    state: str
    states: Mapping[str, int] = field(default_factory=dict)  # how many are in which state; empty: there is none yet
    is_reused: bool = False
    attempt: int = 0
    start_time: datetime | None = None  # of the first
    end_time: datetime | None = None  # of the last, once all have ended
    iterations: Mapping[str, int] = field(default_factory=dict)  # of a loop, by state


def draw(plan: ir.Plan, tasks: Iterable[Row]) -> dict[str, Any]:
    """Answer `{"nodes": […], "edges": […]}`; a task's `states` counts its iterations by state."""
    drawn = ir.graph(plan)
    found = standings(drawn["nodes"], tasks)
    for node in drawn["nodes"]:
        if (standing := found.get(node["id"])) is not None:
            node["state"], node["states"] = standing.state, dict(standing.states)
            node["cached"], node["attempt"] = standing.is_reused, standing.attempt
    return drawn


def standings(nodes: Iterable[Mapping[str, Any]], tasks: Iterable[Row]) -> dict[str, Standing]:
    """Answer what became of each task among the nodes of a plan's graph."""
    rows: dict[str, list[Row]] = {}
    inside: dict[str, dict[int, list[str]]] = {}  # id of a loop's task -> iteration -> states of the tasks in it
    for task in tasks:
        rows.setdefault(static(task.name), []).append(task)
        if task.iteration is not None:
            inside.setdefault(task.parent, {}).setdefault(task.iteration, []).append(task.state)
    found: dict[str, Standing] = {}
    for node in nodes:
        if node["kind"] != "artifact":
            around = found[node["parent"]].state if node["parent"] else "RUNNING"
            found[node["id"]] = _came_out(rows.get(node["id"], []), inside, around=around)
    return found


def _came_out(rows: Sequence[Row], inside: Mapping[str, Mapping[int, Sequence[str]]], *, around: str) -> Standing:
    """Say what became of a task; one that does not exist yet may still come as long as what is around it goes on."""
    if not rows:
        return Standing(state="PENDING" if around in _MAY_COME else "NOT_TRIGGERED")
    if len(rows) == 1 and rows[0].id not in inside:  # most tasks are in no loop, and a run may have thousands
        row = rows[0]
        return Standing(
            state=state_of([row.state]),
            states={row.state: 1},
            is_reused=bool(row.cached_from),
            attempt=row.attempt,
            start_time=row.start_time,
            end_time=row.end_time,
        )
    starts = [row.start_time for row in rows if row.start_time is not None]
    ends = [row.end_time for row in rows if row.end_time is not None]
    iterations = Counter(state_of(states) for row in rows for states in inside.get(row.id, {}).values())
    return Standing(
        state=state_of(row.state for row in rows),
        states=dict(Counter(row.state for row in rows).most_common()),
        is_reused=all(row.cached_from for row in rows),
        attempt=max(row.attempt for row in rows),
        start_time=min(starts, default=None),
        end_time=max(ends) if len(ends) == len(rows) else None,
        iterations=dict(iterations.most_common()),
    )
