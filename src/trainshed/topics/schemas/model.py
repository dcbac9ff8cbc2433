"""Records of schemas."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class SchemaType(StrEnum):
    """The language of a definition."""

    PROTOCOL_BUFFER = "PROTOCOL_BUFFER"
    AVRO = "AVRO"


@dataclass(frozen=True, kw_only=True)
class Definition:
    """What messages have to look like: a text, or a compiled set of protocol buffer files with a root message."""

    kind: SchemaType
    text: str = ""
    compiled: bytes = b""
    root_message: str = ""


@dataclass(frozen=True, kw_only=True)
class Schema:
    """One revision of a schema."""

    name: str
    definition: Definition
    revision_id: str
    revision_create_time: datetime


class UnfitError(Exception):
    """Data does not fit a definition; the text says where and why."""
