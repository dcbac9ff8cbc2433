"""Objects and notifications as Cloud Storage's JSON API writes them, and what a caller may set of them. Pure."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from urllib.parse import quote

from trainshed.blobs import Bucket, Object
from trainshed.buckets.model import Notification, Wanted
from trainshed.buckets.properties import STANDARD, storage_class, tag
from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.errors import InvalidArgument

GOOGLE = "https://www.googleapis.com"
TOPIC_HOST = "//pubsub.googleapis.com/"
EVENT_TYPES = ("OBJECT_FINALIZE", "OBJECT_METADATA_UPDATE", "OBJECT_DELETE", "OBJECT_ARCHIVE")
FORMATS = ("JSON_API_V1", "NONE")
_TEXTS = ("cacheControl", "contentDisposition", "contentEncoding", "contentLanguage", "customTime", "storageClass")
_HOLDS = ("eventBasedHold", "temporaryHold")


def object_json(obj: Object, base: str = GOOGLE, *, kept_seconds: float = 0.0) -> dict[str, Any]:
    """Write an object; what is gone, with the time at which it cannot be had back any more."""
    name = quote(obj.name, safe="")
    below = f"storage/v1/b/{obj.bucket}/o/{name}"
    created, updated = rfc3339(obj.create_time), rfc3339(obj.update_time)
    document: dict[str, Any] = {
        "kind": "storage#object",
        "id": f"{obj.bucket}/{obj.name}/{obj.generation}",
        "selfLink": f"{base}/{below}",
        "mediaLink": f"{base}/download/{below}?generation={obj.generation}&alt=media",
        "name": obj.name,
        "bucket": obj.bucket,
        "generation": str(obj.generation),
        "metageneration": str(obj.metageneration),
        "contentType": obj.content_type,
        "storageClass": "STANDARD",
        "size": str(obj.size),
        "crc32c": obj.crc32c,
        "etag": tag(obj.generation, obj.metageneration),
        "timeCreated": created,
        "updated": updated,
        "timeStorageClassUpdated": created,
        "timeFinalized": created,
    }
    if obj.md5:
        document["md5Hash"] = obj.md5
    if obj.component_count:
        document["componentCount"] = obj.component_count
    if obj.metadata:
        document["metadata"] = dict(obj.metadata)
    if obj.delete_time and obj.archived:
        document["timeDeleted"] = rfc3339(obj.delete_time)
    elif obj.delete_time:
        document["softDeleteTime"] = rfc3339(obj.delete_time)
        document["hardDeleteTime"] = rfc3339(obj.delete_time + timedelta(seconds=kept_seconds))
    return document | dict(obj.properties)


def notification_json(config: Notification, base: str = GOOGLE) -> dict[str, Any]:
    """Write a notification config."""
    document: dict[str, Any] = {
        "kind": "storage#notification",
        "id": config.notification_id,
        "selfLink": f"{base}/storage/v1/b/{config.bucket}/notificationConfigs/{config.notification_id}",
        "etag": config.notification_id,
        "topic": TOPIC_HOST + config.topic,
        "payload_format": config.payload_format,
    }
    if config.event_types:
        document["event_types"] = list(config.event_types)
    if config.prefix:
        document["object_name_prefix"] = config.prefix
    if config.attributes:
        document["custom_attributes"] = dict(config.attributes)
    return document


def wanted(bucket: str, document: Mapping[str, Any], conditions: Mapping[str, int | None], **given: str) -> Wanted:
    """Read what an upload is to become: the resource sent along, then the query's `name`. Raises InvalidArgument."""
    name = given.get("name") or _text(document, "name")
    if not name:
        raise InvalidArgument.field("name", "is missing: an upload names its object in the query or in the metadata.")
    return Wanted(
        bucket=bucket,
        name=name,
        content_type=_text(document, "contentType") or given.get("content_type", ""),
        metadata=user_metadata(document.get("metadata")),
        properties={k: v for k, v in _settable(document).items() if v is not None},
        crc32c=_text(document, "crc32c"),
        md5=_text(document, "md5Hash"),
        conditions=conditions,
    )


def object_changes(obj: Object, document: Mapping[str, Any], *, merge: bool) -> dict[str, Any]:
    """Read a patch (merge: what is absent stays, a null removes) or a whole replacement of an object's metadata."""
    properties = dict(obj.properties) if merge else {}
    properties |= _settable(document)
    given = document.get("metadata", {}) if merge else document.get("metadata")
    metadata = {**obj.metadata, **_mapping(given or {})} if merge and given is not None else given or {}
    changes: dict[str, Any] = {
        "properties": {k: v for k, v in properties.items() if v is not None},
        "metadata": user_metadata({k: v for k, v in _mapping(metadata).items() if v is not None}),
    }
    if "contentType" in document or not merge:
        changes["content_type"] = _text(document, "contentType") or "application/octet-stream"
    return changes


def inherited(bucket: Bucket) -> dict[str, Any]:
    """Answer what a new object has from its bucket where the caller says nothing."""
    found = bucket.properties
    made = {"storageClass": found.get("storageClass"), "eventBasedHold": found.get("defaultEventBasedHold")}
    return {name: value for name, value in made.items() if value and value != STANDARD}


def notification_values(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read a notification config as sent. Raises InvalidArgument."""
    topic = _text(document, "topic").removeprefix(TOPIC_HOST)
    parts = topic.split("/")
    if len(parts) != 4 or parts[0] != "projects" or parts[2] != "topics" or not (parts[1] and parts[3]):  # noqa: PLR2004
        raise InvalidArgument.field("topic", f"{topic!r} is not of the form 'projects/PROJECT/topics/TOPIC'.")
    payload_format = _text(document, "payload_format") or "JSON_API_V1"
    if payload_format not in FORMATS:
        raise InvalidArgument.field("payload_format", f"{payload_format!r} is neither JSON_API_V1 nor NONE.")
    event_types = document.get("event_types") or []
    if not isinstance(event_types, list) or not set(map(str, event_types)) <= set(EVENT_TYPES):
        raise InvalidArgument.field("event_types", f"{event_types!r}: choose from {', '.join(EVENT_TYPES)}.")
    return {
        "topic": topic,
        "event_types": [str(e) for e in event_types],
        "prefix": _text(document, "object_name_prefix"),
        "payload_format": payload_format,
        "attributes": user_metadata(document.get("custom_attributes")),
    }


def notification_attributes(config: Notification, obj: Object, payload: Mapping[str, Any]) -> dict[str, str]:
    """Write the attributes of the message that announces a change, named as Google names them."""
    attributes = {
        **config.attributes,
        "notificationConfig": f"projects/_/buckets/{config.bucket}/notificationConfigs/{config.notification_id}",
        "eventType": payload["event_type"],
        "payloadFormat": config.payload_format,
        "bucketId": obj.bucket,
        "objectId": obj.name,
        "objectGeneration": str(obj.generation),
        "eventTime": payload["time"].replace("+00:00", "Z"),
    }
    if payload.get("overwritten_by"):
        attributes["overwrittenByGeneration"] = str(payload["overwritten_by"])
    if payload.get("overwrote"):
        attributes["overwroteGeneration"] = str(payload["overwrote"])
    return attributes


def user_metadata(value: Any) -> dict[str, str]:
    """Read string pairs. Raises InvalidArgument."""
    found = _mapping(value or {})
    for key, text in found.items():
        if not isinstance(text, str):
            raise InvalidArgument.field(f"metadata.{key}", f"{text!r} is not a string.")
        try:
            (key + text).encode()
        except UnicodeEncodeError as error:
            raise InvalidArgument.field("metadata", "is not valid Unicode.") from error
    return dict(found)


def _settable(document: Mapping[str, Any]) -> dict[str, Any]:
    """Read what a caller may set of an object, checked; a null stays, for it removes. Raises InvalidArgument."""
    found = {name: _text(document, name) or None for name in _TEXTS if name in document}
    for name in (hold for hold in _HOLDS if hold in document):
        if document[name] is not None and not isinstance(document[name], bool):
            raise InvalidArgument.field(name, f"{document[name]!r} is neither true nor false.")
        found[name] = document[name]
    if wanted_class := found.get("storageClass"):
        found["storageClass"] = storage_class(wanted_class)
    if custom_time := found.get("customTime"):
        try:
            parse_rfc3339(custom_time)
        except ValueError as error:
            raise InvalidArgument.field("customTime", f"{custom_time!r} is not an RFC 3339 time.") from error
    return found


def _mapping(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise InvalidArgument.field("metadata", f"{value!r} is not an object of string pairs.")
    return value


def _text(document: Mapping[str, Any], field: str) -> str:
    value = document.get(field)
    if value is not None and not isinstance(value, str):
        raise InvalidArgument.field(field, f"{value!r} is not a string.")
    return value or ""
