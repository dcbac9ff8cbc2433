"""An open run in memory: its plan, its view, its tasks' inputs and outputs. A cache; rows are the truth."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import ir, names
from trainshed.clock import rfc3339
from trainshed.runs import outputs, store
from trainshed.runs.advance import RunView, TaskView
from trainshed.runs.model import NAME, Key, Run, TaskRow
from trainshed.runs.workplace import Workplace

_EMPTY = ir.Outputs()


@dataclass(kw_only=True)
class ActiveRun:
    """Everything the engine needs to go on with a run without reading it again."""

    run: Run
    plan: ir.Plan
    view: RunView
    places: dict[str, Workplace]
    ids: dict[str, str]  # task -> id
    rows: dict[str, TaskRow]  # as they were when the run was taken up
    outputs: dict[str, ir.Outputs] = field(default_factory=dict)
    inputs: dict[str, ir.TaskInputs] = field(default_factory=dict)
    folder: Path
    keys: dict[str, Key] = field(default_factory=dict)  # task -> under what its outputs will be kept
    errors: dict[str, str] = field(default_factory=dict)
    ran: int = 0  # tasks that a worker really ran to a good end
    is_cancelled: bool = False  # the wish to cancel has reached its tasks
    is_final: bool = False

    @property
    def parent(self) -> str:
        """projects/P/locations/L."""
        return self.run.name.rsplit("/", 2)[0]

    def facts(self, task: str = "") -> ir.RunFacts:
        """Answer what placeholders may say."""
        job = names.parse(NAME, self.run.name)["job"]
        return ir.RunFacts(
            job_name=job,
            resource_name=self.run.name,
            job_uuid=self.run.number,
            root=self.run.root,
            create_time=rfc3339(self.run.create_time),
            schedule_time=rfc3339(self.run.logical_time),
            task_name=task,
            task_id=self.ids.get(task, ""),
        )

    def inputs_of(self, task: str) -> ir.TaskInputs:
        """Put a task's inputs together; kept, because every attempt gets the same."""
        if task not in self.inputs:
            found = ir.inputs_of(self.plan.tasks[task], self.facts(task), self.run.parameters, self.outputs_of)
            self.inputs[task] = found
        return self.inputs[task]

    def outputs_of(self, task: str) -> ir.Outputs:
        """Answer what a finished task gave."""
        return self.outputs.get(task, _EMPTY)

    def attempt_folder(self, task: str, attempt: int) -> Path:
        """Answer an attempt's own folder."""
        return self.folder / folder_name(task) / str(attempt)

    def places_of(self, task: str, attempt: int) -> ir.Places:
        """Say where an attempt finds and leaves its files."""
        folder = self.attempt_folder(task, attempt)
        mount = folder / "mount"
        job = names.short(self.run.name)
        base = f"{self.run.root.rstrip('/')}/{job}/{task}_{self.ids[task]}"
        definition = self.plan.tasks[task]
        return ir.Places(
            artifact_uris={key: f"{base}/{key}" for key in definition.output_artifacts},
            parameter_files={key: str(folder / "outputs" / key) for key in definition.output_parameters},
            # inside the mount, so that `dsl.get_uri()` answers the task's own place in the bucket
            output_file=str(mount / base.removeprefix("gs://") / "executor_output.json"),
            path_of=lambda uri: str(mount / uri.removeprefix("gs://")) if uri.startswith("gs://") else uri,
        )


def folder_name(task: str) -> str:
    """Answer the folder of a task's attempts; names come from documents, so nothing of them is a path."""
    safe = "".join(c if c.isalnum() or c in "-_." else "_" for c in task)[:100].lstrip(".")
    return safe if safe == task else f"{safe}-{ir.digest(task)[:8]}"


def take_up(conn: Connection, run: Run, plan: ir.Plan, places: dict[str, Workplace], folder: Path) -> ActiveRun:
    """Build a run's memory from its rows."""
    rows = {row.name: row for row in store.tasks_of(conn, run.name)}
    views = {
        name: TaskView(state=row.state, attempt=row.attempt, failures=row.failures, losses=row.losses)
        for name, row in rows.items()
    }
    view = RunView.of(plan, views, state=run.state, is_fail_fast=run.failure_policy == "FAIL_FAST")
    active = ActiveRun(
        run=run, plan=plan, view=view, places=places, ids={n: r.id for n, r in rows.items()}, rows=rows, folder=folder
    )
    for name, row in rows.items():
        if row.cache_key:
            active.keys[name] = Key(key=row.cache_key, parts=row.key_parts or {})
        if row.outputs is not None:
            active.outputs[name] = outputs.from_row(conn, row.outputs, active.parent)
        active.ran += row.state == "SUCCEEDED" and not plan.tasks[name].is_importer
    return active


def run_outputs(active: ActiveRun) -> dict[str, Any]:
    """Answer the pipeline's own outputs, as `--outputs` writes them."""
    found: dict[str, Any] = {}
    for key, source in active.plan.output_parameters.items():
        value = active.outputs_of(source.task).parameters.get(source.key, ir.ABSENT)
        if value is not ir.ABSENT:
            found[key] = value
    for key, sources in active.plan.output_artifacts.items():
        artifacts = [a for s in sources for a in active.outputs_of(s.task).artifacts.get(s.key, ())]
        documents = [
            {"name": a.title, "uri": a.uri, "type": ir.type_name(a.type), "metadata": dict(a.metadata)}
            for a in artifacts
        ]
        is_list = any(active.plan.tasks[s.task].output_artifacts[s.key].is_list for s in sources)
        if documents:
            found[key] = documents if is_list or len(documents) > 1 else documents[0]
    return found
