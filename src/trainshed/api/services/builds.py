"""google.devtools.cloudbuild.v1.CloudBuild over the builds feature."""

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from trainshed import names
from trainshed.api import fields
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.builds import Build, Service, StepRecord, Trigger, Triggers, planning
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument

_PACKAGE = "google.devtools.cloudbuild.v1"
_FAILURES = {"USER_BUILD_STEP", "PUSH_FAILED", "PUSH_IMAGE_NOT_FOUND", "FETCH_SOURCE_FAILED", "LOGGING_FAILURE"}
_GLOBAL = "global"


class CloudBuild:
    """Builds and build triggers."""

    SERVICE = "google.devtools.cloudbuild.v1.CloudBuild"

    def __init__(self, builds: Service, triggers: Triggers, *, region: str) -> None:
        self._builds = builds
        self._triggers = triggers
        self._region = region

    def CreateBuild(self, request: Any) -> Any:
        """Queue a build; the operation ends with it."""
        project, region = self._place(request.parent, request.project_id)
        document = to_json(request.build)
        return operation(self._builds.create(document, project=project, region=region))

    def GetBuild(self, request: Any) -> Any:
        """Answer a build as it is now."""
        return build_message(self._builds.get(_build_id(request), project=_project(request)))

    def ListBuilds(self, request: Any) -> Any:
        """Answer builds, newest first."""
        project, region = self._place(request.parent, request.project_id, default=_GLOBAL)
        found, token = self._builds.list(
            project=project,
            region=region,
            filter_text=request.filter,
            limit=fields.page_size(request.page_size),
            page_token=request.page_token,
        )
        return fields.listing(f"{_PACKAGE}.ListBuildsResponse", "builds", map(build_message, found), token)

    def CancelBuild(self, request: Any) -> Any:
        """End a build now."""
        return build_message(self._builds.cancel(_build_id(request)))

    def RetryBuild(self, request: Any) -> Any:
        """Queue the same build again."""
        return operation(self._builds.retry(_build_id(request)))

    def CreateBuildTrigger(self, request: Any) -> Any:
        """Store a trigger."""
        project, region = self._place(request.parent, request.project_id)
        return trigger_message(self._triggers.create(to_json(request.trigger), project=project, region=region))

    def GetBuildTrigger(self, request: Any) -> Any:
        """Answer a trigger by name or id."""
        return trigger_message(self._triggers.get(_trigger(request), project=_project(request)))

    def ListBuildTriggers(self, request: Any) -> Any:
        """Answer the triggers of a project."""
        project, region = self._place(request.parent, request.project_id, default=_GLOBAL)
        found = self._triggers.list(project=project, region=region)
        return fields.listing(f"{_PACKAGE}.ListBuildTriggersResponse", "triggers", map(trigger_message, found))

    def UpdateBuildTrigger(self, request: Any) -> Any:
        """Change a trigger."""
        name = request.trigger_id or names.short(request.trigger.resource_name) or request.trigger.name
        project = request.project_id or _part(request.trigger.resource_name, "projects")
        current = from_json(f"{_PACKAGE}.BuildTrigger", trigger_json(self._triggers.get(name, project=project)))
        wanted = fields.update(current, request.trigger, request.update_mask)
        return trigger_message(self._triggers.update(name, to_json(wanted), project=project))

    def DeleteBuildTrigger(self, request: Any) -> None:
        """Remove a trigger."""
        self._triggers.delete(_trigger(request), project=_project(request))

    def RunBuildTrigger(self, request: Any) -> Any:
        """Build what a trigger builds, now."""
        source = request.source
        revision = source.branch_name or source.tag_name or source.commit_sha
        return operation(
            self._triggers.run(
                _trigger(request),
                project=_project(request),
                revision=revision,
                substitutions=dict(source.substitutions),
            )
        )

    def find_operation(self, name: str) -> Any:
        """Answer the operation of a build; None for a name that is not a build's."""
        prefix, _, hidden = name.rpartition("/")
        if not prefix.startswith("operations/build/"):
            return None
        return operation(self._builds.get(base64.urlsafe_b64decode(hidden.encode() + b"==").decode()))

    def _place(self, parent: str, project_id: str, *, default: str = "") -> tuple[str, str]:
        """Answer project and region of a request that has either a parent or a project id."""
        if not parent:
            return project_id, default or self._region
        region = _part(parent, "locations") or default or self._region
        return _part(parent, "projects") or project_id, region


def operation(build: Build) -> Any:
    """Make the operation of a build; it is done when the build has ended."""
    made = build_message(build)
    hidden = base64.urlsafe_b64encode(build.build_id.encode()).decode().rstrip("=")
    return fields.operation(
        f"operations/build/{build.project}/{hidden}",
        done=build.is_final,
        response=made if build.is_final else None,
        metadata=message(f"{_PACKAGE}.BuildOperationMetadata", build=made),
    )


def build_message(build: Build) -> Any:
    """Write a build as Google's message."""
    return from_json(f"{_PACKAGE}.Build", build_json(build))


def build_json(build: Build) -> dict[str, Any]:
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
        "logUrl": f"/builds/{build.build_id}",
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
        found["buildTriggerId"] = names.short(build.trigger)
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
    return from_json(f"{_PACKAGE}.BuildTrigger", trigger_json(trigger))


def trigger_json(trigger: Trigger) -> dict[str, Any]:
    """Write a trigger as Google's JSON."""
    return {
        **{k: v for k, v in trigger.document.items() if k not in planning.OURS},
        "id": trigger.trigger_id,
        "name": trigger.name,
        "resourceName": trigger.resource,
        "createTime": rfc3339(trigger.create_time),
    }


def _build_id(request: Any) -> str:
    found = request.id or names.short(request.name)
    if not found:
        raise InvalidArgument.field("id", "is missing; name the build")
    return str(found)


def _trigger(request: Any) -> str:
    found = request.trigger_id or names.short(request.name)
    if not found:
        raise InvalidArgument.field("trigger_id", "is missing; name the trigger")
    return str(found)


def _project(request: Any) -> str:
    return str(request.project_id or _part(request.name, "projects"))


def _part(name: str, collection: str) -> str:
    parts = name.split("/")
    return parts[parts.index(collection) + 1] if collection in parts[:-1] else ""
