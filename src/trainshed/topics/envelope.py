"""What a push endpoint receives. Pure."""

import base64
import json
import re
from typing import Any

from trainshed.clock import rfc3339
from trainshed.topics.model import Delivery, Wrapper

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})  # any other status refuses the message
_AGENT = {"User-Agent": "CloudPubSub-Google"}
_HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")
_HEADER_VALUE = re.compile(r"[\t\x20-\x7e\xa0-\xff]*")
# What belongs to the connection or says who we are is never an attribute's business.
_OURS = frozenset(
    [
        "authorization",
        "connection",
        "content-length",
        "expect",
        "host",
        "keep-alive",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "user-agent",
    ]
)


def push_request(delivery: Delivery, wrapper: Wrapper) -> tuple[dict[str, str], bytes]:
    """Write headers and body of the request that carries a message to its endpoint."""
    if wrapper in {Wrapper.DEFAULT, Wrapper.PUBSUB}:
        return {"Content-Type": "application/json", **_AGENT}, push_body(delivery)
    headers = {**_metadata(delivery), **_AGENT} if wrapper is Wrapper.METADATA else _AGENT
    return headers, delivery.data


def push_body(delivery: Delivery) -> bytes:
    """Write Pub/Sub's push envelope."""
    message: dict[str, Any] = {
        "attributes": dict(delivery.attributes),
        "data": base64.b64encode(delivery.data).decode(),
        "messageId": delivery.message_id,
        "message_id": delivery.message_id,
        "publishTime": rfc3339(delivery.publish_time),
        "publish_time": rfc3339(delivery.publish_time),
    }
    if delivery.ordering_key:
        message["orderingKey"] = delivery.ordering_key
    envelope: dict[str, Any] = {"message": message, "subscription": delivery.subscription}
    if delivery.delivery_attempt:
        envelope["deliveryAttempt"] = delivery.delivery_attempt
    return json.dumps(envelope).encode()


def _metadata(delivery: Delivery) -> dict[str, str]:
    """Write what is not the data as headers; an attribute that can be no header is left out."""
    own = {
        "x-goog-pubsub-subscription-name": delivery.subscription,
        "x-goog-pubsub-message-id": delivery.message_id,
        "x-goog-pubsub-publish-time": rfc3339(delivery.publish_time),
        "x-goog-pubsub-ordering-key": delivery.ordering_key,
        "x-goog-pubsub-delivery-attempt": str(delivery.delivery_attempt or ""),
    }
    given = {k: v for k, v in delivery.attributes.items() if k.lower() not in _OURS and k.lower() not in own}
    every = given | {k: v for k, v in own.items() if v}
    return {k: v for k, v in every.items() if _HEADER_NAME.fullmatch(k) and _HEADER_VALUE.fullmatch(v)}
