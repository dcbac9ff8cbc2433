"""Runs as our own JSON: Google's PipelineJob, and beside it what Google has no field for."""

from dataclasses import asdict, replace
from typing import Any

from trainshed import costs
from trainshed.api import fields
from trainshed.api.services.pipelines_json import job_json
from trainshed.clock import rfc3339
from trainshed.runs import (
    Attempt,
    Cancellation,
    Details,
    Done,
    Line,
    Run,
    TaskRow,
    Traces,
    Trigger,
    actual,
    done,
    outline,
    paused_seconds,
    tally_of,
    used,
    worked_seconds,
)

PRICES = costs.load()


def run_json(details: Details, traces: Traces) -> dict[str, Any]:
    """Write a run with all its tasks."""
    run = details.run
    attempts: dict[str, list[dict[str, Any]]] = {}
    for attempt in details.attempts:
        attempts.setdefault(attempt.task_id, []).append(_attempt_json(attempt))
    cost = costs.to_document(actual(PRICES, details.tasks, details.attempts))
    return {
        "job": job_json(run, details, traces=traces),
        **brief_json(run, details.cancellation, _done(details)),
        "outputs": fields.writable(run.outputs or {}),
        "tasks": [_task_json(task, attempts.get(task.id, [])) for task in details.tasks],
        "cost": cost,
    }


def outline_json(details: Details) -> dict[str, Any]:
    """Write a run for people: its tasks as a tree, the iterations of loops counted."""
    cost = costs.to_document(replace(actual(PRICES, details.tasks, details.attempts), parts={}))
    lines = [_line_json(details.run, line) for line in outline(details.plan, details.tasks, details.attempts)]
    return {
        **brief_json(details.run, details.cancellation, _done(details)),
        "outputs": fields.writable(details.run.outputs or {}),
        "lines": lines,
        "cost": cost,
    }


def brief_json(run: Run, cancellation: Cancellation | None = None, going: Done | None = None) -> dict[str, Any]:
    """Write what lists show; `going` says how far a run is that goes on.

    `workedSeconds` is the time between start and end without the pauses before a retry.
    """
    found = tally_of(run) or going
    return {
        "name": run.name,
        "pipeline": run.pipeline,
        "displayName": run.display_name,
        "state": run.state,
        "needless": run.is_needless,
        "tasksTotal": run.tasks_total,
        "tasksRan": run.tasks_ran,
        "tasksLeftOut": run.tasks_left_out,
        "done": found.said() if found else "",
        "cause": run.cause_kind,
        "receipt": run.receipt_id,
        "trigger": run.trigger,
        "error": run.error,
        "parameters": dict(run.parameters),
        "labels": dict(run.labels),
        "failurePolicy": run.failure_policy,
        "createTime": rfc3339(run.create_time),
        "startTime": rfc3339(run.start_time) if run.start_time else "",
        "endTime": rfc3339(run.end_time) if run.end_time else "",
        "workedSeconds": worked_seconds(run),
        "pausedSeconds": paused_seconds(run),
        "commit": run.commit_sha or "",
        "cancellation": _cancellation_json(cancellation),
    }


def _done(details: Details) -> Done:
    return done(((task.kind, task.state) for task in details.tasks), details.run.tasks_total)


def _cancellation_json(found: Cancellation | None) -> dict[str, str] | None:
    return None if found is None else {"time": rfc3339(found.time), "by": found.by}


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """Write a run trigger."""
    return {
        "name": trigger.name,
        "topic": trigger.topic,
        "bucket": trigger.bucket,
        "spec": trigger.spec_uri,
        "parameters": dict(trigger.parameters),
        "subscription": trigger.subscription,
        "disabled": trigger.is_disabled,
        "createTime": rfc3339(trigger.create_time),
    }


def _task_json(task: TaskRow, attempts: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "name": task.name,
        "kind": task.kind,
        "iteration": task.iteration,
        "state": task.state,
        "cachedFrom": task.cached_from,
        "error": "" if task.state == "SUCCEEDED" else task.error,  # an earlier attempt's is with the attempts
        "outputs": fields.writable(task.outputs),
        "cpus": task.cpus,
        "memoryBytes": task.memory_bytes,
        "machineType": task.machine_type,
        "cpuSeconds": task.cpu_seconds,
        "peakMemoryBytes": task.peak_memory_bytes,
        "environment": task.environment,
        "startTime": rfc3339(task.start_time) if task.start_time else "",
        "endTime": rfc3339(task.end_time) if task.end_time else "",
        "attempts": attempts,
    }


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    return asdict(attempt) | {"start_time": rfc3339(attempt.start_time), "end_time": rfc3339(attempt.end_time)}


def _line_json(run: Run, line: Line[TaskRow]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "depth": line.depth,
        "task": line.path,
        "label": line.label,
        "kind": line.kind,
        "state": line.state,
        "reason": line.reason,
        "counts": dict(line.counts),
        "attempts": [_attempt_json(attempt) for attempt in line.attempts],
    }
    row = line.task
    if row is not None and row.start_time is not None:
        end = rfc3339(row.end_time) if row.end_time else ""
        paused = paused_seconds(run, row.start_time, row.end_time)
        document |= {"startTime": rfc3339(row.start_time), "endTime": end, "pausedSeconds": paused}
        if not row.is_dag:
            document["cost"] = costs.to_document(costs.of_task(PRICES, used(row, line.attempts)))
    return document
