"""What a caller may set of a bucket, and the bucket's document with what holds where nothing is set. Pure."""

import base64
import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from trainshed.blobs import Bucket
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument, PreconditionFailed
from trainshed.names import PROJECT_NUMBER

POLICY = "iamPolicy"  # kept with the bucket's properties, answered by itself
_MAPPINGS = (
    "autoclass", "billing", "customPlacementConfig", "encryption", "hierarchicalNamespace", "iamConfiguration",
    "ipFilter", "labels", "lifecycle", "logging", "retentionPolicy", "softDeletePolicy", "versioning", "website",
)  # fmt: skip
_TEXTS = ("location", "rpo", "storageClass")
_SETTABLE = (*_MAPPINGS, *_TEXTS, "cors", "defaultEventBasedHold")
_SECONDS = (("retentionPolicy", "retentionPeriod"), ("softDeletePolicy", "retentionDurationSeconds"))
_MULTI_REGIONS = ("ASIA", "EU", "US")
_DUAL_REGION = re.compile(r"(ASIA|EUR|NAM)\d+")
_CLASSES = ("STANDARD", "NEARLINE", "COLDLINE", "ARCHIVE", "MULTI_REGIONAL", "REGIONAL", "DURABLE_REDUCED_AVAILABILITY")
STANDARD = "STANDARD"


def changes(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a request sets, checked; a null stays, for it removes. Raises InvalidArgument."""
    found = {name: document[name] for name in _SETTABLE if name in document}
    for name in _MAPPINGS:
        if found.get(name) is not None and not isinstance(found[name], Mapping):
            raise InvalidArgument.field(name, f"{found[name]!r} is not an object.")
    for name in _TEXTS:
        if found.get(name) is not None and not isinstance(found[name], str):
            raise InvalidArgument.field(name, f"{found[name]!r} is not a string.")
    for name, key in _SECONDS:
        if isinstance(found.get(name), Mapping) and key in found[name]:
            found[name] = {**found[name], key: _seconds(f"{name}.{key}", found[name][key])}
    if found.get("storageClass"):
        found["storageClass"] = storage_class(found["storageClass"])
    _check_labels(found.get("labels"))
    return found


def merged(old: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """Apply a JSON merge patch: objects are merged, a null removes, everything else replaces."""
    made = dict(old)
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        elif isinstance(value, Mapping):
            made[name] = merged(made[name] if isinstance(made.get(name), Mapping) else {}, value)
        else:
            made[name] = value
    return made


def bucket_json(bucket: Bucket, base: str) -> dict[str, Any]:
    """Write a bucket."""
    created = rfc3339(bucket.create_time)
    stated: dict[str, Any] = {
        "kind": "storage#bucket",
        "id": bucket.name,
        "selfLink": f"{base}/storage/v1/b/{bucket.name}",
        "projectNumber": PROJECT_NUMBER,
        "name": bucket.name,
        "timeCreated": created,
        "updated": rfc3339(bucket.update_time),
        "generation": str(int(bucket.create_time.timestamp() * 1_000_000)),
        "metageneration": str(bucket.metageneration),
        "etag": tag(0, bucket.metageneration),
        "location": "US-CENTRAL1",
        "storageClass": STANDARD,
        "softDeletePolicy": {
            "retentionDurationSeconds": str(int(bucket.soft_delete_seconds)),
            "effectiveTime": created,
        },
        "iamConfiguration": {
            "uniformBucketLevelAccess": {"enabled": True},
            "bucketPolicyOnly": {"enabled": True},
            "publicAccessPrevention": "inherited",
        },
    }
    document = merged(stated, {k: v for k, v in bucket.properties.items() if k != POLICY})
    document["location"] = document["location"].upper()
    document["locationType"] = _location_type(document["location"])
    if "retentionPolicy" in document:
        document["retentionPolicy"].setdefault("effectiveTime", created)
    return document


def storage_class(text: str) -> str:
    """Read a storage class as gcloud writes it or as the API does. Raises InvalidArgument."""
    if text.upper() not in _CLASSES:
        raise InvalidArgument.field("storageClass", f"{text!r}: choose from {', '.join(_CLASSES[:4])}.")
    return text.upper()


def has_uniform_access(bucket: Bucket) -> bool:
    """Whether access is the bucket's alone, so that objects have no lists of their own."""
    configured = bucket.properties.get("iamConfiguration") or {}
    uniform = configured.get("uniformBucketLevelAccess") or configured.get("bucketPolicyOnly") or {}
    return uniform.get("enabled", True) is not False


def policy_json(bucket: Bucket) -> dict[str, Any]:
    """Write who may do what, as it was set: kept and answered, not enforced."""
    policy = bucket.properties.get(POLICY) or {"version": 1, "bindings": []}
    return {
        "kind": "storage#policy",
        "resourceId": f"projects/_/buckets/{bucket.name}",
        "etag": _digest(policy),
        **policy,
    }


def new_policy(bucket: Bucket, document: Mapping[str, Any]) -> dict[str, Any]:
    """Read a policy that is to replace the present one. Raises InvalidArgument, PreconditionFailed."""
    bindings = document.get("bindings") or []
    if not isinstance(bindings, list) or not all(isinstance(b, Mapping) and b.get("role") for b in bindings):
        raise InvalidArgument.field("bindings", "is not a list of objects with a role and members.")
    etag = document.get("etag")
    if etag and etag != policy_json(bucket)["etag"]:
        raise PreconditionFailed("The policy was changed meanwhile: read it again and change it anew.")
    version = document.get("version")
    return {"version": version if isinstance(version, int) else 1, "bindings": bindings}


def tag(generation: int, metageneration: int) -> str:
    """Answer a tag that changes with every change."""
    return base64.b64encode(f"{generation}/{metageneration}".encode()).decode()


def _digest(policy: Mapping[str, Any]) -> str:
    return base64.b64encode(hashlib.sha256(json.dumps(policy, sort_keys=True).encode()).digest()[:9]).decode()


def _location_type(location: str) -> str:
    if location in _MULTI_REGIONS:
        return "multi-region"
    return "dual-region" if _DUAL_REGION.fullmatch(location) else "region"


def _seconds(field: str, value: Any) -> str:
    if isinstance(value, bool) or not re.fullmatch(r"\d{1,10}", str(value), re.ASCII):
        raise InvalidArgument.field(field, f"{value!r} is not a number of seconds.")
    return str(value)


def _check_labels(labels: Mapping[str, Any] | None) -> None:
    for key, value in (labels or {}).items():
        if value is not None and not isinstance(value, str):
            raise InvalidArgument.field(f"labels.{key}", f"{value!r} is not a string.")
