"""A request to Google as plain data, checked against what Google publishes before it is sent. Pure.

Every request goes through `read`: a path that no method has, a field that no message has, a value of the wrong type
are refused here, with the field's name, and never leave the machine.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode

from trainshed.api import transcode
from trainshed.errors import InvalidArgument
from trainshed.targets import endpoints, storage_methods
from trainshed.targets.storage_methods import Found

_OPERATIONS = "google.longrunning.Operations"
_OPERATION = "google.longrunning.Operation"
_HOLE = re.compile(rb'"(//pubsub\.googleapis\.com/)?projects//(topics|subscriptions|locations)/')
_router = transcode.Router()
NO_PROJECT = (
    "no project is known: give --project, set TRAINSHED_PROJECT or GOOGLE_CLOUD_PROJECT, or run "
    "`gcloud auth application-default set-quota-project PROJECT`"
)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request: which method of which API, and everything it says."""

    api: str  # pubsub
    method: str  # google.pubsub.v1.Publisher/Publish, storage.objects.get
    verb: str
    path: str  # undecoded, without query
    query: tuple[tuple[str, str], ...] = ()
    body: Any = None  # JSON, or None: nothing, or bytes that are not shown
    message: Any = None  # the request message, where the interface is published as protobuf
    bindings: Mapping[str, str] = field(default_factory=dict)  # what the path gives
    response: str = ""  # full name of the answer's message
    region: str = ""  # that the path names

    @property
    def is_operation(self) -> bool:
        """Whether the answer is a long-running operation that has to be waited for; builds are followed otherwise."""
        return self.response == _OPERATION and self.api != "cloudbuild" and not self.method.startswith(_OPERATIONS)

    @property
    def target(self) -> str:
        """Path and query, as they are sent."""
        return self.path + (f"?{urlencode(self.query)}" if self.query else "")

    @property
    def project(self) -> str:
        """The project that the path names; empty for storage."""
        parts = self.path.split("/")
        return parts[parts.index("projects") + 1] if "projects" in parts[:-1] else dict(self.query).get("project", "")


def read(verb: str, target: str, *, content_type: str = "", body: bytes | None = None) -> Call:
    """Read and check a request line with its body. Raises InvalidArgument naming what Google would not take."""
    path, _, query = target.partition("?")
    is_json = content_type == "application/json"
    _check_project(path, query, body if is_json else None)
    found = storage_methods.find(verb, path)
    if found is not None:
        return _listed(found, verb, path, query, body if is_json else None)
    match = _router.find(verb, path)
    if match is None:
        raise InvalidArgument.field("path", f"{verb} {unquote(path)} is no method of a Google API that is reached here")
    message = transcode.read(match, query, content_type, body or b"")
    service = match.method.service
    api = endpoints.of_operation(path) if service == _OPERATIONS else _api(service)
    return Call(
        api=api,
        method=f"{service}/{match.method.name}",
        verb=verb,
        path=path,
        query=tuple(parse_qsl(query, keep_blank_values=True)),
        body=json.loads(body) if body else None,
        message=message,
        bindings=match.bindings,
        response=match.method.response,
        region=_region(path),
    )


def _api(service: str) -> str:
    package = service.rpartition(".")[0]
    if package not in endpoints.PACKAGES:
        raise InvalidArgument.field("path", f"{service} is not reached from here")
    return endpoints.PACKAGES[package]


def _listed(found: Found, verb: str, path: str, query: str, body: bytes | None) -> Call:
    method = found.method
    pairs = tuple(parse_qsl(query, keep_blank_values=True))
    allowed = method.query | storage_methods.COMMON
    for name in (name for name, _ in pairs if name not in allowed):
        raise InvalidArgument.field(name, f"is no parameter of {method.name}; it has {', '.join(sorted(allowed))}")
    document = json.loads(body) if body else None
    for name in document or ():
        if name not in method.fields:
            raise InvalidArgument.field(name, f"is no field that is sent to {method.name}")
    return Call(
        api=method.name.partition(".")[0],
        method=method.name,
        verb=verb,
        path=path,
        query=pairs,
        body=document,
        bindings={name: unquote(text) for name, text in found.bindings.items()},
    )


def _check_project(path: str, query: str, body: bytes | None) -> None:
    """Refuse a request that has a hole where the project should be."""
    if "projects//" in path or _HOLE.search(body or b"") or ("project", "") in parse_qsl(query, keep_blank_values=True):
        raise InvalidArgument.field("--project", NO_PROJECT)


def _region(path: str) -> str:
    parts = path.split("/")
    found = parts[parts.index("locations") + 1] if "locations" in parts[:-1] else ""
    return "" if found == "-" else found.partition(":")[0]
