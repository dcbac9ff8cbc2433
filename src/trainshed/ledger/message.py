"""A message on its way to what reacts to it, and as its receipt keeps it, so that it can be sent again."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Message:
    """What topics hand over to a function or a trigger for one delivery."""

    subscription: str
    message_id: str
    topic: str
    publish_time: datetime
    data: bytes = b""
    attributes: Mapping[str, str] = field(default_factory=dict)
    delivery_attempt: int = 1
    parent_receipt_id: str = ""

    @property
    def stimulus(self) -> str:
        """The identity of the event, the same for every delivery."""
        return f"{self.subscription}#{self.message_id}"

    def as_data(self) -> dict[str, Any]:
        """Write it for its receipt."""
        return {
            "subscription": self.subscription,
            "messageId": self.message_id,
            "publishTime": self.publish_time.isoformat(),
            "topic": self.topic,
            "data": base64.b64encode(self.data).decode(),
            "attributes": dict(self.attributes),
        }

    @classmethod
    def from_data(cls, data: Mapping[str, Any]) -> "Message":
        """Read back what a receipt keeps."""
        return cls(
            subscription=data["subscription"],
            message_id=data["messageId"],
            publish_time=datetime.fromisoformat(data["publishTime"]),
            topic=data["topic"],
            data=base64.b64decode(data["data"]),
            attributes=data["attributes"],
        )
