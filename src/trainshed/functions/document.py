"""A function as Google's first-generation JSON document, both ways. Nothing here does I/O."""

from collections.abc import Mapping
from typing import Any

from trainshed import names
from trainshed.clock import duration, rfc3339
from trainshed.errors import InvalidArgument
from trainshed.functions import addresses, checks
from trainshed.functions.model import MEBIBYTE, Configuration, Function

# What Google's document says that has no meaning on one machine: kept, and shown again.
KEPT = (
    "network",
    "vpcConnector",
    "vpcConnectorEgressSettings",
    "ingressSettings",
    "kmsKeyName",
    "buildWorkerPool",
    "buildServiceAccount",
    "buildEnvironmentVariables",
    "dockerRepository",
    "dockerRegistry",
    "automaticUpdatePolicy",
    "onDeployUpdatePolicy",
)
_REFUSED = {
    "sourceRepository": "upload the source, or name an archive with sourceArchiveUrl",
    "secretVolumes": "use secretEnvironmentVariables",
}


def configuration(name: str, document: Mapping[str, Any]) -> Configuration:
    """Read a CloudFunction document. Raises InvalidArgument naming the field."""
    parts = addresses.check_name(name)
    checks.refuse(document, _REFUSED)
    generation = checks.whole(document.get("generation", 1), "generation", least=1, most=2)
    trigger = _trigger(document, parts["project"])
    most = checks.LONGEST_SECONDS if generation > 1 and trigger.get("http") else checks.LONGEST_EVENT_SECONDS
    megabytes = checks.whole(
        document.get("availableMemoryMb", 256), "availableMemoryMb", least=32, most=checks.LARGEST_MEBIBYTES
    )
    return Configuration(
        entry_point=document.get("entryPoint") or parts["function"],
        runtime=document.get("runtime") or "python311",
        **trigger,
        variables=checks.variables(document.get("environmentVariables") or {}, "environmentVariables"),
        secrets=checks.secrets(document.get("secretEnvironmentVariables") or (), "secretEnvironmentVariables"),
        memory_bytes=megabytes * MEBIBYTE,
        timeout_seconds=checks.seconds(document.get("timeout") or "60s", "timeout", most=most),
        max_instances=_instances(document, "maxInstances"),
        min_instances=_instances(document, "minInstances"),
        generation=generation,
        description=document.get("description", ""),
        labels=checks.labels(document.get("labels") or {}),
        service_account=document.get("serviceAccountEmail", ""),
        stage_bucket=document.get("stageBucket", ""),
        source_url=document.get("sourceArchiveUrl") or document.get("sourceUploadUrl") or "",
        kept=_kept(document),
    )


def document(function: Function) -> dict[str, Any]:
    """Write a function as Google's REST does. Fields that are not set are left out."""
    asked = function.version.configuration if function.version else function.requested
    parts = names.parse(addresses.NAME, function.name)
    fields = {
        "name": function.name,
        "description": asked.description,
        "sourceArchiveUrl" if asked.source_url.startswith("gs://") else "sourceUploadUrl": asked.source_url,
        **_trigger_fields(asked, function.name),
        "status": function.state,
        "entryPoint": asked.entry_point,
        "runtime": asked.runtime,
        "timeout": duration(asked.timeout_seconds),
        "availableMemoryMb": asked.memory_bytes // MEBIBYTE,
        "serviceAccountEmail": asked.service_account or f"{parts['project']}@appspot.gserviceaccount.com",
        "updateTime": rfc3339(function.update_time),
        "versionId": str(function.version.number) if function.version else "",
        "labels": dict(asked.labels),
        "environmentVariables": dict(asked.variables),
        "secretEnvironmentVariables": secret_fields(asked, parts["project"]),
        "maxInstances": asked.max_instances,
        "minInstances": asked.min_instances,
        "ingressSettings": "ALLOW_ALL",
        "dockerRegistry": "ARTIFACT_REGISTRY",
    }
    shown = {k: v for k, v in fields.items() if v not in ("", {}, None, 0, [])}
    return shown | ({k: v for k, v in asked.kept.items() if k in KEPT} if asked.generation == 1 else {})


def secret_fields(asked: Configuration, project: str) -> list[dict[str, str]]:
    """Write which variable takes which secret."""
    return [
        {"key": key, "projectId": project, "secret": secret, "version": version}
        for key, (secret, version) in asked.secrets.items()
    ]


def _trigger_fields(asked: Configuration, name: str) -> dict[str, Any]:
    if asked.http:
        level = asked.kept.get("securityLevel", "SECURE_OPTIONAL")
        return {"httpsTrigger": {"url": addresses.url(name), "securityLevel": level}}
    policy: dict[str, Any] = {"failurePolicy": {"retry": {}}} if asked.retry else {}
    if asked.bucket:
        event, _ = checks.OBJECT_EVENTS[asked.object_event]
        resource, service = f"projects/_/buckets/{asked.bucket}", "storage.googleapis.com"
    else:
        event, resource, service = checks.TOPIC_EVENTS[0], asked.topic, "pubsub.googleapis.com"
    return {"eventTrigger": {"eventType": event, "resource": resource, "service": service, **policy}}


def _trigger(document: Mapping[str, Any], project: str) -> dict[str, Any]:
    trigger = document.get("eventTrigger")
    if ("httpsTrigger" in document) == bool(trigger):
        raise InvalidArgument.field("trigger", "give exactly one of eventTrigger (topic or bucket) and httpsTrigger")
    if not trigger:
        return {"http": True}
    retry = "retry" in (trigger.get("failurePolicy") or {})
    event, resource = trigger.get("eventType", ""), trigger.get("resource", "")
    if event in checks.TOPIC_EVENTS:
        return {"topic": checks.topic(resource, project, "eventTrigger.resource"), "retry": retry}
    kind = checks.object_event(event, "eventTrigger.eventType")
    return {"bucket": checks.bucket(resource, "eventTrigger.resource"), "object_event": kind, "retry": retry}


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    kept = {path: document[path] for path in KEPT if path in document}
    if kept.get("ingressSettings") == "ALLOW_ALL":
        del kept["ingressSettings"]
    level = (document.get("httpsTrigger") or {}).get("securityLevel", "")
    return kept | ({"securityLevel": level} if level else {})


def _instances(document: Mapping[str, Any], field: str) -> int:
    return checks.whole(document.get(field, 0), field, least=0, most=checks.MOST_INSTANCES)
