"""A function as Google's first-generation JSON document, both ways. Nothing here does I/O."""

import re
from collections.abc import Mapping
from typing import Any

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument
from trainshed.functions.model import MEBIBYTE, Configuration, Function

NAME = "projects/{project}/locations/{location}/functions/{function}"
_NAME_RULE = re.compile(r"[a-z][a-z0-9_-]{0,61}[a-z0-9]|[a-z]", re.IGNORECASE)
_VARIABLE_RULE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_TOPIC_RULE = re.compile(r"(?!goog)[A-Za-z][A-Za-z0-9._~+%-]{2,254}")
_TOPIC_EVENTS = {"google.pubsub.topic.publish", "providers/cloud.pubsub/eventTypes/topic.publish"}
_OBJECT_EVENT = "google.storage.object.finalize"
_LONGEST_SECONDS, _LARGEST_MEGABYTES, _MOST_INSTANCES = 3600, 32768, 1000
_RESERVED = {"FUNCTION_TARGET", "FUNCTION_SIGNATURE_TYPE", "K_SERVICE", "K_REVISION", "PORT"}


def check_name(name: str) -> dict[str, str]:
    """Split a function's name. Raises InvalidArgument for a malformed one."""
    parts = names.parse(NAME, name)
    if not _NAME_RULE.fullmatch(parts["function"]):
        raise InvalidArgument.field(
            "name",
            f"{parts['function']!r} must start with a letter and have at most 63 letters, digits, '-' and '_'",
            reason="NAME_FORMAT",
        )
    return parts


def configuration(name: str, document: Mapping[str, Any]) -> Configuration:
    """Read a CloudFunction document. Raises InvalidArgument naming the field."""
    parts = check_name(name)
    topic, bucket, retry = _trigger(document, parts["project"])
    http = "httpsTrigger" in document
    if http == bool(topic or bucket):
        raise InvalidArgument.field("trigger", "give exactly one of eventTrigger (topic or bucket) and httpsTrigger")
    return Configuration(
        entry_point=document.get("entryPoint") or parts["function"],
        runtime=document.get("runtime") or "python311",
        topic=topic,
        bucket=bucket,
        http=http,
        retry=retry,
        variables=_variables(document.get("environmentVariables") or {}),
        memory_bytes=_whole(document, "availableMemoryMb", 256, 32, _LARGEST_MEGABYTES) * MEBIBYTE,
        timeout_seconds=_seconds(document.get("timeout") or "60s"),
        max_instances=_whole(document, "maxInstances", 0, 0, _MOST_INSTANCES),
        min_instances=_whole(document, "minInstances", 0, 0, _MOST_INSTANCES),
        generation=int(document.get("generation", 1)),
        description=document.get("description", ""),
        labels=dict(document.get("labels") or {}),
        service_account=document.get("serviceAccountEmail", ""),
        stage_bucket=document.get("stageBucket", ""),
        source_url=document.get("sourceArchiveUrl") or document.get("sourceUploadUrl") or "",
    )


def document(function: Function) -> dict[str, Any]:
    """Write a function as Google's REST does. Fields that are not set are left out."""
    asked = function.version.configuration if function.version else function.requested
    parts = names.parse(NAME, function.name)
    fields = {
        "name": function.name,
        "description": asked.description,
        "sourceArchiveUrl" if asked.source_url.startswith("gs://") else "sourceUploadUrl": asked.source_url,
        **_trigger_fields(asked, parts),
        "status": function.state,
        "entryPoint": asked.entry_point,
        "runtime": asked.runtime,
        "timeout": f"{asked.timeout_seconds:g}s",
        "availableMemoryMb": asked.memory_bytes // MEBIBYTE,
        "serviceAccountEmail": asked.service_account or f"{parts['project']}@appspot.gserviceaccount.com",
        "updateTime": rfc3339(function.update_time),
        "versionId": str(function.version.number) if function.version else "",
        "labels": dict(asked.labels),
        "environmentVariables": dict(asked.variables),
        "maxInstances": asked.max_instances,
        "minInstances": asked.min_instances,
        "ingressSettings": "ALLOW_ALL",
    }
    return {k: v for k, v in fields.items() if v not in ("", {}, None, 0)}


def merge(current: Mapping[str, Any], change: Mapping[str, Any], mask: list[str]) -> dict[str, Any]:
    """Apply an update; an empty mask replaces whatever the change names."""
    wanted = {_camel(path.split(".")[0]) for path in mask} or set(change)
    kept = {k: v for k, v in current.items() if k not in wanted}
    merged = kept | {k: v for k, v in change.items() if k in wanted}
    if "eventTrigger" in change and "eventTrigger" in wanted:
        merged.pop("httpsTrigger", None)
    return merged


def _trigger_fields(asked: Configuration, parts: Mapping[str, str]) -> dict[str, Any]:
    if asked.http:
        url = f"https://{parts['location']}-{parts['project']}.cloudfunctions.net/{parts['function']}"
        return {"httpsTrigger": {"url": url, "securityLevel": "SECURE_OPTIONAL"}}
    policy: dict[str, Any] = {"failurePolicy": {"retry": {}}} if asked.retry else {}
    if asked.bucket:
        event, resource, service = _OBJECT_EVENT, f"projects/_/buckets/{asked.bucket}", "storage.googleapis.com"
    else:
        event, resource, service = "google.pubsub.topic.publish", asked.topic, "pubsub.googleapis.com"
    return {"eventTrigger": {"eventType": event, "resource": resource, "service": service, **policy}}


def _trigger(document: Mapping[str, Any], project: str) -> tuple[str, str, bool]:
    trigger = document.get("eventTrigger")
    if not trigger:
        return "", "", False
    retry = "retry" in (trigger.get("failurePolicy") or {})
    event, resource = trigger.get("eventType", ""), trigger.get("resource", "")
    if event == _OBJECT_EVENT:
        return (
            "",
            names.parse("projects/{_}/buckets/{bucket}", resource, field="eventTrigger.resource")["bucket"],
            retry,
        )
    if event not in _TOPIC_EVENTS:
        raise InvalidArgument.field(
            "eventTrigger.eventType", f"{event!r} is not served; use google.pubsub.topic.publish or {_OBJECT_EVENT}"
        )
    topic = resource if "/" in resource else f"projects/{project}/topics/{resource}"
    found = names.parse("projects/{project}/topics/{topic}", topic, field="eventTrigger.resource")
    if found["project"] != project:
        raise InvalidArgument.field("eventTrigger.resource", "the topic must be in the function's project")
    if not _TOPIC_RULE.fullmatch(found["topic"]):
        raise InvalidArgument.field(
            "eventTrigger.resource",
            f"the topic {found['topic']!r} must start with a letter, not with 'goog', and hold 3 to 255 letters, "
            "digits or -_.~+%",
        )
    return topic, "", retry


def _variables(given: Mapping[str, Any]) -> dict[str, str]:
    for name in given:
        if not _VARIABLE_RULE.fullmatch(name):
            raise InvalidArgument.field("environmentVariables", f"{name!r} is not a name of a variable")
        if name in _RESERVED or name.startswith("X_GOOGLE_"):
            raise InvalidArgument.field("environmentVariables", f"{name} is set by the runtime; choose another name")
    return {name: str(value) for name, value in given.items()}


def _whole(document: Mapping[str, Any], field: str, default: int, least: int, most: int) -> int:
    value = document.get(field, default)
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise InvalidArgument.field(field, f"{value!r} is not a whole number") from None
    if not least <= number <= most:
        raise InvalidArgument.field(field, f"{number} is not between {least} and {most}")
    return number


def _seconds(text: str) -> float:
    try:
        seconds = float(text.removesuffix("s"))
    except ValueError:
        raise InvalidArgument.field("timeout", f"{text!r} is not a duration like 60s") from None
    if not 0 < seconds <= _LONGEST_SECONDS:
        raise InvalidArgument.field("timeout", f"{text} is not between 0s and {_LONGEST_SECONDS}s")
    return seconds


def _camel(name: str) -> str:
    head, *tail = name.split("_")
    return head + "".join(word.capitalize() for word in tail)


def subscription(name: str, topic: str) -> str:
    """Answer the name of the subscription that feeds a function, as Google names it."""
    parts = names.parse(NAME, name)
    return f"projects/{parts['project']}/subscriptions/gcf-{parts['function']}-{parts['location']}-{names.short(topic)}"


def operation_name(name: str) -> str:
    """Make the name of an operation that deploys a function."""
    parts = names.parse(NAME, name)
    return f"operations/{parts['project']}-{parts['location']}-{parts['function']}-{names.short_id()}"
