"""A function as Google's second-generation JSON document, both ways. Nothing here does I/O.

The second generation's API shows the functions of the first, too.
"""

import re
from collections.abc import Mapping
from typing import Any

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument
from trainshed.functions import addresses, checks
from trainshed.functions.document import secret_fields
from trainshed.functions.model import MEBIBYTE, Configuration, Function

STATES = {"ACTIVE": "ACTIVE", "DEPLOY_IN_PROGRESS": "DEPLOYING", "OFFLINE": "FAILED"}
_KEPT = {  # of no meaning on one machine: kept, and shown again
    "": ("kmsKeyName",),
    "buildConfig": (
        "workerPool",
        "environmentVariables",
        "dockerRegistry",
        "dockerRepository",
        "serviceAccount",
        "automaticUpdatePolicy",
        "onDeployUpdatePolicy",
    ),
    "serviceConfig": (
        "availableCpu",
        "vpcConnector",
        "vpcConnectorEgressSettings",
        "ingressSettings",
        "securityLevel",
        "binaryAuthorizationPolicy",
        "maxInstanceRequestConcurrency",
    ),
    "eventTrigger": ("channel", "serviceAccountEmail", "triggerRegion", "service"),
}
_REFUSED = {
    "buildConfig.source.repoSource": "upload the source, or name an archive with storageSource",
    "buildConfig.source.gitUri": "upload the source, or name an archive with storageSource",
    "serviceConfig.secretVolumes": "use secretEnvironmentVariables",
}
_DEFAULTS = {
    "buildConfig": {"dockerRegistry": "ARTIFACT_REGISTRY"},
    "serviceConfig": {
        "ingressSettings": "ALLOW_ALL",
        "availableCpu": "0.1666",
        "maxInstanceRequestConcurrency": 1,
        "allTrafficOnLatestRevision": True,
    },
    "eventTrigger": {},
}
_MEMORY = re.compile(r"(\d+)(k|Ki|M|Mi|G|Gi|T|Ti)?")
_UNITS = {
    "": 1,
    "k": 10**3,
    "Ki": 1 << 10,
    "M": 10**6,
    "Mi": 1 << 20,
    "G": 10**9,
    "Gi": 1 << 30,
    "T": 10**12,
    "Ti": 1 << 40,
}
_MOST_CONCURRENT = 1000


def configuration(name: str, document: Mapping[str, Any]) -> Configuration:
    """Read a Function document of the second generation. Raises InvalidArgument naming the field."""
    parts = addresses.check_name(name)
    if document.get("environment", "GEN_2") not in {"GEN_2", "ENVIRONMENT_UNSPECIFIED"}:
        raise InvalidArgument.field("environment", "only GEN_2 is made by this API; use v1 for the first generation")
    checks.refuse(document, _REFUSED)
    build, service = document.get("buildConfig") or {}, document.get("serviceConfig") or {}
    trigger = _trigger(document.get("eventTrigger") or {}, parts["project"])
    variables = service.get("environmentVariables") or {}
    return Configuration(
        entry_point=build.get("entryPoint") or parts["function"],
        runtime=build.get("runtime") or _no_runtime(),
        **trigger,
        variables=checks.variables(variables, "serviceConfig.environmentVariables"),
        secrets=checks.secrets(
            service.get("secretEnvironmentVariables") or (), "serviceConfig.secretEnvironmentVariables"
        ),
        memory_bytes=_bytes(service.get("availableMemory") or "256M"),
        timeout_seconds=checks.seconds(
            service.get("timeoutSeconds") or 60,
            "serviceConfig.timeoutSeconds",
            most=checks.LONGEST_SECONDS if trigger.get("http") else checks.LONGEST_EVENT_SECONDS,
        ),
        max_instances=_instances(service, "maxInstanceCount"),
        min_instances=_instances(service, "minInstanceCount"),
        generation=2,
        description=document.get("description", ""),
        labels=checks.labels(document.get("labels") or {}),
        service_account=service.get("serviceAccountEmail", ""),
        source_url=_source_url(build.get("source") or {}),
        kept=_kept(document),
    )


def document(function: Function) -> dict[str, Any]:
    """Write a function of either generation as the second one's REST does. Fields that are not set are left out."""
    asked = function.version.configuration if function.version else function.requested
    build = _build(function, asked)
    fields: dict[str, Any] = {
        "name": function.name,
        "description": asked.description,
        "buildConfig": build,
        "serviceConfig": _service(function, asked),
        "eventTrigger": {} if asked.http else _event_trigger(asked, function.name),
        "state": STATES[function.state],
        "updateTime": rfc3339(function.update_time),
        "createTime": rfc3339(function.create_time),
        "labels": dict(asked.labels),
        "stateMessages": _messages(function),
        "environment": f"GEN_{asked.generation}",
        "url": addresses.url(function.name) if asked.http or asked.generation > 1 else "",
        **(asked.kept.get("", {}) if asked.generation > 1 else {}),
    }
    return _shown(fields)


def memory_text(size: int) -> str:
    """Write an amount of memory as Google does: 256M, 512Mi, 1Gi."""
    for unit in ("Gi", "G", "Mi", "M", "Ki", "k"):
        if size % _UNITS[unit] == 0:
            return f"{size // _UNITS[unit]}{unit}"
    return str(size)


def _build(function: Function, asked: Configuration) -> dict[str, Any]:
    bucket, name = addresses.sources(function.name)
    location = names.parse(addresses.NAME, function.name)["location"]
    archive = {"bucket": bucket, "object": name}
    if function.version is not None:
        archive["generation"] = str(function.version.number)
    build: dict[str, Any] = {"runtime": asked.runtime, "entryPoint": asked.entry_point}
    build["source"] = {"storageSource": archive}
    build["sourceProvenance"] = {"resolvedStorageSource": archive}
    if asked.generation > 1:
        repository = f"projects/{names.parse(addresses.NAME, function.name)['project']}/locations/{location}"
        build |= {"dockerRepository": f"{repository}/repositories/gcf-artifacts"}
        build |= _DEFAULTS["buildConfig"] | asked.kept.get("buildConfig", {})
    return build


def _service(function: Function, asked: Configuration) -> dict[str, Any]:
    parts = names.parse(addresses.NAME, function.name)
    account = f"{names.PROJECT_NUMBER}-compute@developer" if asked.generation > 1 else f"{parts['project']}@appspot"
    service: dict[str, Any] = {
        "timeoutSeconds": int(asked.timeout_seconds),
        "availableMemory": memory_text(asked.memory_bytes),
        "environmentVariables": dict(asked.variables),
        "secretEnvironmentVariables": secret_fields(asked, parts["project"]),
        "maxInstanceCount": asked.max_instances,
        "minInstanceCount": asked.min_instances,
        "serviceAccountEmail": asked.service_account or f"{account}.gserviceaccount.com",
        "ingressSettings": "ALLOW_ALL",
    }
    if asked.generation > 1:
        service |= {"service": addresses.service_name(function.name), "uri": addresses.uri(function.name)}
        number = function.version.number if function.version else 0
        service |= {"revision": f"{addresses.service(function.name)}-{number:05d}"} if number else {}
        service |= _DEFAULTS["serviceConfig"] | asked.kept.get("serviceConfig", {})
    return service


def _event_trigger(asked: Configuration, name: str) -> dict[str, Any]:
    second = asked.generation > 1
    made: dict[str, Any] = {"retryPolicy": "RETRY_POLICY_RETRY" if asked.retry else "RETRY_POLICY_DO_NOT_RETRY"}
    if asked.bucket:
        made["eventType"] = checks.OBJECT_EVENTS[asked.object_event][second]
        made["eventFilters"] = [{"attribute": "bucket", "value": asked.bucket}]
    else:
        made["eventType"] = checks.TOPIC_EVENTS[2 if second else 0]
        made["pubsubTopic"] = asked.topic
    if not second:
        return made
    parts = names.parse(addresses.NAME, name)
    account = f"{names.PROJECT_NUMBER}-compute@developer.gserviceaccount.com"
    made |= {"trigger": addresses.trigger(name), "triggerRegion": parts["location"], "serviceAccountEmail": account}
    made.update(asked.kept.get("eventTrigger", {}))
    return made


def _messages(function: Function) -> list[dict[str, str]]:
    if not function.error:
        return []
    return [{"severity": "ERROR", "type": "DeploymentFailed", "message": function.error}]


def _trigger(trigger: Mapping[str, Any], project: str) -> dict[str, Any]:
    if not trigger:
        return {"http": True}
    retry, event = trigger.get("retryPolicy") == "RETRY_POLICY_RETRY", trigger.get("eventType", "")
    filters = {entry.get("attribute", ""): entry.get("value", "") for entry in trigger.get("eventFilters") or ()}
    _refuse_filters(filters, {"topic"} if event in checks.TOPIC_EVENTS else {"bucket"})
    if event in checks.TOPIC_EVENTS:
        given = trigger.get("pubsubTopic") or filters.get("topic", "")
        if filters.get("topic", given) != given:
            raise InvalidArgument.field("eventTrigger.eventFilters", "names another topic than pubsubTopic; name one")
        if not given:
            raise InvalidArgument.field("eventTrigger.pubsubTopic", "is not given; name the topic")
        return {"topic": checks.topic(given, project, "eventTrigger.pubsubTopic"), "retry": retry}
    kind = checks.object_event(event, "eventTrigger.eventType")
    if "bucket" not in filters:
        raise InvalidArgument.field("eventTrigger.eventFilters", "has no filter on the attribute 'bucket'; add it")
    bucket = checks.bucket(filters["bucket"], "eventTrigger.eventFilters")
    return {"bucket": bucket, "object_event": kind, "retry": retry}


def _refuse_filters(filters: Mapping[str, str], served: set[str]) -> None:
    for attribute in filters:
        if attribute not in served:
            raise InvalidArgument.field(
                "eventTrigger.eventFilters", f"the attribute {attribute!r} is not served; only {', '.join(served)} is"
            )


def _no_runtime() -> str:
    raise InvalidArgument.field("buildConfig.runtime", "is not given; use one such as python311")


def _bytes(text: str) -> int:
    found = _MEMORY.fullmatch(text)
    size = int(found[1][:15]) * _UNITS[found[2] or ""] if found else 0
    if not 32 * MEBIBYTE <= size <= checks.LARGEST_MEBIBYTES * MEBIBYTE:
        raise InvalidArgument.field(
            "serviceConfig.availableMemory", f"{text!r} is not an amount from 32Mi to 32Gi, like 256M or 1Gi"
        )
    return size


def _instances(service: Mapping[str, Any], field: str) -> int:
    return checks.whole(service.get(field, 0), f"serviceConfig.{field}", least=0, most=checks.MOST_INSTANCES)


def _source_url(source: Mapping[str, Any]) -> str:
    archive = source.get("storageSource") or {}
    return f"gs://{archive['bucket']}/{archive.get('object', '')}" if archive.get("bucket") else ""


def _kept(document: Mapping[str, Any]) -> dict[str, Any]:
    made = {}
    for group, paths in _KEPT.items():
        given = (document.get(group) or {}) if group else document
        kept = {path: given[path] for path in paths if path in given}
        if kept:
            made[group] = kept
    at_once = made.get("serviceConfig", {}).get("maxInstanceRequestConcurrency", 1)
    checks.whole(at_once, "serviceConfig.maxInstanceRequestConcurrency", least=0, most=_MOST_CONCURRENT)
    return made


def _shown(fields: dict[str, Any]) -> dict[str, Any]:
    """Leave out what is not set, one level down as well; what is there and empty on purpose stays."""
    return {
        key: {k: v for k, v in inner.items() if v not in ("", {}, [], 0) or k.endswith("Policy")}
        if isinstance(inner, dict) and key.endswith("Config")
        else inner
        for key, inner in fields.items()
        if inner not in ("", {}, [])
    }
