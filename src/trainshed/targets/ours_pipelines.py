"""Runs on Vertex AI in the terms of our own routes: a PipelineJob is a run, its task details are the tasks."""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from trainshed.client import segment
from trainshed.clock import parse_rfc3339
from trainshed.tally import Tally
from trainshed.targets.google import GoogleClient
from trainshed.targets.pipeline_job import name_of, pipeline_job

_FINAL = {"SUCCEEDED", "FAILED", "CANCELLED"}
_FIRST_LOOKS = (0.5, 1.0, 2.0)
_LOOK_SECONDS = 5.0
_PREFIX, _POLICY = "PIPELINE_STATE_", "PIPELINE_FAILURE_POLICY_"
_ENTRIES = 1000  # of a page


def create(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Start a run; everything that would fail there is refused before."""
    text = _object(client, body["uri"]) if "uri" in body else body["text"]
    job = pipeline_job(text, body, bound=client.bound_images())
    name = body.get("jobId") or _job_id(name_of(job["pipelineSpec"]))
    made = client.call("POST", f"/v1/{parts['parent']}/pipelineJobs", job, query={"pipelineJobId": name})
    return run_json({**job, **made})


def listing(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """List runs, newest first."""
    wanted = [f'state="{_PREFIX}{query["state"]}"'] if query.get("state") else []
    wanted += [query["filter"]] if query.get("filter") else []
    asked = {
        "filter": " AND ".join(wanted) or None,
        "orderBy": "create_time desc",
        "pageToken": query.get("pageToken"),
    }
    page = client.call("GET", f"/v1/{parts['parent']}/pipelineJobs", query=asked)
    found = {"runs": [run_json(job) for job in page.get("pipelineJobs", [])]}
    return found | ({"nextPageToken": page["nextPageToken"]} if page.get("nextPageToken") else {})


def describe(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Show a run with its tasks, and Google's own document."""
    job = _job(client, parts)
    return {"job": job, **run_json(job), "tasks": [_task(task) for task in _tasks(job)]}


def outline(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Show a run with its tasks as a tree."""
    job = _job(client, parts)
    return {**run_json(job), "lines": list(_lines(job))}


def wait(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> dict[str, Any]:  # noqa: ARG001
    """Answer a run that has ended, or how it stands a little later; one that is short is not waited for long."""
    for seconds in (*_FIRST_LOOKS, _LOOK_SECONDS):
        found = run_json(_job(client, parts))
        if found["state"] in _FINAL:
            break
        client.pause(seconds)
    return found


def logs(client: GoogleClient, parts: Mapping[str, str], query: Mapping[str, Any], body: Any) -> Iterator[str]:  # noqa: ARG001
    """Yield what the tasks of a run wrote, as Cloud Logging has it."""
    since, seen = "", set()
    while True:
        job = _job(client, parts)
        is_last = not query.get("stream") or run_json(job)["state"] in _FINAL
        names = {_custom_job(t): t["taskName"] for t in _tasks(job) if _custom_job(t) and _is_asked(t, query)}
        for entry in _entries(client, parts["project"], names, since):
            if entry["insertId"] in seen:
                continue
            seen.add(entry["insertId"])
            since = entry.get("timestamp", since)
            task = names.get(entry.get("resource", {}).get("labels", {}).get("job_id", ""), "")
            payload = entry.get("jsonPayload", {})
            text = entry.get("textPayload") or payload.get("message") or json.dumps(payload)
            yield from (f"{task}: {line}" for line in str(text).splitlines())
        if is_last:
            return
        client.pause(_LOOK_SECONDS)


def run_json(job: Mapping[str, Any]) -> dict[str, Any]:
    """Write a PipelineJob as our own JSON; what Google does not tell is left empty, a cost is not known."""
    config = job.get("runtimeConfig", {})
    tasks = [task for task in _tasks(job) if "executorDetail" in task]
    tally = Tally()
    for task in tasks:
        tally = tally.plus(state=str(task.get("state", "")), has_begun="startTime" in task)
    return {
        "name": job.get("name", ""),
        "pipeline": name_of(job.get("pipelineSpec", {})),
        "displayName": job.get("displayName", ""),
        "state": str(job.get("state", "PENDING")).removeprefix(_PREFIX),
        "needless": bool(tasks) and all(task.get("state") == "SKIPPED" for task in tasks),
        "tasksTotal": len(tasks),
        "done": tally.said() if tally.worked + tally.left_out else "",
        "cause": str(job.get("scheduleName", "")).rpartition("/")[2],
        "receipt": "",
        "error": job.get("error", {}).get("message", ""),
        "parameters": config.get("parameterValues", config.get("parameters", {})),
        "failurePolicy": str(config.get("failurePolicy", "")).removeprefix(_POLICY) or "FAIL_SLOW",
        "createTime": job.get("createTime", ""),
        "startTime": job.get("startTime", ""),
        "endTime": job.get("endTime", ""),
        "workedSeconds": _seconds(job.get("startTime"), job.get("endTime")),
        "pausedSeconds": 0.0,  # there is no retry of a run
        "cancellation": None,
        "commit": "",
        "outputs": {},
        "cost": None,
    }


def _seconds(start: str | None, end: str | None) -> float | None:
    return (parse_rfc3339(end) - parse_rfc3339(start)).total_seconds() if start and end else None


def _job(client: GoogleClient, parts: Mapping[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = client.call("GET", f"/v1/{parts['parent']}/pipelineJobs/{parts['job']}")
    return found


def _object(client: GoogleClient, uri: str) -> bytes:
    bucket, _, name = uri.removeprefix("gs://").partition("/")
    path = f"/storage/v1/b/{segment(bucket)}/o/{segment(name)}"
    with client.download(path, query={"alt": "media"}) as response:
        return response.read()


def _job_id(pipeline: str) -> str:
    from trainshed.runs import job_id

    return job_id(pipeline, datetime.now(UTC))


def _tasks(job: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = job.get("jobDetail", {}).get("taskDetails", [])
    return sorted(found, key=lambda task: task.get("createTime", ""))


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": task.get("taskUniqueName") or task.get("taskName", ""),
        "kind": "container" if "executorDetail" in task else "dag",
        "state": task.get("state", ""),
        "error": task.get("error", {}).get("message", ""),
        "startTime": task.get("startTime", ""),
        "endTime": task.get("endTime", ""),
    }


def _lines(job: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Write the tasks as lines of a tree, each below its parent."""
    children: dict[str, list[dict[str, Any]]] = {}
    known = {str(task.get("taskId", "")) for task in _tasks(job)}
    for task in _tasks(job):
        parent = str(task.get("parentTaskId", ""))
        children.setdefault(parent if parent in known else "", []).append(task)

    def below(parent: str, depth: int) -> Iterator[dict[str, Any]]:
        for task in children.get(parent, ()):
            line = {**_task(task), "depth": depth, "label": task.get("taskName", "")}
            reason = line["error"] or ("reused" if task.get("state") == "SKIPPED" else "")
            yield {**line, "reason": reason, "counts": {}, "attempts": []}
            yield from below(str(task.get("taskId", "")), depth + 1)

    yield from below("", 0)


def _custom_job(task: Mapping[str, Any]) -> str:
    """Answer the id of the job that ran a task, which its log is filed under."""
    detail = task.get("executorDetail", {})
    found = detail.get("containerDetail", {}).get("mainJob") or detail.get("customJobDetail", {}).get("job", "")
    return str(found).rpartition("/")[2]


def _is_asked(task: Mapping[str, Any], query: Mapping[str, Any]) -> bool:
    asked = query.get("task", "")
    path = str(task.get("taskUniqueName") or task.get("taskName", ""))
    return not asked or path == asked or path.startswith(f"{asked}.") or task.get("taskName") == asked


def _entries(client: GoogleClient, project: str, names: Mapping[str, str], since: str) -> Iterator[dict[str, Any]]:
    if not names:
        return
    ids = " OR ".join(json.dumps(name) for name in names)
    wanted = f'resource.type="ml_job" AND resource.labels.job_id=({ids})'
    asked: dict[str, Any] = {
        "resourceNames": [f"projects/{project}"],
        "filter": wanted + (f" AND timestamp>={json.dumps(since)}" if since else ""),
        "orderBy": "timestamp asc",
        "pageSize": _ENTRIES,
    }
    while True:
        page = client.call("POST", "/v2/entries:list", asked)
        yield from page.get("entries", [])
        if not page.get("nextPageToken"):
            return
        asked["pageToken"] = page["nextPageToken"]
