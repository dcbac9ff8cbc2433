"""An open run in memory: its plan, its view, its tasks' inputs and outputs. A cache; rows are the truth."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from trainshed import ir, names
from trainshed.runs import handed, outputs
from trainshed.runs.lifecycle import STOPPED
from trainshed.runs.model import Run, TaskRow
from trainshed.runs.nodes import NOTHING, Failures, Node, new_node, node_of, row_of
from trainshed.runs.view import RunView, ScopeView
from trainshed.runs.workplace import Workplace

_Answer = TypeVar("_Answer")


@dataclass(kw_only=True)
class ActiveRun:
    """Everything the engine needs to go on with a run without reading it again."""

    run: Run
    plan: ir.Plan
    view: RunView
    places: Mapping[str, Workplace]  # by component
    nodes: dict[str, Node] = field(default_factory=dict)  # by path, like the view's tasks
    paths: dict[str, str] = field(default_factory=dict)  # id -> path
    folder: Path
    positions: int = 0  # tasks that were ever made
    is_cancelled: bool = False  # the wish to cancel has reached its tasks
    is_final: bool = False
    codes: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # component -> what lineage says of its code
    _inputs: dict[tuple[str, int], ir.TaskInputs] = field(default_factory=dict)  # of scopes

    @property
    def parent(self) -> str:
        """projects/P/locations/L."""
        return self.run.name.rsplit("/", 2)[0]

    def task(self, path: str) -> ir.Task:
        """Answer what the document says about a task."""
        return self.nodes[path].task

    def place(self, path: str) -> Workplace:
        """Answer where a task works."""
        node = self.nodes[path]
        place = self.places[node.task.component]
        return replace(place, environment=node.image) if node.image else place

    def facts(self, path: str = "") -> ir.RunFacts:
        """Answer what placeholders may say."""
        node = self.nodes.get(path)
        task, task_id = (node.task.name, node.id) if node else ("", "")
        return handed.facts_of(self.run, self.plan, self.folder, task=task, task_id=task_id)

    # Values

    def inputs_of(self, path: str) -> ir.TaskInputs:
        """Put a task's inputs together."""
        node = self.nodes[path]
        if node.inputs is None:
            scope = self.view.tasks[path].scope
            node.inputs = ir.inputs_of(node.task, self.facts(path), self._around(scope))
        return node.inputs

    def measure(self, path: str) -> None:
        """Find out what a task asks for, now that its inputs are known: quantities may be placeholders."""
        node = self.nodes[path]
        document = {"inputs": {"parameterValues": dict(self.inputs_of(path).given)}, "outputs": {}}
        node.resources = ir.resources_of(node.task, self.facts(path), document)

    def outputs_of(self, path: str) -> ir.Outputs:
        """Answer what a finished task gave."""
        node = self.nodes.get(path)
        return NOTHING if node is None else node.outputs

    def outputs_of_scope(self, scope: ScopeView) -> ir.Outputs:
        """Answer what a finished DAG, or an iteration of it, gave."""
        return ir.outputs_of(scope.dag, _by_name(self.outputs_of, scope))

    def final_status(self, path: str) -> dict[str, Any]:
        """Say how a task ended, as KFP's PipelineTaskFinalStatus."""
        view = self.view.tasks[path]
        return handed.final_status(self.run, view.task.name, view.state, self.nodes[path].error)

    def cancelling(self) -> list[tuple[str, int]]:
        """Answer the attempts that are being stopped: ids of tasks, numbers of attempts."""
        tasks = self.view.tasks.items()
        return [(self.nodes[path].id, task.attempt) for path, task in tasks if task.state == "CANCELLING"]

    def _around(self, scope: ScopeView) -> ir.Surroundings:
        inputs = self._inputs_of_scope(scope)
        return ir.Surroundings(
            parameters=inputs.parameters,
            artifacts=inputs.artifacts,
            outputs=_by_name(self.outputs_of, scope),
            final_status=_by_name(self.final_status, scope),
        )

    def _inputs_of_scope(self, scope: ScopeView) -> ir.TaskInputs:
        owner = scope.owner
        key = (owner.path if owner else "", scope.iteration)
        if key not in self._inputs:
            if owner is None:
                self._inputs[key] = ir.root_inputs(self.plan, self.run.parameters, handed.given_artifacts(self.run))
            elif owner.task.loop is None:
                self._inputs[key] = self.inputs_of(owner.path)
            else:
                item = self.nodes[owner.path].items[scope.iteration]
                self._inputs[key] = ir.iteration_inputs(owner.task, self.inputs_of(owner.path), item)
        return self._inputs[key]

    # Scopes

    def open(self, path: str, first: int, count: int, *, now: datetime) -> list[dict[str, Any]]:
        """Make the tasks of some of a DAG's iterations; answer their rows."""
        rows: list[dict[str, Any]] = []
        for scope in self.view.opened(path, first, count):
            rows += self._rows(scope, parent=self.nodes[path].id, now=now)
        return rows

    def open_root(self, *, now: datetime) -> list[dict[str, Any]]:
        """Make the pipeline's own tasks; answer their rows."""
        return self._rows(self.view.root, parent="", now=now)

    def _rows(self, scope: ScopeView, *, parent: str, now: datetime) -> list[dict[str, Any]]:
        iteration = scope.iteration if scope.owner and scope.owner.task.loop else None
        rows = []
        for view in scope.tasks.values():
            node = new_node(view.path, view.task)
            self._know(node)
            rows.append(
                row_of(node, run=self.run.name, position=self.positions, parent=parent, iteration=iteration, now=now)
            )
            self.positions += 1
        return rows

    def close(self, path: str, iteration: int) -> list[str]:
        """Keep what an iteration gave with its DAG task and forget its tasks; answer their ids."""
        scope = self.view.tasks[path].scopes[iteration]
        owner = self.nodes[path]
        owner.gathered[iteration] = self.outputs_of_scope(scope)
        owner.failures.include(self.failures(scope))
        owner.error = str(owner.failures) or owner.error
        self.view.closed(path, iteration)
        self._inputs.pop((path, iteration), None)
        ids = []
        for view in scope.tasks.values():
            ids.append(self.nodes.pop(view.path).id)
            del self.paths[ids[-1]]
        return ids

    def gather(self, path: str) -> ir.Outputs:
        """Answer what a DAG task gives, once its last scope is closed."""
        node = self.nodes[path]
        found = [node.gathered[i] for i in sorted(node.gathered)]
        node.gathered = {}
        if node.task.loop is not None:
            return ir.gathered(node.task, found)
        return found[0] if found else NOTHING

    def failures(self, scope: ScopeView | None = None) -> Failures:
        """Say which tasks of a scope failed, in the order of the plan, and why."""
        found = Failures()
        for view in (scope or self.view.root).tasks.values():
            if view.state != "FAILED":
                continue
            node = self.nodes[view.path]
            if view.task.body is None or not node.error:
                found.add(view.path, node.error)
            else:  # after a restart, of those in a DAG that ended before only its error is known
                found.include(node.failures if node.failures.count else Failures(first=node.error, count=1))
        return found

    def _know(self, node: Node) -> None:
        self.nodes[node.path] = node
        self.paths[node.id] = node.path

    # Places

    @property
    def workspace(self) -> Path:
        """The folder that all tasks of the run share, when the pipeline asks for one."""
        return handed.workspace(self.folder)

    def attempt_folder(self, path: str, attempt: int) -> Path:
        """Answer an attempt's own folder."""
        return self.folder / folder_name(path) / str(attempt)

    def mount_of(self, path: str, attempt: int) -> Path:
        """Answer the folder below which an attempt finds buckets."""
        return self.attempt_folder(path, attempt) / "mount"

    def places_of(self, path: str, attempt: int) -> ir.Places:
        """Say where an attempt finds and leaves its files."""
        folder = str(self.attempt_folder(path, attempt))
        mount = str(self.mount_of(path, attempt))
        node = self.nodes[path]
        job = names.short(self.run.name)
        readable = path.replace("[", "-").replace("]", "").replace("/", "-")  # brackets are wildcards to gsutil
        again = f"-{attempt}" if attempt > 1 else ""  # what an earlier attempt left there is none of its outputs
        base = f"{self.run.root.rstrip('/')}/{job}/{readable}_{node.id}{again}"
        return ir.Places(
            artifact_uris={key: f"{base}/{key}" for key in node.task.output_artifacts},
            parameter_files={key: f"{folder}/outputs/{key}" for key in node.task.output_parameters},
            # inside the mount, so that `dsl.get_uri()` answers the task's own place in the bucket
            output_file=f"{mount}/{base.removeprefix('gs://')}/executor_output.json",
            path_of=partial(_path_of, mount),
        )


def _by_name(answer: Callable[[str], _Answer], scope: ScopeView) -> Callable[[str], _Answer]:
    prefix = scope.prefix
    return lambda name: answer(prefix + name)


def _path_of(mount: str, uri: str) -> str:
    return f"{mount}/{uri.removeprefix('gs://').rstrip('/')}" if uri.startswith("gs://") else uri


def folder_name(path: str) -> str:
    """Answer the folder of a task's attempts; names come from documents, so nothing of them is a path."""
    safe = "".join(c if c.isalnum() or c in "-_.[]" else "_" for c in path)[:100].lstrip(".")
    return safe if safe == path else f"{safe}-{ir.digest(path)[:8]}"


def begin(run: Run, plan: ir.Plan, places: Mapping[str, Workplace], folder: Path) -> ActiveRun:
    """Build the memory of a run that has no tasks yet."""
    view = RunView.of(plan, state=run.state, is_fail_fast=run.failure_policy == "FAIL_FAST")
    view.is_expired = run.state == "CANCELLING" and bool(run.error)
    return ActiveRun(run=run, plan=plan, view=view, places=places, folder=folder)


def take_up(conn: Connection, active: ActiveRun, rows: Sequence[TaskRow], *, keep_ended: bool = False) -> None:
    """Bring a run's memory to where its rows are; ended iterations are closed unless they are to be kept."""
    for row in rows:  # a DAG task's own row comes before those of the tasks in it
        if row.parent and not keep_ended and not _is_in_use(active, row.parent):
            continue
        if row.name not in active.view.tasks:
            active.view.opened(active.paths[row.parent], row.iteration or 0, 1)
        _restore(conn, active, row)
    active.positions = max((row.position + 1 for row in rows), default=0)
    active.view.count()
    active.is_cancelled = active.run.state == "CANCELLING" and any(row.state in STOPPED for row in rows)
    if not keep_ended:
        for scope in reversed(list(active.view.scopes())):
            if scope.owner is not None and scope.open == 0:
                active.close(scope.owner.path, scope.iteration)


def _is_in_use(active: ActiveRun, task_id: str) -> bool:
    path = active.paths.get(task_id)
    return path is not None and not active.view.tasks[path].is_final


def _restore(conn: Connection, active: ActiveRun, row: TaskRow) -> None:
    view = active.view.tasks[row.name]
    node = node_of(row, view.task)
    active._know(node)  # noqa: SLF001  (this module's own)
    active.view.restore(
        row.name,
        state=row.state,
        attempt=row.attempt,
        failures=row.failures,
        losses=row.losses,
        has_begun=row.start_time is not None,
    )
    if row.outputs is not None:
        node.outputs = outputs.from_row(conn, row.outputs, active.parent)
    if row.state in {"QUEUED", "RUNNING", "CANCELLING"}:
        _restore_work(active, row)


def _restore_work(active: ActiveRun, row: TaskRow) -> None:
    """Find out again what was found out when a task that goes on began."""
    node = active.nodes[row.name]
    if node.task.body is not None:
        iterate(active, row.name)
        return
    if "{{$" in str(node.task.executor.get("container", {}).get("resources", "")):
        active.measure(row.name)
    made_for = node.key.parts.get("environment", "") if node.key is not None else ""
    if made_for and made_for != active.place(row.name).identity:  # its image is bound to something else by now
        node.key = None


def iterate(active: ActiveRun, path: str) -> int:
    """Find out how many iterations a DAG task has; answer it. Raises ValueError with the reason why it cannot be told."""
    node = active.nodes[path]
    if node.task.loop is not None:
        node.items = ir.items_of(node.task, active.inputs_of(path), active.facts(path))
    count = 1 if node.task.loop is None else len(node.items)
    active.view.tasks[path].iterations = count
    return count


def run_outputs(active: ActiveRun) -> dict[str, Any]:
    """Answer the pipeline's own outputs, as `--outputs` writes them."""
    made = active.outputs_of_scope(active.view.root)
    found: dict[str, Any] = dict(made.parameters)
    for key, artifacts in made.artifacts.items():
        documents = [
            {"name": a.title, "uri": a.uri, "type": ir.type_name(a.type), "metadata": dict(a.metadata)}
            for a in artifacts
        ]
        declared = active.plan.artifact_outputs.get(key)
        is_list = declared is not None and declared.is_list
        if documents or is_list:
            found[key] = documents if is_list or len(documents) > 1 else documents[0]
    return found
