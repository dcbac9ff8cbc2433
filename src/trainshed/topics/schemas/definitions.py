"""What a definition means, whatever its language. Pure."""

from functools import lru_cache
from typing import Any

from trainshed.errors import InvalidArgument
from trainshed.topics.model import Encoding
from trainshed.topics.schemas import avro, protobuf
from trainshed.topics.schemas.model import Definition, SchemaType, UnfitError

_MOST_BYTES = 300_000


def check_definition(definition: Definition) -> None:
    """Look whether a definition means something. Raises InvalidArgument."""
    if not definition.text and not definition.compiled:
        raise InvalidArgument.field("schema.definition", "is empty; write the definition")
    if len(definition.text.encode()) > _MOST_BYTES or len(definition.compiled) > _MOST_BYTES:
        raise InvalidArgument.field("schema.definition", f"is longer than {_MOST_BYTES} bytes")
    if definition.compiled and definition.kind is not SchemaType.PROTOCOL_BUFFER:
        raise InvalidArgument.field("schema.compiledProtoSchema", "is for the type PROTOCOL_BUFFER")
    try:
        _parsed(definition)
    except UnfitError as error:
        raise InvalidArgument.field("schema.definition", str(error), reason="SCHEMA_INVALID") from error


def check_revision(old: Definition, new: Definition) -> None:
    """Look whether a definition may follow another. Raises InvalidArgument."""
    if old.kind is not new.kind:
        raise InvalidArgument.field("schema.type", f"is {new.kind}; the revisions before are {old.kind}")
    language = avro if new.kind is SchemaType.AVRO else protobuf
    try:
        language.check_revision(_parsed(old), _parsed(new))
    except UnfitError as error:
        raise InvalidArgument.field("schema.definition", str(error), reason="SCHEMA_INCOMPATIBLE") from error


def check_message(definition: Definition, data: bytes, encoding: Encoding) -> None:
    """Look whether a message fits. Raises UnfitError."""
    language = avro if definition.kind is SchemaType.AVRO else protobuf
    language.check(_parsed(definition), data, encoding)


@lru_cache(maxsize=256)
def _parsed(definition: Definition) -> Any:
    if definition.kind is SchemaType.AVRO:
        return avro.parse(definition.text)
    if definition.compiled:
        return protobuf.parse_compiled(definition.compiled, definition.root_message)
    return protobuf.parse(definition.text)
