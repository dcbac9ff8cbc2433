"""JSON into messages, with errors that name the field and say what would be right."""

import difflib
import json
import re
from math import isfinite
from typing import Any

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor

from trainshed.api.descriptors import POOL, message_class
from trainshed.errors import InvalidArgument

_SHOWN = 40  # digits of a number that is refused
_UNKNOWN = re.compile(r'Message type "([\w.]+)" has no field named "([^"]*)" at "([^"]*)"')
_AT = re.compile(r' at "?([\w.\[\]]+?)"?\.*$')
_WRAPPING = re.compile(r"^Failed to parse ([\w.\[\]]+) field: ")


def read_object(body: bytes) -> dict[str, Any]:
    """Read the JSON object that a request carries; an empty body is {}. Raises InvalidArgument.

    Numbers are finite: JSON has no others, and what cannot be written again must not be stored.
    """
    if not body.strip():
        return {}
    try:
        document = json.loads(body, parse_constant=_refuse_constant, parse_float=_finite)
    except RecursionError as error:
        raise InvalidArgument.field("body", "is nested too deeply", reason="BODY_TOO_DEEP") from error
    except ValueError as error:
        raise InvalidArgument.field(
            "body", f"is not JSON: {error}; send one JSON object", reason="BODY_NOT_JSON"
        ) from error
    if not isinstance(document, dict):
        raise InvalidArgument.field("body", "is not a JSON object; send {…}", reason="BODY_NOT_OBJECT")
    return document


def read_texts(body: bytes) -> dict[str, Any]:
    """Read a JSON object that is no message, and is kept as it was sent: every text in it can be. Raises InvalidArgument."""
    document = read_object(body)
    if b"\\ud" in body.lower() and (field := _halved(document)):  # nothing else makes half a character
        raise InvalidArgument.field(field, "has half of a surrogate pair, which is no character; send whole ones")
    return document


def parse(document: dict[str, Any], full_name: str, *, within: str = "") -> Any:
    """Make a message of `full_name` from JSON that is the request, or the field `within` of it. Raises InvalidArgument."""
    try:
        return json_format.ParseDict(document, message_class(full_name)(), descriptor_pool=POOL)
    except json_format.ParseError as error:
        raise _explain(str(error), within) from error


def field_of(descriptor: Descriptor, name: str) -> FieldDescriptor | None:
    """Find a field by its JSON or its proto name."""
    found = descriptor.fields_by_name.get(name) or descriptor.fields_by_camelcase_name.get(name)
    if found is not None:
        return found
    return next((field for field in descriptor.fields if field.json_name == name), None)


def is_map(field: FieldDescriptor) -> bool:
    """Tell whether a field is a map."""
    return field.message_type is not None and bool(field.message_type.GetOptions().map_entry)


def unknown(path: str, descriptor: Descriptor, name: str) -> InvalidArgument:
    """Say that a message has no such field, and which one may be meant."""
    names = [field.json_name for field in descriptor.fields]
    near = difflib.get_close_matches(name, names, n=1)
    all_names = f"it has {', '.join(sorted(names))}" if names else "it has none"
    advice = f"did you mean {near[0]!r}?" if near else all_names
    return InvalidArgument.field(
        path, f"unknown name; {descriptor.name} has no field {name!r}, {advice}", reason="FIELD_UNKNOWN"
    )


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not a JSON number")


def _finite(text: str) -> float:
    if isfinite(found := float(text)):
        return found
    raise ValueError(f"{text[:_SHOWN]} is larger than every number")


def _halved(document: dict[str, Any]) -> str:
    """Answer where a text is that no file can hold; empty where all can be held."""
    waiting: list[tuple[Any, str]] = [(document, "")]
    while waiting:
        value, path = waiting.pop()
        if isinstance(value, str) and _is_halved(value):
            return path
        if isinstance(value, dict):
            if any(map(_is_halved, value)):
                return path or "body"
            waiting += ((inner, f"{path}.{key}" if path else key) for key, inner in value.items())
        if isinstance(value, list):
            waiting += ((inner, f"{path}[{place}]") for place, inner in enumerate(value))
    return ""


def _is_halved(text: str) -> bool:
    return not text.isascii() and text.encode("utf-8", "replace").decode() != text


def _explain(text: str, within: str) -> InvalidArgument:
    found = _UNKNOWN.search(text)
    if found is not None:
        descriptor = message_class(found[1]).DESCRIPTOR
        return unknown(_inside(within, _without_root(f"{found[3]}.{found[2]}")), descriptor, found[2])
    path, text = [], " ".join(text.split())
    while (wrapping := _WRAPPING.match(text)) is not None:
        path.append(wrapping[1])
        text = text[wrapping.end() :]
    place = _AT.search(text)
    where = _without_root(place[1]) if place and "." in place[1] else ".".join(path)
    reason = (text[: place.start()] if place else text).rstrip(". ")
    return InvalidArgument.field(_inside(within, where) or "body", reason or "has the wrong type")


def _inside(within: str, path: str) -> str:
    return ".".join(filter(None, (within, path)))


def _without_root(path: str) -> str:
    """Drop the name of the request message, with which the parser starts every path."""
    return path.partition(".")[2] or path
