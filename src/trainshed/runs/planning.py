"""What a run would do, said before it does anything: reuse, import or run, and why.

The run is played through in memory: a task whose inputs exist is looked up as it would be, and what it would reuse is
what the tasks after it get; what comes after a task that really has to run cannot be known and runs as well.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.runs import active as memory
from trainshed.runs import caching, importing, resolving, store_cache
from trainshed.runs.active import ActiveRun
from trainshed.runs.view import ScopeView, TaskView

_UNWORKED = {"importer": "import", "resolver": "find"}  # what is done without a worker


@dataclass(frozen=True, kw_only=True)
class Step:
    """What would become of one task."""

    task: str  # path
    display_name: str  # as the graph calls it
    decision: str  # reuse, run, import, find, leave_out
    reason: str
    unseen: tuple[str, ...] = ()  # parameters that look like data whose content is not in the key
    resources: ir.Resources
    after: str = ""  # the display name of the task that runs before it, where that is the reason
    workers: int = 1  # how many tasks of it are for workers: none of an import, all in a group that is left out


def steps(conn: Connection, blobs: Blobs, active: ActiveRun) -> list[Step]:
    """Walk the tasks in the order in which they would run."""
    return list(_Play(conn, blobs, active).scope(active.view.root))


class _Play:
    def __init__(self, conn: Connection, blobs: Blobs, active: ActiveRun) -> None:
        self._conn = conn
        self._blobs = blobs
        self._active = active
        self._running: set[str] = set()  # paths of tasks whose outputs cannot be known

    def scope(self, scope: ScopeView) -> Iterator[Step]:
        """Play a DAG."""
        for view in list(scope.tasks.values()):
            before = next((u for u in view.upstream() if u.path in self._running), None)
            if before is not None:
                self._running.add(view.path)
                yield from _unknown(
                    view.path, view.task, f"{before.task.name} runs before it", before.task.display_name
                )
            elif any(u.state == "NOT_TRIGGERED" for u in view.upstream()) and not view.task.runs_after_failure:
                yield self._leave_out(view, "a task that it needs is left out")
            else:
                yield from self._task(view)

    def _task(self, view: TaskView) -> Iterator[Step]:
        inputs = self._active.inputs_of(view.path)
        try:
            if not _is_triggered(view.task, inputs):
                yield self._leave_out(view, "its condition does not hold")
            elif view.task.body is not None:
                yield from self._dag(view, memory.iterate(self._active, view.path))
            else:
                yield self._leaf(view)
        except ValueError as error:
            self._running.add(view.path)
            yield from _unknown(view.path, view.task, f"it would fail: {error}")

    def _dag(self, view: TaskView, iterations: int) -> Iterator[Step]:
        self._active.open(view.path, 0, iterations, now=self._active.run.create_time)
        for scope in list(view.scopes.values()):
            yield from self.scope(scope)
        inside = f"{view.path}."
        if any(path.startswith((inside, f"{view.path}[")) for path in self._running):
            self._running.add(view.path)
            return
        for iteration in list(view.scopes):
            self._active.close(view.path, iteration)
        self._active.nodes[view.path].outputs = self._active.gather(view.path)
        view.state = "SUCCEEDED"

    def _leaf(self, view: TaskView) -> Step:
        conn, blobs, active, task = self._conn, self._blobs, self._active, view.task
        node = active.nodes[view.path]
        if not task.needs_worker:
            find = importing.preview if task.is_importer else resolving.preview
            node.outputs, view.state = find(conn, blobs, active, view.path), "SUCCEEDED"
            return _step(view, _UNWORKED[task.kind], _registered(task, node.outputs))
        unseen = unseen_data(conn, blobs, active, view.path)
        if not caching.is_wanted(active, task):
            return self._run(view, "looks before the cache is asked" if task.drives else "caching is off", unseen)
        key = caching.key_of(conn, blobs, active, view.path)
        hit = caching.look_up(conn, blobs, key.key, active)
        if hit is None:
            latest = store_cache.latest_parts(conn, active.plan.name, view.path)
            return self._run(view, caching.why_different(latest, key.parts), unseen)
        node.outputs, view.state = hit.outputs, "SKIPPED"
        reason = f"same component, inputs and environment as in {hit.task.run.rsplit('/', 1)[-1]}"
        return _step(view, "reuse", reason, unseen)

    def _run(self, view: TaskView, reason: str, unseen: tuple[str, ...]) -> Step:
        self._running.add(view.path)
        return _step(view, "run", reason, unseen)

    def _leave_out(self, view: TaskView, reason: str) -> Step:
        view.state = "NOT_TRIGGERED"
        return _step(view, "leave_out", reason)


def unseen_data(conn: Connection, blobs: Blobs, active: ActiveRun, path: str) -> tuple[str, ...]:
    """Name the parameters that are locations but whose content is not held here."""
    parameters = active.inputs_of(path).parameters
    known = caching.data_of(conn, blobs, parameters)
    return tuple(
        name
        for name, value in parameters.items()
        if isinstance(value, str) and "://" in value and name not in known and not caching.is_output_location(name)
    )


def _is_triggered(task: ir.Task, inputs: ir.TaskInputs) -> bool:
    """Tell whether a task's condition holds. Raises ValueError with the reason why the task would fail."""
    if inputs.problems:
        raise ValueError(inputs.problems[0])
    if task.condition and not ir.holds(task, inputs):
        return False
    if inputs.missing:
        raise ValueError(f"its input {inputs.missing[0]!r} has no value")
    return True


def _step(view: TaskView, decision: str, reason: str, unseen: tuple[str, ...] = ()) -> Step:
    return Step(
        task=view.path,
        display_name=view.task.display_name,
        decision=decision,
        reason=reason,
        unseen=unseen,
        resources=view.task.resources,
        workers=workers_of(view.task),
    )


def _registered(task: ir.Task, outputs: ir.Outputs) -> str:
    if task.is_importer:
        return "registers what exists"
    found = [f"{key} {made[0].uri}" if made else f"no {key}" for key, made in outputs.artifacts.items()]
    return f"finds {', '.join(found)}" if found else "asks for nothing"


def _unknown(path: str, task: ir.Task, reason: str, after: str = "") -> Iterator[Step]:
    """Say of every leaf below a task that it would run; how often a loop goes round is not known yet."""
    if task.body is None:
        decision = "run" if task.needs_worker else _UNWORKED[task.kind]
        yield Step(
            task=path,
            display_name=task.display_name,
            decision=decision,
            reason=reason,
            after=after,
            resources=task.resources,
            workers=workers_of(task),
        )
        return
    for name, inner in task.body.tasks.items():
        yield from _unknown(f"{path}.{name}", inner, reason, after)


def workers_of(task: ir.Task) -> int:
    """Count the tasks for workers in a task; a group or a loop is none itself."""
    if task.body is None:
        return int(task.kind == "container")
    return sum(workers_of(inner) for inner in task.body.tasks.values())
