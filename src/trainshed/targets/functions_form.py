"""A function's document in the form of Cloud Functions' first API and of its second, which has both generations. Pure."""

import re
from collections.abc import Mapping
from typing import Any

SECOND = "GEN_2"
_EVENTS = {
    "google.pubsub.topic.publish": "google.cloud.pubsub.topic.v1.messagePublished",
    "google.storage.object.finalize": "google.cloud.storage.object.v1.finalized",
    "google.storage.object.delete": "google.cloud.storage.object.v1.deleted",
    "google.storage.object.archive": "google.cloud.storage.object.v1.archived",
    "google.storage.object.metadataUpdate": "google.cloud.storage.object.v1.metadataUpdated",
}
_BACK = {second: first for first, second in _EVENTS.items()}
_UNITS = {
    "": 1 / 2**20,
    "k": 1000 / 2**20,
    "K": 1 / 1024,
    "m": 1000**2 / 2**20,
    "M": 1,
    "g": 1000**3 / 2**20,
    "G": 1024,
}
# field of the first API → field of the second's serviceConfig
_SERVICE = {
    "environmentVariables": "environmentVariables",
    "secretEnvironmentVariables": "secretEnvironmentVariables",
    "serviceAccountEmail": "serviceAccountEmail",
    "maxInstances": "maxInstanceCount",
    "minInstances": "minInstanceCount",
    "ingressSettings": "ingressSettings",
    "vpcConnector": "vpcConnector",
}
_BUILD = {"runtime": "runtime", "entryPoint": "entryPoint"}
_PLAIN = ("name", "description", "labels")


def second(document: Mapping[str, Any], source: Mapping[str, Any] | None) -> dict[str, Any]:
    """Write a function of the first form in the second; `source` is where its archive was put."""
    build = {new: document[old] for old, new in _BUILD.items() if old in document}
    service = {new: document[old] for old, new in _SERVICE.items() if old in document}
    if "timeout" in document:
        service["timeoutSeconds"] = round(float(str(document["timeout"]).rstrip("s")))
    if "availableMemoryMb" in document:
        service["availableMemory"] = f"{document['availableMemoryMb']}Mi"
    if source is not None:
        build["source"] = {"storageSource": dict(source)}
    made: dict[str, Any] = {name: document[name] for name in _PLAIN if name in document}
    made |= {"environment": SECOND, "buildConfig": build, "serviceConfig": service}
    if trigger := document.get("eventTrigger"):
        made["eventTrigger"] = _second_trigger(trigger)
    return made


def first(found: Mapping[str, Any]) -> dict[str, Any]:
    """Write a function of the second form in the first, with its generation."""
    build, service = found.get("buildConfig", {}), found.get("serviceConfig", {})
    made: dict[str, Any] = {name: found[name] for name in _PLAIN if name in found}
    made |= {"status": found.get("state", ""), "updateTime": found.get("updateTime", "")}
    made |= {old: build[new] for old, new in _BUILD.items() if new in build}
    made |= {old: service[new] for old, new in _SERVICE.items() if new in service}
    if "timeoutSeconds" in service:
        made["timeout"] = f"{service['timeoutSeconds']}s"
    if memory := _megabytes(service.get("availableMemory", "")):
        made["availableMemoryMb"] = memory
    if trigger := found.get("eventTrigger"):
        made["eventTrigger"] = _first_trigger(trigger)
    else:
        made["httpsTrigger"] = {"url": found.get("url") or service.get("uri", "")}
    if revision := service.get("revision") or build.get("build"):
        made["versionId"] = str(revision).rpartition("/")[2]
    return made | {"generation": 2 if found.get("environment") == SECOND else 1}


def _second_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    event, resource = str(trigger["eventType"]), str(trigger["resource"])
    made: dict[str, Any] = {"eventType": _EVENTS.get(event, event)}
    if "/buckets/" in resource:
        made["eventFilters"] = [{"attribute": "bucket", "value": resource.rpartition("/")[2]}]
    else:
        made["pubsubTopic"] = resource
    retries = "retry" in trigger.get("failurePolicy", {})
    return made | {"retryPolicy": "RETRY_POLICY_RETRY" if retries else "RETRY_POLICY_DO_NOT_RETRY"}


def _first_trigger(trigger: Mapping[str, Any]) -> dict[str, Any]:
    event = str(trigger.get("eventType", ""))
    buckets = [f["value"] for f in trigger.get("eventFilters", ()) if f.get("attribute") == "bucket"]
    resource = f"projects/_/buckets/{buckets[0]}" if buckets else trigger.get("pubsubTopic", "")
    made: dict[str, Any] = {"eventType": _BACK.get(event, event), "resource": resource}
    return made | ({"failurePolicy": {"retry": {}}} if trigger.get("retryPolicy") == "RETRY_POLICY_RETRY" else {})


def _megabytes(text: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmMgG]?)i?B?", text)
    return round(float(found[1]) * _UNITS[found[2]]) if found else 0
