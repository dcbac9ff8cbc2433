"""Who needs which permission for a list of requests: the caller, service accounts, Google's service agents. Pure.

What a request needs of its caller is in `permissions`; what follows from its content for others is in
`consequences`. Everything is the least that works: narrow roles, on the resource where IAM allows that.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from trainshed.targets import permissions
from trainshed.targets.consequences import CALLER, FOLLOWS, FUNCTION, FUNCTION_SECOND, NUMBER, Need, of_code
from trainshed.targets.requests import Call

_AGENT = re.compile(r":(?:service-)?(\d{5,})(?:-compute)?@")
_OWNER = "roles/owner"
_OPERATIONS = "google.longrunning.Operations"


@dataclass(frozen=True, kw_only=True)
class Binding:
    """A role, or the permissions of a custom role, of a principal on a resource."""

    principal: str
    resource: str
    permissions: tuple[str, ...]
    role: str  # the narrowest predefined one; the permissions alone make a narrower custom role
    why: str


def needed(call: Call, project: str) -> list[Need]:
    """Answer what a request needs of its caller. Raises KeyError for a request that no documentation covers."""
    service = call.method.rpartition("/")[0]
    needs = permissions.OPERATIONS[call.api] if service == _OPERATIONS else permissions.PERMISSIONS[call.method]
    found = [_of_caller(call, permission, where, project) for permission, where in needs]
    return [need for need in found if need.resource]


def everybody(calls: Iterable[Call], project: str, *, requirements: Mapping[str, Iterable[str]]) -> list[Need]:
    """Answer what all requests need of all principals; `requirements` are those of functions, by resource name."""
    found: set[Need] = set()
    for call in calls:
        found.update(needed(call, project))
        follows = FOLLOWS.get(call.method)
        if follows is not None and call.body is not None:
            found.update(follows(call, project))
        name = str((call.body or {}).get("name", "")) if isinstance(call.body, dict) else ""
        if call.method.startswith((f"{FUNCTION}/", f"{FUNCTION_SECOND}/")) and name in requirements:
            found.update(of_code(call.body, project, requirements[name]))
    return sorted(found)


def bindings(needs: Iterable[Need], project: str) -> list[Binding]:
    """Join needs into bindings: the fewest of narrow roles, each on the resource that it is needed on."""
    wanted = [(need, permissions.role(need.permission)) for need in needs]
    places = {(need.principal, need.resource, role) for need, role in wanted}
    joined: dict[tuple[str, str, str], list[Need]] = {}
    for need, role in wanted:
        place = _widest((need.principal, need.resource, role), places, f"projects/{project}")
        joined.setdefault(place, []).append(need)
    return [
        Binding(
            principal=principal,
            resource=resource,
            permissions=tuple(sorted({need.permission for need in found})),
            role=role,
            why="; ".join(sorted({need.why for need in found if need.why})),
        )
        for (principal, resource, role), found in sorted(joined.items())
    ]


def _widest(place: tuple[str, str, str], places: set[tuple[str, str, str]], project: str) -> tuple[str, str, str]:
    """Answer a binding that is needed anyway, on the resource or its project, and includes this one; or this one."""
    principal, resource, role = place
    own = "/".join(resource.split("/")[:2]) if resource.startswith("projects/") else project
    for where in dict.fromkeys((resource, own)):
        roles = [r for p, on, r in places if p == principal and on == where]
        including = sorted(r for r in roles if role in permissions.COVERS.get(r, ()))
        if including:
            return _widest((principal, where, including[0]), places, project)
        if where != resource and role in roles:
            return (principal, where, role)
    return place


def is_granted(binding: Binding, policy: Mapping[str, Any], caller: str) -> bool:
    """Whether a project's policy (`gcloud projects get-iam-policy`) has a binding, or one that includes it.

    Policies of single resources are not in that file: what is granted there is not seen.
    """
    member = (caller if binding.principal == CALLER else binding.principal).replace(NUMBER, number_in(policy))
    wider = [role for role, covered in permissions.COVERS.items() if binding.role in covered]
    roles = {binding.role, _OWNER, *wider}
    return any(
        entry.get("role") in roles and member in entry.get("members", ()) for entry in policy.get("bindings", ())
    )


def number_in(policy: Mapping[str, Any]) -> str:
    """Answer the project's number, which the names of its service agents have; its placeholder where there is none."""
    members = (member for entry in policy.get("bindings", ()) for member in entry.get("members", ()))
    found = Counter(number[1] for member in members if (number := _AGENT.search(member)))
    return found.most_common(1)[0][0] if found else NUMBER


def grant(binding: Binding, project: str, caller: str) -> str:
    """Write the gcloud command that grants a binding."""
    member = caller if binding.principal == CALLER else binding.principal
    end = f"--member={member} --role={binding.role}"
    kind, name = _kind(binding.resource)
    if kind == "project":
        return f"gcloud projects add-iam-policy-binding {name or project} {end}"
    words = {
        "topic": f"pubsub topics add-iam-policy-binding {name}",
        "subscription": f"pubsub subscriptions add-iam-policy-binding {name}",
        "bucket": f"storage buckets add-iam-policy-binding {name}",
        "account": f"iam service-accounts add-iam-policy-binding {name}",
    }
    return f"gcloud {words[kind]} {end}"


def _kind(resource: str) -> tuple[str, str]:
    if resource.startswith("gs://"):
        return "bucket", resource
    if found := re.fullmatch(r"projects/([^/]+)", resource):
        return "project", found[1]
    if re.fullmatch(r"projects/[^/]+/topics/[^/]+", resource):
        return "topic", resource
    if re.fullmatch(r"projects/[^/]+/subscriptions/[^/]+", resource):
        return "subscription", resource
    if "@" in resource:
        return "account", resource
    return "project", resource.split("/")[1] if resource.startswith("projects/") else ""


def _of_caller(call: Call, permission: str, where: str, project: str) -> Need:
    return Need(principal=CALLER, permission=permission, resource=_resource(call, where, project))


def _resource(call: Call, where: str, project: str) -> str:
    if where == "project":
        return f"projects/{call.project or project}"
    if where in call.bindings:
        found = str(call.bindings[where])
        return f"gs://{found}" if "ucket" in where else found
    value: Any = call.message
    for part in where.split("."):
        value = getattr(value, part, "")
    return str(value)
