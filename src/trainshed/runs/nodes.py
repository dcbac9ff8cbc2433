"""A task of an open run beside its view: its row's identity, what it asks for, what it got and what it gave."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from trainshed import costs, ir, names
from trainshed.runs.model import Key, TaskRow

NOTHING = ir.Outputs()
_PRICES = costs.load()
_MOST_NAMED = 10  # tasks that an error names beside the first
_LONGEST_REASON = 160  # characters, of each of them


@dataclass(kw_only=True)
class Failures:
    """Which tasks of a scope failed: the first with all that is known, the next few with the reason, the rest counted."""

    first: str = ""
    others: list[str] = field(default_factory=list)
    count: int = 0

    def add(self, path: str, error: str) -> None:
        """Note a task."""
        self.count += 1
        if self.count == 1:
            self.first = f"Task {path!r} failed: {error}"
        elif len(self.others) < _MOST_NAMED:
            reason = next(iter(error.splitlines()), "")[:_LONGEST_REASON]
            self.others.append(f"{path!r} ({reason})" if reason else repr(path))

    def include(self, inner: "Failures") -> None:
        """Note those of a scope inside."""
        if not self.first:
            self.first, self.others = inner.first, list(inner.others)
        else:
            self.others += [_named(inner.first), *inner.others]
            del self.others[_MOST_NAMED:]
        self.count += inner.count

    def __str__(self) -> str:
        """Tell of all of them."""
        rest = self.count - 1 - len(self.others)
        if self.count < 2:  # noqa: PLR2004
            return self.first
        more = f" and {rest} more" if rest > 0 else ""
        return f"{self.first}\nFailed as well: {', '.join(self.others)}{more}."


def _named(first: str) -> str:
    path, _, error = first.removeprefix("Task ").partition(" failed: ")
    return f"{path} ({next(iter(error.splitlines()), '')[:_LONGEST_REASON]})"


@dataclass(kw_only=True)
class Node:
    """What the engine keeps of a task until the scope it is in has ended."""

    id: str
    path: str
    task: ir.Task
    resources: ir.Resources
    ready_time: datetime | None = None
    inputs: ir.TaskInputs | None = None  # kept, because every attempt gets the same
    outputs: ir.Outputs = NOTHING
    data: Mapping[str, Any] | None = None  # stored data that parameters name, as it was found; None: not looked yet
    key: Key | None = None  # under what its outputs will be kept
    image: str = ""  # digest of the image whose container it is, where that was not known before
    error: str = ""
    items: Sequence[Any] = ()  # of a loop
    gathered: dict[int, ir.Outputs] = field(default_factory=dict)  # of a DAG task: what its ended iterations gave
    failures: Failures = field(default_factory=Failures)  # of a DAG task: which tasks in it failed

    @property
    def cpus(self) -> float:
        """How much of the machine's processors it counts for."""
        return self.resources.cpus or 1.0

    @property
    def memory_bytes(self) -> int:
        """How much of the machine's memory it counts for."""
        return self.resources.memory_bytes or 0

    @property
    def accelerators(self) -> int:
        """How many of the machine's accelerators it counts for."""
        return self.resources.accelerator_count

    @property
    def machine(self) -> str:
        """What Vertex AI would run it on, as prices know it; empty where it asks for nothing."""
        wanted = self.resources
        return costs.machine_named(
            _PRICES,
            costs.Usage(
                name=self.path,
                seconds=0.0,
                machine_type=wanted.machine_type,
                cpus=wanted.cpus,
                memory_bytes=wanted.memory_bytes,
                accelerator_type=wanted.accelerator_type,
                accelerator_count=wanted.accelerator_count,
            ),
        )


def new_node(path: str, task: ir.Task) -> Node:
    """Make a task that has not begun."""
    return Node(id=names.numeric_id(), path=path, task=task, resources=task.resources)


def row_of(node: Node, *, run: str, position: int, parent: str, iteration: int | None, now: datetime) -> dict[str, Any]:
    """Answer the row of a task that has not begun."""
    return {
        "id": node.id,
        "run": run,
        "position": position,
        "name": node.path,
        "kind": node.task.kind,
        "parent": parent,
        "iteration": iteration,
        "cpus": node.cpus,
        "memory_bytes": node.memory_bytes,
        "machine_type": node.machine,
        "create_time": now,
    }


def node_of(row: TaskRow, task: ir.Task) -> Node:
    """Answer what a row says about a task."""
    return Node(
        id=row.id,
        path=row.name,
        task=task,
        resources=task.resources,
        ready_time=row.ready_time,
        key=Key(key=row.cache_key, parts=row.key_parts or {}) if row.cache_key else None,
        error=row.error,
    )
