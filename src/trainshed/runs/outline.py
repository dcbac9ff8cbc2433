"""A run's tasks as people read them: a tree in which the iterations of a loop are counted and those that matter shown.

A line says why its task is in its state. Time and size grow with the tasks that are there; the iterations shown do not.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from trainshed import ir
from trainshed.runs.marks import Brief
from trainshed.runs.model import Attempt, TaskRow
from trainshed.runs.view import SUCCESS

T = TypeVar("T", bound=TaskRow | Brief)
_MOST_FAILED = 10  # iterations of one loop that are shown
_MOST_GOING = 3
_MOST_NAMED = 2
_WORST_FIRST = ("FAILED", "CANCELLED", "CANCELLING", "RUNNING", "QUEUED", "PENDING", "SUCCEEDED", "SKIPPED")
_OPEN = frozenset({"RUNNING", "QUEUED", "CANCELLING"})
_DONE = frozenset({"SUCCEEDED", "SKIPPED", "NOT_TRIGGERED"})


@dataclass(frozen=True, kw_only=True)
class Line(Generic[T]):
    """One line of the tree: a task, an iteration of a loop, or what is left out."""

    depth: int
    path: str  # of an iteration with its brackets; of what is left out, the loop's
    label: str
    kind: str  # container, importer, resolver, dag, loop; iteration; more
    state: str = ""
    reason: str = ""
    counts: Mapping[str, int] = field(default_factory=dict)  # iterations of a loop by state
    task: T | None = None
    attempts: Sequence[Attempt] = ()


def outline(plan: ir.Plan, tasks: Sequence[TaskRow], attempts: Iterable[Attempt]) -> list[Line[TaskRow]]:
    """Draw the tree."""
    return list(_Outline(tasks, attempts).scope(plan.root, None, None))


def outlined(plan: ir.Plan, tasks: Sequence[Brief]) -> Iterator[Line[Brief]]:
    """Draw the same line by line, of tasks of which less is known."""
    return _Outline(tasks, ()).scope(plan.root, None, None)


def state_of(states: Iterable[str]) -> str:
    """Answer the state of an iteration, or of several tasks drawn as one, from the states of the tasks in it."""
    found = set(states)
    if found & _OPEN or ("PENDING" in found and found & _DONE):
        return "CANCELLING" if "CANCELLING" in found else "RUNNING" if found - {"PENDING", "QUEUED"} else "QUEUED"
    return next((state for state in _WORST_FIRST if state in found), "NOT_TRIGGERED")


@dataclass(frozen=True, kw_only=True)
class _Scope(Generic[T]):
    """A DAG, or one iteration of it, as it came out."""

    dag: ir.Dag
    tasks: Mapping[str, T]  # by name in the DAG


class _Outline(Generic[T]):
    def __init__(self, tasks: Sequence[T], attempts: Iterable[Attempt]) -> None:
        self._inside: dict[str, dict[int | None, list[T]]] = {}  # id of a DAG task -> iteration -> tasks in it
        for task in tasks:
            self._inside.setdefault(task.parent, {}).setdefault(task.iteration, []).append(task)
        self._attempts: dict[str, list[Attempt]] = {}
        for attempt in attempts:
            self._attempts.setdefault(attempt.task_id, []).append(attempt)
        self._depth = 0

    def scope(self, dag: ir.Dag, owner: T | None, iteration: int | None) -> Iterator[Line[T]]:
        """Draw the tasks of a DAG, or of one iteration of it."""
        prefix = f"{owner.name}{'' if iteration is None else f'[{iteration}]'}." if owner else ""
        rows = self._inside.get(owner.id if owner else "", {}).get(iteration, [])
        scope = _Scope(dag=dag, tasks={row.name[len(prefix) :]: row for row in rows})
        for name, row in scope.tasks.items():
            body = dag.tasks[name].body
            yield self._task(scope, name, row)
            self._depth += 1
            if row.kind == "loop" and body is not None:
                yield from self._iterations(body, row)
            elif body is not None:
                yield from self.scope(body, row, None)
            self._depth -= 1

    def _task(self, scope: _Scope[T], name: str, row: T) -> Line[T]:
        iterations = self._inside.get(row.id, {}) if row.kind == "loop" else {}
        counts = Counter(state_of(t.state for t in found) for found in iterations.values()) if iterations else Counter()
        shown = scope.dag.tasks[name].display_name
        return Line(
            depth=self._depth,
            path=row.name,
            label=name if shown == name else f"{name} ({shown})",
            kind=row.kind,
            state=row.state,
            reason=_reason(scope, name, row, is_empty=row.id not in self._inside),
            counts=dict(counts.most_common()),
            task=row,
            attempts=self._attempts.get(row.id, ()),
        )

    def _iterations(self, body: ir.Dag, loop: T) -> Iterator[Line[T]]:
        found = {number: state_of(t.state for t in rows) for number, rows in self._inside.get(loop.id, {}).items()}
        failed = [number for number, state in found.items() if state == "FAILED"]
        going = [number for number, state in found.items() if state in _OPEN | {"CANCELLED"}]
        shown = [*failed[:_MOST_FAILED], *going[:_MOST_GOING]] if len(found) > 1 else list(found)
        for number in sorted(n for n in shown if n is not None):
            yield self._line(f"{loop.name}[{number}]", f"[{number}]", "iteration", found[number])
            self._depth += 1
            yield from self.scope(body, loop, number)
            self._depth -= 1
        if len(failed) > _MOST_FAILED:
            yield self._line(loop.name, f"and {len(failed) - _MOST_FAILED} more that failed", "more", "")

    def _line(self, path: str, label: str, kind: str, state: str) -> Line[T]:
        return Line(depth=self._depth, path=path, label=label, kind=kind, state=state)


def _reason(scope: _Scope[T], name: str, row: T, *, is_empty: bool) -> str:
    """Say why a task is in the state it is in."""
    if row.state == "SUCCEEDED" or (row.state == "FAILED" and row.is_dag and not is_empty):
        return ""  # an earlier attempt's error is its own; the task that failed says why
    upstream = [(n, scope.tasks[n]) for n in scope.dag.tasks[name].upstream if n in scope.tasks]
    match row.state:
        case "NOT_TRIGGERED":
            return _left_out(row, [n for n, other in upstream if other.end_time and other.state not in SUCCESS])
        case "SKIPPED":
            return "its outputs were reused"
        case "CANCELLED":
            return "it had not begun" if row.start_time is None else "it was stopped"
        case "PENDING":
            return _waits_for([n for n, other in upstream if other.end_time is None])
    return row.error.partition("\n")[0]


def _left_out(row: TaskRow | Brief, lost: Sequence[str]) -> str:
    if not row.error:
        return "its condition does not hold"
    return f"{lost[0]} did not succeed" if lost else "another task of the run had failed"


def _waits_for(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return f"waits for {', '.join(names[:_MOST_NAMED])}{more}" if names else ""
