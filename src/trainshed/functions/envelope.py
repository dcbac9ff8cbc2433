"""The request that carries an event into functions-framework, for each signature. Nothing here does I/O.

The first generation's background event and its context, and the second generation's CloudEvent, in the exact shape
that Google sends (`docs/coverage.md` lists what public material does not settle).
"""

import base64
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple

from trainshed.errors import InvalidArgument
from trainshed.functions.checks import OBJECT_EVENTS
from trainshed.ledger import Message

PUBSUB_EVENT = "google.pubsub.topic.publish"
_MESSAGE_TYPE = "type.googleapis.com/google.pubsub.v1.PubsubMessage"


class Request(NamedTuple):
    """An HTTP request to an instance."""

    headers: Mapping[str, str]
    body: bytes
    method: str = "POST"
    path: str = "/"


def of_event(event: Message, signature: str, *, bucket: str = "") -> Request:
    """Carry a message; for a bucket's function, the object that the notification is about."""
    if bucket:
        return _object(event, signature)
    if signature == "cloudevent":
        return _cloud_event(event)
    return _json(_background(event))


def read_call(text: Any) -> Any:
    """Read the data of a call. Raises InvalidArgument."""
    try:
        return json.loads(text) if str(text).strip() else {}
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidArgument.field("data", f"is not JSON ({error}); pass a JSON object in quotes") from error


def of_call(data: Any, signature: str, *, execution_id: str, now: datetime) -> Request:
    """Carry what somebody passed to `functions call`."""
    if signature == "http":
        return _json({} if data is None else data)
    if signature == "cloudevent":
        attributes = {"id": execution_id, "time": _time(now), "type": "google.cloud.functions.call"}
        return _cloud(attributes, data, source="//cloudfunctions.googleapis.com/call")
    context = {
        "eventId": execution_id,
        "timestamp": _time(now),
        "eventType": PUBSUB_EVENT,
        "resource": {"service": "pubsub.googleapis.com", "name": "", "type": _MESSAGE_TYPE},
    }
    return _json({"context": context, "data": {} if data is None else data})


def _background(event: Message) -> dict[str, Any]:
    data = {"@type": _MESSAGE_TYPE, "attributes": dict(event.attributes)}
    if event.data:
        data["data"] = base64.b64encode(event.data).decode()
    context = {
        "eventId": event.message_id,
        "timestamp": _time(event.publish_time),
        "eventType": PUBSUB_EVENT,
        "resource": {"service": "pubsub.googleapis.com", "name": event.topic, "type": _MESSAGE_TYPE},
    }
    return {"context": context, "data": data}


def _cloud_event(event: Message) -> Request:
    time = _time(event.publish_time)
    message = {
        "data": base64.b64encode(event.data).decode(),
        "attributes": dict(event.attributes),
        "messageId": event.message_id,
        "message_id": event.message_id,
        "publishTime": time,
        "publish_time": time,
    }
    attributes = {"id": event.message_id, "time": time, "type": "google.cloud.pubsub.topic.v1.messagePublished"}
    body = {"message": message, "subscription": event.subscription}
    return _cloud(attributes, body, source=f"//pubsub.googleapis.com/{event.topic}")


def _object(event: Message, signature: str) -> Request:
    bucket, name = event.attributes.get("bucketId", ""), event.attributes.get("objectId", "")
    kind = event.attributes.get("eventType", "OBJECT_FINALIZE")
    if kind not in OBJECT_EVENTS:
        raise InvalidArgument.field("message.attributes.eventType", f"{kind!r} is none of {', '.join(OBJECT_EVENTS)}")
    first, second = OBJECT_EVENTS[kind]
    time = _time(event.publish_time)
    try:
        resource = json.loads(event.data)
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.field("message.data", "is not an object's notification; upload an object") from error
    if signature == "cloudevent":
        attributes = {"id": event.message_id, "time": time, "type": second, "subject": f"objects/{name}"}
        return _cloud(attributes, resource, source=f"//storage.googleapis.com/projects/_/buckets/{bucket}")
    context = {
        "eventId": event.message_id,
        "timestamp": time,
        "eventType": first,
        "resource": {
            "service": "storage.googleapis.com",
            "name": f"projects/_/buckets/{bucket}/objects/{name}",
            "type": "storage#object",
        },
    }
    return _json({"context": context, "data": resource})


def _json(document: Any) -> Request:
    return Request({"Content-Type": "application/json"}, json.dumps(document).encode())


def _cloud(attributes: Mapping[str, str], document: Any, *, source: str) -> Request:
    headers = {"Content-Type": "application/json", "ce-specversion": "1.0", "ce-source": source}
    headers |= {f"ce-{name}": value for name, value in attributes.items()}
    return Request(headers, json.dumps(document).encode())


def _time(when: datetime) -> str:
    return when.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
