"""What a push endpoint receives. Pure."""

import base64
import json
from typing import Any

from trainshed.clock import rfc3339
from trainshed.topics.model import Delivery

ACKNOWLEDGED = frozenset({102, 200, 201, 202, 204})  # any other status refuses the message


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
