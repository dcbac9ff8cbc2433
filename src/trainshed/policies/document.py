"""What an access policy may say, as Google's JSON. Raises InvalidArgument naming the field. Pure."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from trainshed import names
from trainshed.errors import InvalidArgument

_ROLE = re.compile(r"(roles|projects/[^/]+/roles|organizations/[^/]+/roles)/[\w.]+")
_EVERYBODY = {"allUsers", "allAuthenticatedUsers"}
_MEMBER = re.compile(
    r"(?:deleted:)?(?:user|serviceAccount|group|domain|projectOwner|projectEditor|projectViewer|principal|principalSet):\S+"
)
_MOST_MEMBERS = 1500
_UNCHANGED = {"version": 1, "etag": "ACAB"}


def default(resource: str) -> dict[str, Any]:
    """Answer the policy of a resource for which none was set: of a project, what Google gives its own accounts."""
    project = re.fullmatch(r"projects/([^/]+)", resource)
    if project is None:
        return dict(_UNCHANGED)
    number = names.PROJECT_NUMBER
    accounts = {
        "roles/editor": [f"{number}-compute@developer", f"{project[1]}@appspot"],
        "roles/pubsub.serviceAgent": [f"service-{number}@gcp-sa-pubsub.iam"],
    }
    bindings = [
        {"role": role, "members": [f"serviceAccount:{name}.gserviceaccount.com" for name in members]}
        for role, members in accounts.items()
    ]
    return {**_UNCHANGED, "bindings": bindings}


def checked(policy: Mapping[str, Any]) -> dict[str, Any]:
    """Answer a policy without its etag, its bindings sorted out: one for each role and condition."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    total = 0
    for number, binding in enumerate(policy.get("bindings") or ()):
        field, role, members = f"policy.bindings[{number}]", binding.get("role", ""), binding.get("members") or []
        if not _ROLE.fullmatch(role):
            raise InvalidArgument.field(f"{field}.role", f"{role!r} is not a role like roles/viewer")
        for member in members:
            if member not in _EVERYBODY and not _MEMBER.fullmatch(member):
                raise InvalidArgument.field(
                    f"{field}.members",
                    f"{member!r} is no principal; use allUsers, user:ADDRESS, serviceAccount:ADDRESS",
                )
        total += len(members)
        condition = binding.get("condition") or {}
        kept = found.setdefault((role, json.dumps(condition, sort_keys=True)), {"role": role, "members": []})
        kept["members"] = list(dict.fromkeys([*kept["members"], *members]))
        if condition:
            kept["condition"] = condition
    if total > _MOST_MEMBERS:
        raise InvalidArgument.field("policy.bindings", f"{total} principals are more than {_MOST_MEMBERS}")
    made: dict[str, Any] = {"version": policy.get("version") or 1}
    bindings = [binding for binding in found.values() if binding["members"]]
    return made | ({"bindings": bindings} if bindings else {})


def etag(policy: Mapping[str, Any], number: int) -> str:
    """Make the etag of the policy that was set as the `number`-th."""
    digest = hashlib.sha256(f"{number} {json.dumps(policy, sort_keys=True)}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()
