"""A rehearsal as a document and as text: requests, permissions, APIs to enable, grants. Pure."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from trainshed.targets.consequences import CALLER, NUMBER
from trainshed.targets.endpoints import HOSTS
from trainshed.targets.principals import (
    Binding,
    bindings,
    everybody,
    grant,
    is_granted,
    needed,
    number_in,
)
from trainshed.targets.rehearsal import Request, Script
from trainshed.targets.requests import Call

# Method → what does its work: deploying builds an image and logs, tasks run on machines and keep what they make.
_BEHIND = {
    "CreateFunction": ("cloudbuild", "artifactregistry", "logging"),
    "UpdateFunction": ("cloudbuild", "artifactregistry", "logging"),
    "CreateBuild": ("logging", "artifactregistry"),
    "CreatePipelineJob": ("compute", "logging", "storage"),
}
_YOU = "user:YOUR_ACCOUNT"


def document(script: Script, project: str, *, caller: str, policy: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Write a rehearsal as JSON; with a project's policy, each binding says whether it is granted there."""
    project = project or "PROJECT"
    needs = everybody(script.calls, project, requirements=script.requirements)
    apis = sorted({api for call in script.calls for api in _apis(call)})
    found = bindings(needs, project)
    shown = [_binding(one, project, caller or _YOU) for one in found]
    if policy is not None:
        for one, binding in zip(shown, found, strict=True):
            one["granted"] = is_granted(binding, policy, caller or _YOU)
            one["grant"] = one["grant"].replace(NUMBER, number_in(policy))
    return {
        "dryRun": True,
        "requests": [_request(request, project) for request in script.requests],
        "apis": apis,
        "enable": f"gcloud services enable {' '.join(apis)} --project {project}" if apis else "",
        "bindings": shown,
        "callerRole": _custom_role(found, project),
        "notRead": list(script.notes),
    }


def lines(found: Mapping[str, Any]) -> Iterator[str]:
    """Write the document for people."""
    requests = found["requests"]
    changes = sum(not request["sent"] for request in requests)
    yield f"Nothing was changed. {changes} of {len(requests)} requests were not sent:"
    for number, request in enumerate(requests, start=1):
        yield ""
        yield f"{number}. {request['method']} {request['url']}" + (
            "   (sent: it only reads)" if request["sent"] else ""
        )
        yield from (f"   {name}: {value}" for name, value in request["headers"].items())
        if request.get("body") is not None:
            yield from (f"   {line}" for line in json.dumps(request["body"], indent=2, ensure_ascii=False).splitlines())
        if request.get("content"):
            yield f"   ({request['content']})"
        for permission in request["permissions"]:
            yield f"   needs {permission['permission']} on {permission['resource']}"
    if found["notRead"]:
        yield from (
            "",
            "Could not be read, and was supposed not to be there:",
            *(f"  {note}" for note in found["notRead"]),
        )
    if found["enable"]:
        yield from ("", "APIs to be enabled:", f"  {found['enable']}")
    if found["bindings"]:
        yield from ("", "The least that everybody needs, and how to grant it:")
        for one in found["bindings"]:
            mark = {True: "granted: ", False: "MISSING: ", None: ""}[one.get("granted")]
            yield f"  {mark}{one['principal']}: {one['role']} on {one['resource']}" + (
                f"  ({one['why']})" if one["why"] else ""
            )
            yield f"    {', '.join(one['permissions'])}"
            yield f"    {one['grant']}"
    if found["callerRole"]:
        yield from ("", "Or, narrower still, a role of your own for the caller:", f"  {found['callerRole']}")


def _apis(call: Call) -> Iterator[str]:
    """Answer the APIs that a request is answered by, or works through."""
    yield HOSTS[call.api].removeprefix("{region}-")
    yield from (f"{name}.googleapis.com" for name in _BEHIND.get(call.method.rpartition("/")[2], ()))
    if call.path.startswith("/v2/") and call.api == "cloudfunctions" and call.verb in {"POST", "PATCH"}:
        yield from ("run.googleapis.com", "eventarc.googleapis.com")
    text = json.dumps(call.body) if call.verb != "GET" else ""
    if any(mark in text for mark in ('"pubsubTarget"', '"google.pubsub.topic.publish"', '"pubsubTopic"')):
        yield HOSTS["pubsub"]


def _request(request: Request, project: str) -> dict[str, Any]:
    made: dict[str, Any] = {"method": request.verb, "url": request.url, "headers": dict(request.headers)}
    if request.body is not None:
        made["body"] = request.body
    if request.note:
        made["content"] = request.note
    needs = needed(request.call, project) if request.call is not None else []
    made["rpc"] = request.call.method if request.call is not None else ""
    made["permissions"] = [{"permission": need.permission, "resource": need.resource} for need in needs]
    return made | {"sent": request.is_sent}


def _binding(binding: Binding, project: str, caller: str) -> dict[str, Any]:
    return {
        "principal": binding.principal,
        "resource": binding.resource,
        "role": binding.role,
        "permissions": list(binding.permissions),
        "why": binding.why,
        "grant": grant(binding, project, caller),
    }


def _custom_role(found: list[Binding], project: str) -> str:
    permissions = sorted({p for one in found if one.principal == CALLER for p in one.permissions})
    if not permissions:
        return ""
    return f"gcloud iam roles create trainshedCaller --project {project} --permissions={','.join(permissions)}"
