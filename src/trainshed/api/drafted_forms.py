"""Google's JSON, as our own code wrote it, in another form: as a message of it would be written, or to make the message of.

What writes a kind of message is made once, out of its descriptor. It raises for what it does not know.
A message is made in C out of what its class takes, which is why nothing here writes what is on the wire.
"""

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import Any

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Write = Callable[[Any], Any]
NOT_PLAIN = (KeyError, TypeError, ValueError, AttributeError, OverflowError)
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d{3})(\d{3}))?Z")


@dataclass(frozen=True, kw_only=True, eq=False)
class Form:
    """How the parts of a document are written."""

    messages: Mapping[str, Write]  # by full name: those of protobuf's own that have a form of their own
    scalars: Mapping[int, Write]  # by the type of the field
    enum: Callable[[EnumDescriptor], Write]
    key: Callable[[FieldDescriptor], str]
    has_defaults: bool

    def write(self, descriptor: Descriptor, document: Mapping[str, Any]) -> dict[str, Any]:
        """Write a document. Raises one of NOT_PLAIN for what takes the long way."""
        written: dict[str, Any] = _message(self, descriptor)(document)
        return written


@cache
def _message(form: Form, descriptor: Descriptor) -> Write:
    if descriptor.full_name in form.messages:
        return form.messages[descriptor.full_name]
    fields: dict[str, tuple[str, Write, Any]] = {}

    def write_message(document: Any) -> Any:
        if not fields:  # not before: messages hold each other
            fields.update({field.json_name: (form.key(field), *_field(form, field)) for field in descriptor.fields})
        found = {}
        for name, value in document.items():
            if value is not None:
                key, write_value, default = fields[name]
                written = write_value(value)
                if written != default:
                    found[key] = written
        return found

    return partial(_refused, descriptor) if descriptor.file.package == "google.protobuf" else write_message


def _field(form: Form, field: FieldDescriptor) -> tuple[Write, Any]:
    """Answer what writes a field, and the default that is left out."""
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        keys, values = field.message_type.fields
        assert keys.type == FieldDescriptor.TYPE_STRING
        write_value = _single(form, values)
        return lambda found: {_text(key): write_value(value) for key, value in found.items()}, {}
    write_one = _single(form, field)
    if field.is_repeated:
        return lambda found: [write_one(one) for one in found], []
    if field.has_presence or form.has_defaults:
        return write_one, None
    return write_one, write_one(field.enum_type.values[0].name if field.enum_type is not None else field.default_value)


def _single(form: Form, field: FieldDescriptor) -> Write:
    if field.message_type is not None:
        return _message(form, field.message_type)
    if field.enum_type is not None:
        return form.enum(field.enum_type)
    return form.scalars.get(field.type) or partial(_refused, field)


def _refused(what: Any, _value: Any) -> Any:
    raise TypeError(what.full_name)


def _text(found: Any) -> str:
    """Answer text that can be encoded."""
    if found.__class__ is not str:
        raise TypeError(found)
    if not found.isascii():
        found.encode()
    return str(found)


def _whole(found: Any) -> int:
    """Read an integer, which is text where it may have 64 bits."""
    if found.__class__ is not int and found.__class__ is not str:
        raise TypeError(found)
    return int(found)


def _truth(found: Any) -> bool:
    if found.__class__ is not bool:
        raise TypeError(found)
    return bool(found)


def _number(found: Any) -> float:
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


def _moment(found: Any) -> datetime:
    if not _TIME.fullmatch(found):
        raise ValueError(found)
    return datetime.fromisoformat(found)


def _struct(found: Any) -> dict[str, Any]:
    return {_text(key): _value(value) for key, value in found.items()}


def _value(found: Any) -> Any:
    kind = found.__class__
    if kind is str:
        return _text(found)
    if kind is dict:
        return _struct(found)
    if kind is list:
        return [_value(one) for one in found]
    return found if found is None or kind is bool else _number(found)


def _names(enum: EnumDescriptor) -> Write:
    return {name: name for name in enum.values_by_name}.__getitem__


def _numbers(enum: EnumDescriptor) -> Write:
    return {value.name: value.number for value in enum.values}.__getitem__


def _in_json(enum: Callable[[EnumDescriptor], Write]) -> Form:
    return Form(
        messages={
            "google.protobuf.Struct": _struct,
            "google.protobuf.Value": _value,
            "google.protobuf.Timestamp": _time,
        },
        scalars={
            FieldDescriptor.TYPE_STRING: _text,
            FieldDescriptor.TYPE_BOOL: _truth,
            FieldDescriptor.TYPE_INT32: _whole,
            FieldDescriptor.TYPE_INT64: lambda found: str(_whole(found)),
        },
        enum=enum,
        key=lambda field: field.json_name,
        has_defaults=False,
    )


def _wrapped(found: Any) -> dict[str, Any]:
    """Answer a value as the fields of a Value."""
    kind = found.__class__
    if kind is dict:
        return {"struct_value": found}
    if kind is list:
        return {"list_value": found}
    if kind is str:
        return {"string_value": found}
    if found is None:
        return {"null_value": 0}
    return {"bool_value": found} if kind is bool else {"number_value": found}


JSON = _in_json(_names)
JSON_WITH_NUMBERS = _in_json(_numbers)  # for enums
FIELDS = Form(  # of a message, as its class takes them
    messages={
        "google.protobuf.Struct": lambda found: found,
        "google.protobuf.Value": _wrapped,
        "google.protobuf.Timestamp": _moment,
    },
    scalars={
        FieldDescriptor.TYPE_STRING: lambda found: found,
        FieldDescriptor.TYPE_BOOL: _truth,
        FieldDescriptor.TYPE_INT32: _whole,
        FieldDescriptor.TYPE_INT64: _whole,
    },
    enum=_numbers,
    key=lambda field: field.name,
    has_defaults=True,
)
