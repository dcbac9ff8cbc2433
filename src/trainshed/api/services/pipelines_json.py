"""Runs as Google's PipelineJob. Time and size grow with the tasks that are there, and with nothing else."""

from collections.abc import Mapping
from typing import Any

from trainshed.api import fields
from trainshed.clock import rfc3339
from trainshed.lineage import Artifact, Execution, metadata_of, public_id, shown_name
from trainshed.names import short
from trainshed.runs import Attempt, Cancellation, Rows, Run, TaskRow, Traces

_CANCELLED, _DEADLINE_EXCEEDED, _RESOURCE_EXHAUSTED, _FAILED_PRECONDITION, _INTERNAL, _UNAVAILABLE = 1, 4, 8, 9, 13, 14
_CODES = {  # google.rpc.Code of what became of an attempt
    "ExitedNonZero": _FAILED_PRECONDITION,
    "OutputMissing": _FAILED_PRECONDITION,
    "OutOfMemory": _RESOURCE_EXHAUSTED,
    "TimedOut": _DEADLINE_EXCEEDED,
    "StartFailed": _INTERNAL,
    "LeaseLost": _UNAVAILABLE,
    "Stopped": _CANCELLED,
}
_TASK_STATES = {"QUEUED": "PENDING"}
_EXECUTION_STATES = {"SUCCEEDED": "COMPLETE", "SKIPPED": "CACHED", "FAILED": "FAILED", "CANCELLED": "CANCELLED"}


def job_json(
    run: Run,
    details: Rows | None = None,
    spec: Mapping[str, Any] | None = None,
    traces: Traces | None = None,
) -> dict[str, Any]:
    """Write a run as Google's JSON; with details, its tasks as well; with traces, their artifacts."""
    document: dict[str, Any] = {
        "name": run.name,
        "displayName": run.display_name,
        "state": f"PIPELINE_STATE_{run.state}",
        "createTime": rfc3339(run.create_time),
        "updateTime": rfc3339(run.update_time),
        "labels": dict(run.labels),
        "runtimeConfig": {
            "gcsOutputDirectory": run.root,
            "parameterValues": dict(run.parameters),
            "failurePolicy": f"PIPELINE_FAILURE_POLICY_{run.failure_policy}",
        },
        **_times(run.start_time, run.end_time),
        **run.carried,
    }
    if run.input_artifacts:
        document["runtimeConfig"]["inputArtifacts"] = {
            name: {"artifactId": given["name"].rsplit("/", 1)[-1]} for name, given in run.input_artifacts.items()
        }
    optional = {
        "serviceAccount": run.service_account,
        "templateUri": run.template_uri,
        "scheduleName": run.schedule_name,
        "pipelineSpec": spec,
    }
    document |= {key: value for key, value in optional.items() if value}
    if run.error:
        document["error"] = {"code": _FAILED_PRECONDITION, "message": run.error}
    elif details is not None and details.cancellation is not None and run.state == "CANCELLED":
        document["error"] = _asked(details.cancellation)
    if details is not None:
        document["jobDetail"] = _Tasks(details, traces or Traces()).detail()
    return document


def _asked(found: Cancellation) -> dict[str, Any]:
    message = f"The run was asked to end by {found.by} at {rfc3339(found.time)}."
    return {"code": _CANCELLED, "message": message}


def listed_json(run: Run, spec: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write a run as lists have it: with its contexts, without its tasks."""
    return {**job_json(run, spec=spec), "jobDetail": _contexts(run)}


def _contexts(run: Run) -> dict[str, Any]:
    store = f"{run.name.rsplit('/', 2)[0]}/metadataStores/default"
    named = {"pipelineContext": (run.pipeline, "Pipeline"), "pipelineRunContext": (short(run.name), "PipelineRun")}
    return {
        key: {"name": f"{store}/contexts/{name}", "displayName": name, "schemaTitle": f"system.{kind}"}
        for key, (name, kind) in named.items()
    }


class _Tasks:
    def __init__(self, details: Rows, traces: Traces) -> None:
        self._run = details.run
        self._tasks = details.tasks
        self._cancellation = details.cancellation
        self._paths = {task.id: task.name for task in details.tasks}
        self._ids = {task.id: int(task.id) for task in details.tasks}
        self._attempts: dict[str, list[Attempt]] = {}
        for attempt in details.attempts:
            self._attempts.setdefault(attempt.task_id, []).append(attempt)
        self._store = f"{details.run.name.rsplit('/', 2)[0]}/metadataStores/default"
        self._artifacts = {found.artifact_id: self._artifact(found) for found in traces.artifacts}
        self._executions = {found.execution_id: found for found in traces.executions}
        self._parents = [f"{self._store}/contexts/{public_id(parent)}" for parent in traces.parents]
        self._inputs: dict[int, dict[str, list[int]]] = {}
        for event in traces.events:
            if event.type == "INPUT":
                taken = self._inputs.setdefault(event.execution_id, {})
                taken.setdefault(event.path, []).append(event.artifact_id)

    def detail(self) -> dict[str, Any]:
        """Write a PipelineJobDetail."""
        found = _contexts(self._run)
        found["pipelineRunContext"]["parentContexts"] = self._parents
        return {**found, "taskDetails": [self._task(task) for task in self._tasks]}

    def _task(self, task: TaskRow) -> dict[str, Any]:
        attempts = self._attempts.get(task.id, [])
        document: dict[str, Any] = {
            "taskId": self._ids[task.id],
            "taskName": task.name[len(self._prefix(task)) :],
            "taskUniqueName": task.name,
            "state": _TASK_STATES.get(task.state, task.state),
            "createTime": rfc3339(task.create_time),
            **_times(task.start_time, task.end_time),
        }
        if task.parent in self._ids:
            document["parentTaskId"] = self._ids[task.parent]
        if task.error and task.state == "FAILED":
            code = _CODES.get(attempts[-1].outcome, _FAILED_PRECONDITION) if attempts else _FAILED_PRECONDITION
            document["error"] = {"code": code, "message": task.error}
        elif task.state == "CANCELLED" and self._cancellation is not None:
            document["error"] = _asked(self._cancellation)
        if task.kind == "container":
            document["executorDetail"] = {"containerDetail": {}}
        if attempts:
            document["pipelineTaskStatus"] = [_status(attempt) for attempt in attempts]
        return document | self._traces(task)

    def _prefix(self, task: TaskRow) -> str:
        """Answer what a task's path has before its name, which may hold dots itself."""
        if task.parent not in self._paths:
            return ""
        return f"{self._paths[task.parent]}{'' if task.iteration is None else f'[{task.iteration}]'}."

    def _traces(self, task: TaskRow) -> dict[str, Any]:
        document: dict[str, Any] = {}
        if task.execution_id is not None and task.state in _EXECUTION_STATES:
            name = f"{self._store}/executions/{task.execution_id}"
            document["execution"] = {"name": name, "state": _EXECUTION_STATES[task.state]}
            if known := self._executions.get(task.execution_id):
                document["execution"] |= _execution(known)
            if taken := self._inputs.get(task.execution_id):
                document["inputs"] = self._lists(taken)
        if made := (task.outputs or {}).get("artifacts"):
            document["outputs"] = self._lists(made)
        return document

    def _lists(self, found: Mapping[str, list[int]]) -> dict[str, Any]:
        return {key: {"artifacts": [self._known(number) for number in ids]} for key, ids in found.items()}

    def _known(self, number: int) -> dict[str, Any]:
        return self._artifacts.get(number) or {"name": f"{self._store}/artifacts/{number}"}

    def _artifact(self, artifact: Artifact) -> dict[str, Any]:
        return {
            "name": f"{self._store}/artifacts/{public_id(artifact)}",
            "displayName": artifact.name,
            "uri": artifact.uri,
            "state": artifact.last_known_state,
            "schemaTitle": artifact.schema_title,
            "metadata": fields.writable(artifact.metadata),
            "createTime": rfc3339(artifact.create_time),
        }


def _execution(execution: Execution) -> dict[str, Any]:
    return {
        "displayName": shown_name(execution),
        "schemaTitle": execution.schema_title,
        "metadata": fields.writable(metadata_of(execution)),
        "createTime": rfc3339(execution.create_time),
    }


def _status(attempt: Attempt) -> dict[str, Any]:
    """Write what became of an attempt."""
    found: dict[str, Any] = {"updateTime": rfc3339(attempt.end_time)}
    if attempt.outcome == "Succeeded":
        return found | {"state": "SUCCEEDED"}
    error = {"code": _CODES.get(attempt.outcome, _FAILED_PRECONDITION), "message": attempt.message}
    return found | {"state": "CANCELLED" if attempt.outcome == "Stopped" else "FAILED", "error": error}


def _times(start: Any, end: Any) -> dict[str, str]:
    return {k: rfc3339(v) for k, v in (("startTime", start), ("endTime", end)) if v is not None}
