"""`apply --target gcp`: what differs on Google Cloud in how a kind of resource is read, made and found again.

What `apply` made carries the label managed-by=trainshed. A function carries the digest of its source as a label as well:
Google tells no checksum of what was deployed. Labels that others gave stay.
"""

import io
import json
import re
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

from trainshed.cli import target
from trainshed.cli.apply_kinds import Kinds, digest
from trainshed.cli.apply_plan import POLICIES, Change, Resource, compare
from trainshed.client import segment
from trainshed.errors import Finding, InvalidArgument

_MANAGED = {"managed-by": "trainshed"}
_SOURCE = "trainshed-source"
_DIGITS = 40  # of a digest; a label has at most 63 characters
_LABELLED = {"topic", "bucket", "function"}
_GITHUB = re.compile(r"(?:https://github\.com/|git@github\.com:)(?P<owner>[^/]+)/(?P<name>[^/]+?)(?:\.git)?/?")
_RUNTIME = "python312"
_FUNCTION_EVENTS = {"topic": "google.pubsub.topic.publish", "bucket": "google.storage.object.finalize"}


class GoogleKinds(Kinds):
    """Looks at and changes what is on Google Cloud."""

    def check(self, wanted: Sequence[Resource]) -> None:
        """Refuse everything that Google has nothing for, before anything is sent. Raises InvalidArgument."""
        findings = [finding for resource in wanted for finding in self._refused(resource)]
        if findings:
            raise InvalidArgument.findings(findings, reason="NOT_FOR_GOOGLE_CLOUD")

    def look(self, resource: Resource) -> Iterator[Change]:
        """Answer what is to be done; a run trigger is a function there."""
        if resource.kind == "trigger":
            yield self._compare_function(_as_function(resource), _archive())
        elif resource.kind == "build trigger":
            yield compare(_hosted(resource), self._current(resource))
        elif resource.kind in _LABELLED - {"function"}:
            current = self._current(resource)
            yield compare(_labelled(resource, current), current)
        else:
            yield from super().look(resource)

    def _look_at_function(self, resource: Resource) -> Change:
        from trainshed.functions.source import pack

        folder = self._folder / resource.extra["source"]
        target.note_requirements(resource.name, folder)
        return self._compare_function(resource, pack(folder))

    def _compare_function(self, resource: Resource, archive: bytes) -> Change:
        current = self._get(f"/v1/{resource.name}")
        wanted = _labelled(resource, current)
        document = {**wanted.document, "source": digest(archive)[:_DIGITS]}
        extra = {**resource.extra, "archive": archive}
        made = Resource(kind="function", name=resource.name, document=document, extra=extra)
        if current is None:
            return compare(made, None)
        return compare(made, {**current, "source": current.get("labels", {}).get(_SOURCE, "")})

    def _current(self, resource: Resource) -> dict[str, Any] | None:
        if resource.kind == "build trigger":
            return self._get(_trigger_path(resource))
        found = super()._get(f"/v1/{resource.name}") if resource.kind == "schedule" else super()._current(resource)
        return _without_added_headers(found, resource.document) if resource.kind == "schedule" and found else found

    def _write_function(self, resource: Resource, is_new: bool) -> None:
        labels = {**resource.document.get("labels", {}), _SOURCE: resource.document["source"]}
        document = {**resource.document, "labels": labels}
        super()._write_function(
            Resource(kind="function", name=resource.name, document=document, extra=resource.extra), is_new
        )

    def _write_build_trigger(self, resource: Resource, is_new: bool) -> None:
        if is_new:
            self._client.call("POST", _trigger_path(resource).rpartition("/")[0], dict(resource.document))
            return
        current = self._get(_trigger_path(resource)) or {}
        name = current.get("resourceName") or _trigger_path(resource).removeprefix("/v1/")
        self._client.call("PATCH", f"/v1/{name}", {**current, **resource.document})

    def _refused(self, resource: Resource) -> Iterator[Finding]:
        where = f"{resource.kind} {resource.name}"
        if resource.kind == "schedule":
            for policy in (name for name in POLICIES if name in resource.document):
                yield _finding(f"{where}.{policy}", "Cloud Scheduler has no such policy; leave it away")
        if resource.kind == "build trigger":
            if "changes" in resource.document:
                yield _finding(f"{where}.changes", "Cloud Build has no place for it; use includedFiles")
            repository = str(resource.document["triggerTemplate"]["repoName"])
            is_local = "/" in repository and not _GITHUB.fullmatch(repository)
            if is_local or (self._folder / repository).exists():
                message = f"{repository!r} is not seen by Cloud Build: give https://github.com/OWNER/NAME, connected to the project"
                yield _finding(f"{where}.repository", message)
        if resource.kind == "trigger" and not str(resource.document["spec"]).startswith("gs://"):
            yield _finding(f"{where}.spec", "is not a gs:// location")


def _labelled(resource: Resource, current: Mapping[str, Any] | None) -> Resource:
    """Add our label to those that are asked for; what others gave stays, and is no difference."""
    kept = (current or {}).get("labels", {})
    labels = {**kept, **resource.document.get("labels", {}), **_MANAGED}
    document = {**resource.document, "labels": labels}
    return Resource(kind=resource.kind, name=resource.name, document=document, extra=resource.extra)


def _hosted(resource: Resource) -> Resource:
    """Write a trigger on a GitHub repository as Cloud Build has it."""
    template = dict(resource.document["triggerTemplate"])
    found = _GITHUB.fullmatch(str(template["repoName"]))
    document = {k: v for k, v in resource.document.items() if k != "triggerTemplate"} | {
        "tags": ["managed-by-trainshed"]
    }
    if found:
        push = {"tag": template["tagName"]} if "tagName" in template else {"branch": template["branchName"]}
        push |= {"invertRegex": template["invertRegex"]} if "invertRegex" in template else {}
        document["github"] = {"owner": found["owner"], "name": found["name"], "push": push}
    else:
        document["triggerTemplate"] = template
    return Resource(kind=resource.kind, name=resource.name, document=document, extra=resource.extra)


def _trigger_path(resource: Resource) -> str:
    place = resource.extra
    return f"/v1/projects/{place['project']}/locations/{place['region']}/triggers/{segment(resource.name)}"


def _as_function(resource: Resource) -> Resource:
    """Answer the function that starts the runs of a run trigger."""
    parent = str(resource.extra["parent"])
    _, project, _, region = parent.split("/")
    bucket, topic = resource.document.get("bucket"), resource.document.get("topic")
    event: dict[str, Any] = {
        "eventType": _FUNCTION_EVENTS["bucket" if bucket else "topic"],
        "resource": f"projects/_/buckets/{bucket}" if bucket else topic,
        "service": "storage.googleapis.com" if bucket else "pubsub.googleapis.com",
        "failurePolicy": {"retry": {}},  # a second delivery joins the run of the first
    }
    variables = {
        "PIPELINE_SPEC": resource.document["spec"], "PROJECT": project, "REGION": region, "TRIGGER": resource.name,
    }  # fmt: skip
    if fixed := resource.document.get("parameters"):
        variables["PARAMETERS"] = json.dumps(fixed, ensure_ascii=False, sort_keys=True)
    document = {
        "entryPoint": "start",
        "runtime": _RUNTIME,
        "eventTrigger": event,
        "environmentVariables": variables,
        "description": f"Starts runs of {resource.document['spec']} for trainshed's run trigger {resource.name}.",
    }
    name = f"{parent}/functions/{resource.name}"
    chosen = target.current()
    if chosen is not None:
        from trainshed.targets import RUN_TRIGGER

        chosen.script.requirements[name] = [RUN_TRIGGER]
    return Resource(kind="function", name=name, document=document, extra={"generated": True})


def _archive() -> bytes:
    """Zip the source of a run trigger's function: the same bytes for the same source."""
    buffer = io.BytesIO()
    folder = resources.files("trainshed.targets").joinpath("run_trigger")
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name in ("main.py", "requirements.txt"):
            archive.writestr(zipfile.ZipInfo(name), folder.joinpath(name).read_bytes())
    return buffer.getvalue()


def _without_added_headers(job: dict[str, Any], wanted: Mapping[str, Any]) -> dict[str, Any]:
    """Leave out what Cloud Scheduler adds to the headers of a call."""
    if "httpTarget" not in job or "headers" not in wanted.get("httpTarget", {}):
        return job
    asked = wanted["httpTarget"]["headers"]
    headers = {k: v for k, v in job["httpTarget"].get("headers", {}).items() if k in asked}
    return {**job, "httpTarget": {**job["httpTarget"], "headers": headers}}


def _finding(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message)
