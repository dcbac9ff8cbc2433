"""Builds and build triggers as Google's messages."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from google.protobuf import json_format

from trainshed.api.descriptors import POOL, message_class
from trainshed.builds import Build, StepRecord, Trigger
from trainshed.builds.triggers import planning
from trainshed.clock import rfc3339

_PACKAGE = "google.devtools.cloudbuild.v1"
_FAILURES = {"USER_BUILD_STEP", "PUSH_FAILED", "PUSH_IMAGE_NOT_FOUND", "FETCH_SOURCE_FAILED", "LOGGING_FAILURE"}


def build_message(build: Build, *, address: str) -> Any:
    """Write a build as Google's message; `address` is that of the server, whose pages show it."""
    return _read("Build", build_json(build, address=address))


def build_json(build: Build, *, address: str) -> dict[str, Any]:
    """Write a build as Google's JSON: the document with substitutions applied, and what became of it."""
    document = dict(build.resolved)
    steps = document.pop("steps")
    found = {
        **document,
        "name": build.name,
        "id": build.build_id,
        "projectId": build.project,
        "status": build.state,
        "statusDetail": build.status_detail,
        "substitutions": _own(build),
        "steps": [_step_json(s, r) for s, r in zip(steps, build.steps, strict=True)],
        "createTime": rfc3339(build.create_time),
        "logUrl": f"{address}/builds/{build.build_id}",
        "timing": build.timing,
        "results": {**build.results, "buildStepOutputs": [s.output for s in build.steps]},
        "warnings": [{"text": w, "priority": "WARNING"} for w in build.warnings],
        "timeout": document.get("timeout", "3600s"),
        "queueTtl": document.get("queueTtl", "3600s"),
        "logsBucket": build.log_uri.rpartition("/")[0],
    }
    times = {"startTime": build.start_time, "finishTime": build.end_time}
    found |= {k: rfc3339(v) for k, v in times.items() if v is not None}
    if build.failure:
        kind = build.failure["type"] if build.failure["type"] in _FAILURES else "FAILURE_TYPE_UNSPECIFIED"
        found["failureInfo"] = {"type": kind, "detail": build.failure.get("detail", "")}
    if build.trigger:
        found["buildTriggerId"] = build.trigger_id
    if build.approval:
        found["approval"] = build.approval
    return found


def _own(build: Build) -> dict[str, str]:
    always = {"PROJECT_ID", "BUILD_ID", "PROJECT_NUMBER", "LOCATION", "SERVICE_ACCOUNT_EMAIL"}
    return {k: v for k, v in build.substitutions.items() if k not in always}


def _step_json(step: Mapping[str, Any], record: StepRecord) -> dict[str, Any]:
    found = {**step, "status": record.state}
    if record.exit_code is not None:
        found["exitCode"] = record.exit_code
    if record.start_time is not None:
        found["timing"] = _span(record.start_time, record.end_time)
    return found


def _span(start: datetime, end: datetime | None) -> dict[str, str]:
    return {"startTime": rfc3339(start)} | ({"endTime": rfc3339(end)} if end else {})


def trigger_message(trigger: Trigger) -> Any:
    """Write a trigger as Google's message."""
    return _read("BuildTrigger", trigger_json(trigger))


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """Write a trigger as Google's JSON."""
    return {
        **{k: v for k, v in trigger.document.items() if k not in planning.OURS},
        "id": trigger.trigger_id,
        "name": trigger.name,
        "resourceName": trigger.resource,
        "createTime": rfc3339(trigger.create_time),
    }


def _read(name: str, document: Mapping[str, Any]) -> Any:
    """Make a message; a config from a repository may have fields that the clients' protos do not know yet."""
    made = message_class(f"{_PACKAGE}.{name}")()
    return json_format.ParseDict(dict(document), made, ignore_unknown_fields=True, descriptor_pool=POOL)
