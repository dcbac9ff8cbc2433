"""Google's JSON as a message of it would be written again, without the message.

A writer is made once for each kind of message, out of its descriptor. It raises for what it does not know.
"""

import math
import re
from collections.abc import Callable, Mapping
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

Write = Callable[[Any], Any]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{3})(\d{3}))?Z")


def write(descriptor: Descriptor, document: Mapping[str, Any], *, enums_as_numbers: bool) -> Any:
    """Write a document again. Raises KeyError, TypeError, ValueError, AttributeError or OverflowError for what is not plain."""
    return _message(descriptor, enums_as_numbers)(document)


@cache
def _message(descriptor: Descriptor, enums_as_numbers: bool) -> Write:
    if descriptor.full_name in _SPECIAL:
        return _SPECIAL[descriptor.full_name]
    fields: dict[str, tuple[Write, Any]] = {}

    def write_message(document: Any) -> Any:
        if not fields:  # not before: messages hold each other
            fields.update({field.json_name: _field(field, enums_as_numbers) for field in descriptor.fields})
        found = {}
        for key, value in document.items():
            if value is not None:
                write_value, default = fields[key]
                written = write_value(value)
                if written != default:
                    found[key] = written
        return found

    return partial(refused, descriptor) if descriptor.file.package == "google.protobuf" else write_message


def _field(field: FieldDescriptor, enums_as_numbers: bool) -> tuple[Write, Any]:
    """Answer what writes a field, and the default that is left out."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        keys, values = field.message_type.fields
        assert keys.type == FieldDescriptor.TYPE_STRING
        write_value = _single(values, enums_as_numbers)
        return lambda found: {text(key): write_value(value) for key, value in found.items()}, {}
    write_one = _single(field, enums_as_numbers)
    if field.is_repeated:
        return lambda found: [write_one(one) for one in found], []
    if field.has_presence:
        return write_one, None
    return write_one, write_one(field.enum_type.values[0].name if field.enum_type is not None else field.default_value)


def _single(field: FieldDescriptor, enums_as_numbers: bool) -> Write:
    if field.message_type is not None:
        return _message(field.message_type, enums_as_numbers)
    if field.enum_type is not None:
        numbers = {value.name: value.number for value in field.enum_type.values}
        names = {name: number if enums_as_numbers else name for name, number in numbers.items()}
        return names.__getitem__
    return _SCALARS.get(field.type) or partial(refused, field)


def refused(what: Any, _value: Any) -> Any:
    """Say that there is no short way for something."""
    raise TypeError(what.full_name)


def text(found: Any) -> str:
    """Answer text that can be encoded."""
    if found.__class__ is not str:
        raise TypeError(found)
    if not found.isascii():
        found.encode()
    return str(found)


def whole(found: Any) -> int:
    """Read an integer, which is text where it may have 64 bits."""
    if found.__class__ is not int and found.__class__ is not str:
        raise TypeError(found)
    return int(found)


def truth(found: Any) -> bool:
    """Answer a truth value."""
    if found.__class__ is not bool:
        raise TypeError(found)
    return bool(found)


def number(found: Any) -> float:
    """Answer a number that JSON has."""
    if not math.isfinite(found):
        raise ValueError(found)
    return float(found)


def _time(found: Any) -> str:
    """Leave out of a time's fraction what is nothing, by threes."""
    parts = _TIME.fullmatch(found)
    if parts is None:
        raise ValueError(found)
    if parts[1] is None or parts[2] != "000":
        return str(found)
    return str(found[:-8] if parts[1] == "000" else found[:-4]) + "Z"


def _struct(found: Any) -> dict[str, Any]:
    return {text(key): _value(value) for key, value in found.items()}


def _value(found: Any) -> Any:
    kind = found.__class__
    if kind is str:
        return text(found)
    if kind is dict:
        return _struct(found)
    if kind is list:
        return [_value(one) for one in found]
    return found if found is None or kind is bool else number(found)


_SPECIAL: Mapping[str, Write] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _value,
    "google.protobuf.Timestamp": _time,
}
_SCALARS: Mapping[int, Write] = {
    FieldDescriptor.TYPE_STRING: text,
    FieldDescriptor.TYPE_BOOL: truth,
    FieldDescriptor.TYPE_INT32: whole,
    FieldDescriptor.TYPE_INT64: lambda found: str(whole(found)),
}
