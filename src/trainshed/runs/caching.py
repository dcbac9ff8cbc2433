"""Whether a task's outputs exist already: its key is made of what it reads, by content, and never of names alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.errors import TrainshedError
from trainshed.runs import outputs, store_cache
from trainshed.runs.active import ActiveRun
from trainshed.runs.model import Key, TaskRow

_SCHEME = "gs://"
_OUTPUT_WORDS = ("output", "destination", "dest", "target", "sink", "export", "push")


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A task whose outputs can be used again."""

    task: TaskRow
    outputs: ir.Outputs


def is_wanted(active: ActiveRun, task: ir.Task) -> bool:
    """Whether a task may be looked up and kept: the run's switch, then the task's own."""
    if task.kind != "container":  # what a driver looks at may have changed
        return False
    return task.caching if active.run.caching is None else active.run.caching


def key_of(conn: Connection, blobs: Blobs, active: ActiveRun, path: str) -> Key:
    """Make a task's key from its inputs as they are now."""
    task, inputs = active.task(path), active.inputs_of(path)
    known = active.nodes[path].data
    data = data_of(conn, blobs, inputs.parameters) if known is None else known
    parts = ir.key_parts(active.plan, task, inputs, environment=active.place(path).identity, data=data)
    return Key(key=ir.cache_key(parts, task), parts=parts)


def settled(active: ActiveRun, path: str, key: Key) -> Key | None:
    """Answer a task's key once it has run: only then it may be known which image it ran in. None: not even then."""
    environment = active.place(path).environment
    if not active.place(path).image or key.parts.get("environment"):
        return key
    parts = {**key.parts, "environment": environment}
    return Key(key=ir.cache_key(parts, active.task(path)), parts=parts) if environment else None


def look_up(conn: Connection, blobs: Blobs, key: str, active: ActiveRun) -> Hit | None:
    """Find outputs that an earlier run made, and that still are what they were.

    Equal tasks of one run all run: whether one of them ends before another begins is chance, and no plan could tell.
    """
    row = store_cache.find_cached(conn, key)
    if row is None or row.outputs is None or row.run == active.run.name:
        return None
    parent = active.parent
    found = outputs.from_row(conn, row.outputs, parent)
    for artifacts in found.artifacts.values():
        for artifact in artifacts:
            if outputs.content_digest(conn, blobs, artifact.uri) != artifact.digest:
                return None
    return Hit(task=row, outputs=found)


def data_of(conn: Connection, blobs: Blobs, parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Answer the generations behind each string parameter that names stored objects; an output location counts not."""
    found: dict[str, Any] = {}
    for name, value in parameters.items():
        if isinstance(value, str) and value.startswith(_SCHEME) and not is_output_location(name):
            try:
                generations = blobs.generations(conn, value)
            except TrainshedError:
                continue
            if generations:
                found[name] = [list(entry) for entry in generations]
    return found


def is_output_location(name: str) -> bool:
    """Whether a parameter says by its name that it is written to."""
    words = name.lower().replace("-", "_").split("_")
    return any(word in _OUTPUT_WORDS or word.rstrip("s") in _OUTPUT_WORDS for word in words) or "serving" in words


def why_different(before: Mapping[str, str] | None, now: Mapping[str, str]) -> str:
    """Say in words why nothing could be reused."""
    if before is None:
        return "it has not run before"
    changed = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return f"changed: {', '.join(changed)}" if changed else "its earlier outputs are gone"
