"""What `trainshed.yaml` asks for, in the terms of the surface, and how it differs from what is there. Pure."""

import base64
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from trainshed.errors import Finding, InvalidArgument

_TOPIC_EVENT = ("google.pubsub.topic.publish", "pubsub.googleapis.com")
_BUCKET_EVENT = ("google.storage.object.finalize", "storage.googleapis.com")
_FUNCTION_FIELDS = (
    "entryPoint", "runtime", "environmentVariables", "availableMemoryMb", "timeout", "maxInstances", "minInstances",
    "labels", "serviceAccountEmail", "description",
)  # fmt: skip
POLICIES = ("overlap", "catchUp", "daylightSaving")  # of schedules; ours, beside Google's Job

# section → fields that an entry may have; the ones with a star must be there
FORMAT: dict[str, tuple[str, ...]] = {
    "topics": ("name*", "labels"),
    "buckets": ("name*", "location", "storageClass", "versioning", "labels", "files", "notifications"),
    "functions": ("name*", "source*", "triggerTopic", "triggerBucket", "triggerHttp", "retry", *_FUNCTION_FIELDS),
    "schedules": (
        "name*", "schedule*", "timeZone", "description", "topic", "message", "attributes", "uri", "httpMethod",
        "headers", "body", "retryConfig", *POLICIES,
    ),
    "buildTriggers": (
        "name*", "repository*", "branch", "tag", "invertRegex", "config", "includedFiles", "ignoredFiles",
        "changes", "substitutions", "description",
    ),
    "triggers": ("name*", "topic", "bucket", "spec*", "parameters"),
}  # fmt: skip
FILE_FIELDS = ("source*", "to")
NOTIFICATION_FIELDS = ("topic*", "eventTypes", "prefix")
KINDS = {
    "topics": "topic",
    "buckets": "bucket",
    "functions": "function",
    "schedules": "schedule",
    "buildTriggers": "build trigger",
    "triggers": "trigger",
}
_PLACE = {"project", "region"}


@dataclass(frozen=True, kw_only=True)
class Resource:
    """One thing that should be there."""

    kind: str  # topic, bucket, file, notification, function, schedule, build trigger, trigger
    name: str
    document: Mapping[str, Any]  # as the surface writes it; only what is asked for
    extra: Mapping[str, Any] = field(default_factory=dict)  # what has no place in that document


@dataclass(frozen=True, kw_only=True)
class Change:
    """What is to be done about one resource."""

    resource: Resource
    action: str  # create, update or keep
    differences: tuple[str, ...] = ()

    def __str__(self) -> str:
        done = {"create": "created", "update": "updated", "keep": "unchanged"}[self.action]
        text = f"{done:<9}  {self.resource.kind} {self.resource.name}"
        return text + (f": {'; '.join(self.differences)}" if self.differences else "")


def read(document: Any, *, project: str, region: str) -> list[Resource]:
    """Read the whole file, in the order in which things can be made. Raises InvalidArgument with every finding."""
    findings = list(_check(document))
    if findings:
        raise InvalidArgument.findings(findings, reason="APPLY_FILE_INVALID")
    project, region = document.get("project", project), document.get("region", region)
    makers: dict[str, Callable[[dict[str, Any]], Iterator[Resource]]] = {
        "topics": lambda entry: _topic(entry, project),
        "buckets": lambda entry: _bucket(entry, project),
        "functions": lambda entry: _function(entry, project, region),
        "schedules": lambda entry: _schedule(entry, project, region),
        "buildTriggers": lambda entry: _build_trigger(entry, project, region),
        "triggers": lambda entry: _trigger(entry, project, region),
    }
    return [made for section, maker in makers.items() for entry in document.get(section) or () for made in maker(entry)]


def compare(resource: Resource, current: Mapping[str, Any] | None) -> Change:
    """Hold what is asked for against what is there. Only what the file names is compared."""
    if current is None:
        return Change(resource=resource, action="create")
    differences = tuple(
        _difference(name, current.get(name), value)
        for name, value in resource.document.items()
        if not _is_same(name, value, current.get(name))
    )
    return Change(resource=resource, action="update" if differences else "keep", differences=differences)


def _check(document: Any) -> Iterator[Finding]:
    if not isinstance(document, Mapping):
        yield _error("", f"the file is not a mapping of sections: {', '.join(FORMAT)}")
        return
    for section, entries in document.items():
        if section in _PLACE:
            if not isinstance(entries, str):
                yield _error(str(section), "is not a string")
        elif section not in FORMAT:
            yield _error(str(section), f"is not a section; the sections are {', '.join(FORMAT)}")
        else:
            yield from _check_entries(section, entries, FORMAT[section])


def _check_entries(path: str, entries: Any, allowed: tuple[str, ...]) -> Iterator[Finding]:
    if entries is None:
        return
    if not isinstance(entries, list):
        yield _error(path, "is not a list; begin each entry with '- '")
        return
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        here = f"{path}[{number}]"
        if not isinstance(entry, Mapping):
            yield _error(here, f"is not a mapping; its fields are {', '.join(f.rstrip('*') for f in allowed)}")
            continue
        yield from _check_fields(here, entry, allowed)
        name = str(entry.get("name", ""))
        if name and name in seen:
            yield _error(f"{here}.name", f"{name!r} is there twice")
        seen.add(name)
        yield from _check_meaning(path, here, entry)


def _check_fields(here: str, entry: Mapping[str, Any], allowed: tuple[str, ...]) -> Iterator[Finding]:
    names = {f.rstrip("*") for f in allowed}
    for unknown in sorted(str(k) for k in entry if k not in names):
        yield _error(f"{here}.{unknown}", f"is not a field; the fields are {', '.join(sorted(names))}")
    for needed in (f.rstrip("*") for f in allowed if f.endswith("*")):
        if not isinstance(entry.get(needed), str) or not entry[needed]:
            yield _error(f"{here}.{needed}", "is missing, or not a string")


def _check_meaning(section: str, here: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    either = {
        "functions": ("triggerTopic", "triggerBucket", "triggerHttp"),
        "schedules": ("topic", "uri"),
        "triggers": ("topic", "bucket"),
    }.get(section)
    if either and sum(bool(entry.get(name)) for name in either) != 1:
        yield _error(here, f"give exactly one of {', '.join(either)}")
    if section == "triggers" and not isinstance(entry.get("parameters") or {}, Mapping):
        yield _error(f"{here}.parameters", "is not a mapping of parameters to values")
    if section == "buckets":
        yield from _check_entries(f"{here}.files", entry.get("files"), FILE_FIELDS)
        yield from _check_entries(f"{here}.notifications", entry.get("notifications"), NOTIFICATION_FIELDS)


def _topic(entry: Mapping[str, Any], project: str) -> Iterator[Resource]:
    name = _within(entry["name"], f"projects/{project}/topics")
    yield Resource(kind="topic", name=name, document=_given(entry, ("labels",)))


def _bucket(entry: Mapping[str, Any], project: str) -> Iterator[Resource]:
    name = entry["name"].removeprefix("gs://").rstrip("/")
    document = _given(entry, ("storageClass", "labels"))
    if entry.get("location"):
        document["location"] = str(entry["location"]).upper()
    if entry.get("versioning") is not None:
        document["versioning"] = {"enabled": bool(entry["versioning"])}
    yield Resource(kind="bucket", name=name, document=document, extra={"project": project})
    for file in entry.get("files") or ():
        yield Resource(kind="file", name=f"gs://{name}/{file.get('to', '')}", document={}, extra=dict(file))
    for wanted in entry.get("notifications") or ():
        topic = _within(wanted["topic"], f"projects/{project}/topics")
        config = {
            "topic": f"//pubsub.googleapis.com/{topic}",
            "event_types": list(wanted.get("eventTypes") or ["OBJECT_FINALIZE"]),
            "object_name_prefix": wanted.get("prefix", ""),
            "payload_format": "JSON_API_V1",
        }
        yield Resource(kind="notification", name=f"gs://{name} → {topic}", document=config, extra={"bucket": name})


def _function(entry: Mapping[str, Any], project: str, region: str) -> Iterator[Resource]:
    name = _within(entry["name"], f"projects/{project}/locations/{region}/functions")
    document = _given(entry, _FUNCTION_FIELDS)
    if "environmentVariables" in document:
        document["environmentVariables"] = {k: str(v) for k, v in document["environmentVariables"].items()}
    policy: dict[str, Any] = {"failurePolicy": {"retry": {}}} if entry.get("retry") else {}
    if entry.get("triggerTopic"):
        event, service = _TOPIC_EVENT
        resource = _within(entry["triggerTopic"], f"projects/{project}/topics")
        document["eventTrigger"] = {"eventType": event, "resource": resource, "service": service, **policy}
    elif entry.get("triggerBucket"):
        event, service = _BUCKET_EVENT
        resource = f"projects/_/buckets/{entry['triggerBucket'].removeprefix('gs://').rstrip('/')}"
        document["eventTrigger"] = {"eventType": event, "resource": resource, "service": service, **policy}
    yield Resource(kind="function", name=name, document=document, extra=dict(entry))


def _schedule(entry: Mapping[str, Any], project: str, region: str) -> Iterator[Resource]:
    name = _within(entry["name"], f"projects/{project}/locations/{region}/jobs")
    document: dict[str, Any] = {"schedule": entry["schedule"], "timeZone": entry.get("timeZone") or "Etc/UTC"}
    document |= _given(entry, ("description", "retryConfig"))
    if entry.get("topic"):
        target: dict[str, Any] = {"topicName": _within(entry["topic"], f"projects/{project}/topics")}
        target["data"] = _base64(entry.get("message", ""))
        document["pubsubTarget"] = target | _given(entry, ("attributes",))
    else:
        target = {"uri": entry["uri"], "httpMethod": entry.get("httpMethod", "POST")}
        target |= _given(entry, ("headers",)) | ({"body": _base64(entry["body"])} if "body" in entry else {})
        document["httpTarget"] = target
    document |= {name: str(value) for name, value in _given(entry, POLICIES).items()}
    yield Resource(kind="schedule", name=name, document=document)


def _build_trigger(entry: Mapping[str, Any], project: str, region: str) -> Iterator[Resource]:
    template: dict[str, Any] = {"repoName": entry["repository"]}
    template |= {"tagName": entry["tag"]} if entry.get("tag") else {"branchName": entry.get("branch") or ".*"}
    template |= _given(entry, ("invertRegex",))
    document = {"name": entry["name"], "triggerTemplate": template}
    document |= {"filename": entry["config"]} if entry.get("config") else {}
    document |= _given(entry, ("includedFiles", "ignoredFiles", "changes", "substitutions", "description"))
    place = {"project": project, "region": region}
    yield Resource(kind="build trigger", name=entry["name"], document=document, extra=place)


def _trigger(entry: Mapping[str, Any], project: str, region: str) -> Iterator[Resource]:
    document = {"spec": entry["spec"], **_given(entry, ("parameters",))}
    if entry.get("topic"):
        document["topic"] = _within(entry["topic"], f"projects/{project}/topics")
    else:
        document["bucket"] = entry["bucket"].removeprefix("gs://").rstrip("/")
    parent = f"projects/{project}/locations/{region}"
    yield Resource(kind="trigger", name=entry["name"], document=document, extra={"parent": parent})


def _given(entry: Mapping[str, Any], fields: tuple[str, ...]) -> dict[str, Any]:
    return {name: entry[name] for name in fields if entry.get(name) is not None}


def _within(name: str, parent: str) -> str:
    return name if "/" in name else f"{parent}/{name}"


def _base64(message: Any) -> str:
    text = message if isinstance(message, str) else json.dumps(message)
    return base64.b64encode(text.encode()).decode()


def _is_same(name: str, wanted: Any, found: Any) -> bool:
    """Compare a field; parameters of a pipeline count all, whatever their names."""
    return wanted == (found or {}) if name == "parameters" else _is_equal(wanted, found)


def _is_equal(wanted: Any, found: Any) -> bool:
    """Compare; what is empty and what is absent are the same, and what the surface adds to a target is no difference."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping) and "failurePolicy" not in found:
        targets = {
            "topicName",
            "uri",
            "repoName",
            "eventType",
            "retryCount",
            "minBackoffDuration",
            "maxBackoffDuration",
        }
        if targets & set(wanted):
            return all(_is_equal(value, found.get(key)) for key, value in wanted.items())
    return bool(wanted == found or not (wanted or found))


def _difference(name: str, found: Any, wanted: Any) -> str:
    if name in {"source", "crc32c"}:
        return "content changed"
    if name == "environmentVariables":  # values may be secrets
        names = {k for k in {*(found or {}), *wanted} if (found or {}).get(k) != wanted.get(k)}
        return f"{name} {', '.join(sorted(names))} changed"
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        parts = [
            f"{name}.{k} {_shown(k, found.get(k))} → {_shown(k, v)}" for k, v in wanted.items() if found.get(k) != v
        ]
        return "; ".join(parts) or f"{name} changed"
    return f"{name} {_shown(name, found)} → {_shown(name, wanted)}"


def _shown(name: str, value: Any) -> str:
    if name in {"data", "body"} and isinstance(value, str):
        value = base64.b64decode(value).decode("utf-8", "replace")
    text = "nothing" if value in (None, "", [], {}) else value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= 80 else f"{text[:77]}…"  # noqa: PLR2004  (a line of a terminal)


def _error(path: str, message: str) -> Finding:
    return Finding(severity="error", path=path, message=message)
