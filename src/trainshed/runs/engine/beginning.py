"""What is found out of a task as it begins: whether its condition holds, how often it runs, whether its outputs exist.

It reads, and notes in memory what the task's later life needs; nothing is written.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.runs import active as memory
from trainshed.runs import caching
from trainshed.runs.active import ActiveRun
from trainshed.runs.facts import Resolved

MustRun = Callable[[str, str], bool]  # run and path of a task -> whether its outputs are made anew though they exist


@dataclass(frozen=True, kw_only=True)
class Found:
    """What was found out of a task."""

    fact: Resolved
    values: Mapping[str, Any] = field(default_factory=dict)  # for its row
    hit: caching.Hit | None = None  # outputs that exist


def resolve(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, must_run: MustRun) -> Found:
    """Find out what a task does, now that all it waited for is there."""
    try:
        return _resolved(conn, blobs, active, path, must_run)
    except ValueError as error:  # a condition or a list of items that cannot be what it has to be
        return _unresolvable(active, path, str(error))


def _resolved(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, must_run: MustRun) -> Found:
    task, inputs = active.nodes[path].task, active.inputs_of(path)
    if inputs.problems:
        return _unresolvable(active, path, inputs.problems[0])
    if task.condition and not ir.holds(task, inputs):
        return Found(fact=Resolved(task=path, is_triggered=False))
    if inputs.missing:
        return _unresolvable(active, path, f"its input {inputs.missing[0]!r} has no value")
    if task.body is not None:
        return Found(fact=Resolved(task=path, iterations=memory.iterate(active, path)))
    if not task.needs_worker:
        return Found(fact=Resolved(task=path))
    return _look_up(conn, blobs, active, path, must_run)


def _unresolvable(active: ActiveRun, path: str, problem: str) -> Found:
    active.nodes[path].error = problem
    return Found(fact=Resolved(task=path, problem=problem), values={"error": problem})


def _look_up(conn: Connection, blobs: Blobs, active: ActiveRun, path: str, must_run: MustRun) -> Found:
    node = active.nodes[path]
    active.measure(path)
    values: dict[str, Any] = {
        "environment": active.place(path).environment,
        "cpus": node.cpus,
        "memory_bytes": node.memory_bytes,
    }
    node.data = caching.data_of(conn, blobs, active.inputs_of(path).parameters)
    if not caching.is_wanted(active, node.task) or must_run(active.run.name, path):
        return Found(fact=Resolved(task=path), values=values)
    node.key = key = caching.key_of(conn, blobs, active, path)
    values |= {"cache_key": key.key, "key_parts": dict(key.parts)}
    hit = caching.look_up(conn, blobs, key.key, active)
    return Found(fact=Resolved(task=path, is_cached=hit is not None), values=values, hit=hit)
