"""Google's JSON as the bytes that a message of it is on the wire, without the message.

A writer is made once for each kind of message, out of its descriptor. It raises for what it does not know.
"""

import struct
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from trainshed.api.drafted_json import number, refused, text, truth, whole

Write = Callable[[Any], bytes]
_VARINT, _BYTES = 0, 2  # protobuf's types of what is on the wire
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALL = tuple(bytes([size]) for size in range(128))
_BITS_64 = (1 << 64) - 1
_SECONDS_OF_DAY, _NANOS = 86_400, 1000


def write(descriptor: Descriptor, document: Mapping[str, Any]) -> bytes:
    """Write a document. Raises KeyError, TypeError, ValueError, AttributeError or OverflowError for what is not plain."""
    return _message(descriptor)(document)


@cache
def _message(descriptor: Descriptor) -> Write:
    if descriptor.full_name in _SPECIAL:
        return _SPECIAL[descriptor.full_name]
    fields: dict[str, Callable[[Any], Iterator[bytes]]] = {}

    def write_message(document: Any) -> bytes:
        if not fields:  # not before: messages hold each other
            fields.update({field.json_name: _field(field) for field in descriptor.fields})
        parts: list[bytes] = []
        for key, value in document.items():
            if value is not None:
                parts += fields[key](value)
        return b"".join(parts)

    return partial(refused, descriptor) if descriptor.file.package == "google.protobuf" else write_message


def _field(field: FieldDescriptor) -> Callable[[Any], Iterator[bytes]]:
    """Answer what writes a field: its tag and content, as often as it has any."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map(field)
    tag, write_one, is_sized = _single(field)

    def one(value: Any) -> Iterator[bytes]:
        content = write_one(value)
        yield tag
        if is_sized:
            yield _varint(len(content))
        yield content

    if not field.is_repeated:
        return one
    if not is_sized:
        return partial(refused, field)
    return lambda found: (part for value in found for part in one(value))


def _map(field: FieldDescriptor) -> Callable[[Any], Iterator[bytes]]:
    assert field.message_type is not None
    keys, values = field.message_type.fields
    assert keys.type == FieldDescriptor.TYPE_STRING
    tag = _varint(field.number << 3 | _BYTES)
    value_tag, write_value, is_sized = _single(values)

    def entries(found: Any) -> Iterator[bytes]:
        for key, value in found.items():
            content = write_value(value)
            size = _varint(len(content)) if is_sized else b""
            yield tag
            yield _sized(b"\x0a" + _sized(text(key).encode()) + value_tag + size + content)

    return entries


def _single(field: FieldDescriptor) -> tuple[bytes, Write, bool]:
    """Answer a field's tag, what writes one of its values, and whether its size is written first."""
    if field.message_type is not None:
        return _varint(field.number << 3 | _BYTES), _message(field.message_type), True
    if field.type == FieldDescriptor.TYPE_STRING:
        return _varint(field.number << 3 | _BYTES), _text, True
    tag = _varint(field.number << 3 | _VARINT)
    if field.enum_type is not None:
        numbers = {value.name: _varint(value.number) for value in field.enum_type.values}
        return tag, numbers.__getitem__, False
    return tag, _SCALARS.get(field.type) or partial(refused, field), False


def _text(found: Any) -> bytes:
    return text(found).encode()


def _sized(content: bytes) -> bytes:
    return _varint(len(content)) + content


def _varint(value: int) -> bytes:
    """Write an integer by sevens of bits, the lowest first; a negative one as 64 bits."""
    if 0 <= value < len(_SMALL):
        return _SMALL[value]
    value &= _BITS_64
    found = bytearray()
    while value >= len(_SMALL):
        found.append(value & 127 | 128)
        value >>= 7
    found.append(value)
    return bytes(found)


def _long(found: Any) -> bytes:
    value = whole(found)
    if not -(1 << 63) <= value < 1 << 63:
        raise ValueError(found)
    return _varint(value)


def _short(found: Any) -> bytes:
    value = whole(found)
    if not -(1 << 31) <= value < 1 << 31:
        raise ValueError(found)
    return _varint(value)


def _time(found: Any) -> bytes:
    if not found.endswith("Z"):
        raise ValueError(found)
    since = datetime.fromisoformat(found) - _EPOCH
    nanos = b"\x10" + _varint(since.microseconds * _NANOS) if since.microseconds else b""
    return b"\x08" + _varint(since.days * _SECONDS_OF_DAY + since.seconds) + nanos


def _struct(found: Any) -> bytes:
    return b"".join(
        b"\x0a" + _sized(b"\x0a" + _sized(text(key).encode()) + b"\x12" + _sized(_value(value)))
        for key, value in found.items()
    )


def _value(found: Any) -> bytes:
    kind = found.__class__
    if kind is str:
        return b"\x1a" + _sized(text(found).encode())
    if kind is dict:
        return b"\x2a" + _sized(_struct(found))
    if kind is list:
        return b"\x32" + _sized(b"".join(b"\x0a" + _sized(_value(one)) for one in found))
    if found is None:
        return b"\x08\x00"
    if kind is bool:
        return b"\x20\x01" if found else b"\x20\x00"
    return b"\x11" + struct.pack("<d", number(found))


_SPECIAL: Mapping[str, Write] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.Timestamp": _time,
}
_SCALARS: Mapping[int, Write] = {
    FieldDescriptor.TYPE_BOOL: lambda found: b"\x01" if truth(found) else b"\x00",
    FieldDescriptor.TYPE_INT32: _short,
    FieldDescriptor.TYPE_INT64: _long,
}
