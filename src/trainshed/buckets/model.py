"""Records of buckets."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Notification:
    """Where a bucket's changes are announced."""

    bucket: str
    notification_id: str
    topic: str  # projects/P/topics/T
    event_types: tuple[str, ...]  # empty: all
    prefix: str
    payload_format: str  # JSON_API_V1 or NONE
    attributes: Mapping[str, str]

    @classmethod
    def from_row(cls, row: Any) -> "Notification":
        """Read a row of `bucket_notifications`."""
        values = dict(row._mapping)  # noqa: SLF001  (SQLAlchemy's public mapping of a row)
        return cls(**values | {"event_types": tuple(values["event_types"])})

    def wants(self, event_type: str, name: str) -> bool:
        """Whether a change of an object is to be announced here."""
        return name.startswith(self.prefix) and (not self.event_types or event_type in self.event_types)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What an upload is to become."""

    bucket: str
    name: str
    content_type: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    properties: Mapping[str, Any] = field(default_factory=dict)
    crc32c: str = ""  # what the caller says it is; checked
    md5: str = ""
    conditions: Mapping[str, int | None] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Source:
    """An object to copy or compose from."""

    bucket: str
    name: str
    generation: int | None = None
    conditions: Mapping[str, int | None] = field(default_factory=dict)
