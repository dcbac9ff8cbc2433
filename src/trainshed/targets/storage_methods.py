"""The methods of Cloud Storage's JSON API, which has no published protobuf, as its discovery document has them. Data.

A test compares this with the client that gcloud ships, which is generated from that document.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

_GENERATIONS = frozenset(
    ["ifGenerationMatch", "ifGenerationNotMatch", "ifMetagenerationMatch", "ifMetagenerationNotMatch"]
)
_SOURCE = frozenset(
    [
        "ifSourceGenerationMatch",
        "ifSourceGenerationNotMatch",
        "ifSourceMetagenerationMatch",
        "ifSourceMetagenerationNotMatch",
    ]
)
_METAGENERATIONS = frozenset(["ifMetagenerationMatch", "ifMetagenerationNotMatch"])
_BUCKET = frozenset(["name", "location", "storageClass", "labels", "versioning", "iamConfiguration", "lifecycle"])
_NOTIFICATION = frozenset(["topic", "payload_format", "event_types", "object_name_prefix", "custom_attributes"])
_NOTHING: frozenset[str] = frozenset()
# Parameters that every method takes.
COMMON = frozenset(["alt", "fields", "key", "prettyPrint", "quotaUser", "userProject", "uploadType"])
_PREFIXES = ("/storage/v1/", "/upload/storage/v1/", "/download/storage/v1/")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One method: where it is, which parameters and which top-level fields it takes."""

    name: str  # storage.objects.get
    verb: str
    template: str  # b/{bucket}/o/{object}
    query: frozenset[str] = _NOTHING
    fields: frozenset[str] = _NOTHING

    def match(self, path: str) -> dict[str, str] | None:
        """Answer what a path (without prefix, undecoded) gives, or None."""
        pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(self.template))
        found = re.fullmatch(pattern, path)
        return found.groupdict() if found else None


def _method(
    name: str, verb: str, template: str, query: frozenset[str] = _NOTHING, fields: frozenset[str] = _NOTHING
) -> Listed:
    return Listed(name=f"storage.{name}", verb=verb, template=template, query=query, fields=fields)


_OBJECT, _NOTIFICATIONS = "b/{bucket}/o/{object}", "b/{bucket}/notificationConfigs"
_PROJECTION = frozenset(["projection"])
STORAGE = (
    _method("buckets.list", "GET", "b", _PROJECTION | {"maxResults", "pageToken", "prefix", "project"}),
    _method("buckets.insert", "POST", "b", _PROJECTION | {"project", "predefinedAcl"}, _BUCKET),
    _method("buckets.get", "GET", "b/{bucket}", _PROJECTION | _METAGENERATIONS),
    _method("buckets.patch", "PATCH", "b/{bucket}", _PROJECTION | _METAGENERATIONS, _BUCKET - {"name"}),
    _method("buckets.delete", "DELETE", "b/{bucket}", _METAGENERATIONS),
    _method("objects.list", "GET", "b/{bucket}/o", _PROJECTION | {
        "delimiter", "endOffset", "includeTrailingDelimiter", "matchGlob", "maxResults", "pageToken", "prefix",
        "startOffset", "versions",
    }),
    _method("objects.insert", "POST", "b/{bucket}/o", _PROJECTION | _GENERATIONS | {"name", "contentEncoding"}),
    _method("objects.get", "GET", _OBJECT, _PROJECTION | _GENERATIONS | {"generation"}),
    _method("objects.delete", "DELETE", _OBJECT, _GENERATIONS | {"generation"}),
    _method(
        "objects.rewrite", "POST",
        "b/{sourceBucket}/o/{sourceObject}/rewriteTo/b/{destinationBucket}/o/{destinationObject}",
        _PROJECTION | _GENERATIONS | _SOURCE | {"maxBytesRewrittenPerCall", "rewriteToken", "sourceGeneration"},
    ),
    _method("notifications.list", "GET", _NOTIFICATIONS),
    _method("notifications.insert", "POST", _NOTIFICATIONS, _NOTHING, _NOTIFICATION),
    _method("notifications.get", "GET", f"{_NOTIFICATIONS}/{{notification}}"),
    _method("notifications.delete", "DELETE", f"{_NOTIFICATIONS}/{{notification}}"),
)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Found:
    """A method that a request line means, and what its path gives."""

    method: Listed
    bindings: Mapping[str, str] = field(default_factory=dict)


def find(verb: str, path: str) -> Found | None:
    """Find the method of a request line whose path is undecoded."""
    prefix = next((p for p in _PREFIXES if path.startswith(p)), None)
    if prefix is None:
        return None
    for method in (method for method in STORAGE if method.verb == verb):
        bindings = method.match(path.removeprefix(prefix))
        if bindings is not None:
            return Found(method=method, bindings=bindings)
    return None
