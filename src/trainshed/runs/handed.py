"""What a task is handed before lineage knows of it: its inputs, put together from rows, as the engine put them together.

Only the rows that its inputs name are read, so that it is quick in a run of very many tasks.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, select

from trainshed import ir, names
from trainshed.clock import rfc3339
from trainshed.runs import outputs, store_tasks
from trainshed.runs.model import NAME, Run, TaskRow
from trainshed.runs.nodes import NOTHING
from trainshed.runs.paths import static

_KNOWN = {"QUEUED", "RUNNING", "CANCELLING"}  # its inputs are complete, and it has not ended


def facts_of(run: Run, plan: ir.Plan, folder: Path, *, task: str = "", task_id: str = "") -> ir.RunFacts:
    """Answer what placeholders may say about a run, and about one of its tasks."""
    return ir.RunFacts(
        job_name=names.parse(NAME, run.name)["job"],
        resource_name=run.name,
        job_uuid=run.number,
        root=run.root,
        create_time=rfc3339(run.create_time),
        schedule_time=rfc3339(run.logical_time),
        task_name=task,
        task_id=task_id,
        workspace_path=str(workspace(folder)) if plan.has_workspace else "",
    )


def workspace(folder: Path) -> Path:
    """Answer the folder that all tasks of a run share, when the pipeline asks for one."""
    return folder / "workspace"


def given_artifacts(run: Run) -> dict[str, list[ir.ArtifactValue]]:
    """Answer the artifacts that a run was started with."""
    return {name: [ir.ArtifactValue(**found)] for name, found in run.input_artifacts.items()}


def final_status(run: Run, task: str, state: str, error: str) -> dict[str, Any]:
    """Say how a task ended, as KFP's PipelineTaskFinalStatus."""
    return {
        "state": "SUCCEEDED" if state == "SKIPPED" else state,
        "error": {"code": 9, "message": error} if state == "FAILED" else {},
        "pipelineJobResourceName": run.name,
        "pipelineTaskName": task,
    }


def handed(conn: Connection, run: Run, plan: ir.Plan, folder: Path, row: TaskRow) -> ir.TaskInputs | None:
    """Answer what a task that waits for a worker, or has one, is handed; None for any other."""
    if row.state not in _KNOWN:
        return None
    return _Hands(conn=conn, run=run, plan=plan, folder=folder).inputs(row)


@dataclass(frozen=True, kw_only=True)
class _Hands:
    conn: Connection
    run: Run
    plan: ir.Plan
    folder: Path

    def inputs(self, row: TaskRow) -> ir.TaskInputs:
        task = self.plan.find(static(row.name))
        prefix, scope = self._scope(row)
        around = ir.Surroundings(
            parameters=scope.parameters,
            artifacts=scope.artifacts,
            outputs=lambda name: self._outputs(prefix + name),
            final_status=lambda name: self._status(prefix + name, name),
        )
        return ir.inputs_of(task, self._facts(row, task), around)

    def _scope(self, row: TaskRow) -> tuple[str, ir.TaskInputs]:
        """Answer what paths beside a task begin with, and the inputs of the DAG instance that it is in."""
        if not row.parent:
            return "", ir.root_inputs(self.plan, self.run.parameters, given_artifacts(self.run))
        owner = self._row(store_tasks.tasks.c.id == row.parent)
        assert owner is not None  # it is there as long as what is in it
        task, inputs = self.plan.find(static(owner.name)), self.inputs(owner)
        if task.loop is None or row.iteration is None:
            return f"{owner.name}.", inputs
        item = ir.items_of(task, inputs, self._facts(owner, task))[row.iteration]
        return f"{owner.name}[{row.iteration}].", ir.iteration_inputs(task, inputs, item)

    def _facts(self, row: TaskRow, task: ir.Task) -> ir.RunFacts:
        return facts_of(self.run, self.plan, self.folder, task=task.name, task_id=row.id)

    def _outputs(self, path: str) -> ir.Outputs:
        found = self._of_path(path)
        if found is None or found.outputs is None:
            return NOTHING
        return outputs.from_row(self.conn, found.outputs, self.run.name.rsplit("/", 2)[0])

    def _status(self, path: str, task: str) -> Mapping[str, Any]:
        found = self._of_path(path)
        return {} if found is None else final_status(self.run, task, found.state, found.error)

    def _of_path(self, path: str) -> TaskRow | None:
        return self._row((store_tasks.tasks.c.run == self.run.name) & (store_tasks.tasks.c.name == path))

    def _row(self, wanted: Any) -> TaskRow | None:
        found = self.conn.execute(select(store_tasks.tasks).where(wanted)).one_or_none()
        return None if found is None else TaskRow.from_row(found)
