"""Avro: which messages fit a schema, in Avro's binary and in its JSON encoding. Pure.

The official library reads schemas and compares them. Messages are walked here: the library's readers take JSON for
granted, leave what follows a message alone, and believe any count that a message claims.
"""

import json
import warnings
from typing import Any

from trainshed.topics.model import Encoding
from trainshed.topics.schemas.model import UnfitError

_DEEPEST = 100
_RANGES = {"int": 31, "long": 63}
_SIZES = {"null": 0, "float": 4, "double": 8}
_LONGEST_NUMBER = 10  # bytes of a variable-length long
_CONTINUES = 0x80


def parse(text: str) -> Any:
    """Read a schema. Raises UnfitError."""
    import avro.errors  # late: only topics with an Avro schema need it
    import avro.schema

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # logical types that nobody knows are ignored, as Avro says
            found = avro.schema.parse(text)
    except (avro.errors.AvroException, ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise UnfitError(f"is no Avro schema: {str(error)[:300]}") from error
    if found.type != "record":
        raise UnfitError(f"is an Avro {found.type}; Pub/Sub takes records")
    return found


def check(schema: Any, data: bytes, encoding: Encoding) -> None:
    """Look whether a message fits. Raises UnfitError."""
    if encoding is Encoding.BINARY:
        reader = _Reader(data)
        _walk_binary(schema, reader, schema.name, 0)
        if reader.place != len(data):
            raise UnfitError(f"{len(data) - reader.place} bytes follow the record")
        return
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise UnfitError("is not JSON") from error
    _walk_json(schema, value, schema.name, 0)


def check_revision(old: Any, new: Any) -> None:
    """Look whether either schema reads what the other writes. Raises UnfitError."""
    from avro.compatibility import ReaderWriterCompatibilityChecker, SchemaCompatibilityType

    for reader, writer, whose in ((new, old, "earlier"), (old, new, "new")):
        checker: Any = ReaderWriterCompatibilityChecker  # without types
        result = checker().get_compatibility(reader, writer)
        if result.compatibility != SchemaCompatibilityType.compatible:
            why = ", ".join(sorted(result.messages or result.locations))
            raise UnfitError(
                f"does not go with the revision before: messages of the {whose} one cannot be read ({why})"
            )


def _branch_name(schema: Any) -> str:
    return str(getattr(schema, "fullname", "") or schema.type)


def _walk_json(schema: Any, value: Any, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise UnfitError(f"{path} is nested deeper than {_DEEPEST} levels")
    kind = schema.type
    if kind in {"record", "error"}:
        _json_record(schema, value, path, depth)
    elif kind in {"union", "error_union"}:
        _json_union(schema, value, path, depth)
    elif kind == "array":
        for number, item in enumerate(_typed(value, list, path, kind)):
            _walk_json(schema.items, item, f"{path}[{number}]", depth + 1)
    elif kind == "map":
        for key, item in _typed(value, dict, path, kind).items():
            _walk_json(schema.values, item, f"{path}[{key}]", depth + 1)
    else:
        _json_scalar(schema, value, path)


def _json_record(schema: Any, value: Any, path: str, depth: int) -> None:
    given = dict(_typed(value, dict, path, "record"))
    for field in schema.fields:
        if field.name not in given:
            raise UnfitError(f"{path}.{field.name} is missing")
        _walk_json(field.type, given.pop(field.name), f"{path}.{field.name}", depth + 1)
    if given:
        raise UnfitError(f"{path}.{min(given)} is not a field of the record")


def _json_union(schema: Any, value: Any, path: str, depth: int) -> None:
    branches = {_branch_name(branch): branch for branch in schema.schemas}
    if value is None and "null" in branches:
        return
    if not isinstance(value, dict) or len(value) != 1:
        raise UnfitError(f'{path} is of a union: write it as {{"TYPE": VALUE}}, or null where that is one of them')
    ((name, inner),) = value.items()
    branch = branches.get(name) or next((b for b in schema.schemas if getattr(b, "name", "") == name), None)
    if branch is None or branch.type == "null":
        raise UnfitError(f"{path} is of the type {name!r}, which the union does not have")
    _walk_json(branch, inner, f"{path}.{name}", depth + 1)


def _json_scalar(schema: Any, value: Any, path: str) -> None:
    kind = schema.type
    if kind == "null":
        _typed(value, type(None), path, kind)
    elif kind == "boolean":
        _typed(value, bool, path, kind)
    elif kind in _RANGES:
        limit = 2 ** _RANGES[kind]
        if not -limit <= _number(value, int, path, kind) < limit:
            raise UnfitError(f"{path} is not of the type {kind}")
    elif kind in {"float", "double"}:
        _number(value, (int, float), path, kind)
    elif kind == "enum":
        if value not in schema.symbols:
            raise UnfitError(f"{path} is {value!r}, none of {', '.join(schema.symbols)}")
    elif kind == "string":
        _typed(value, str, path, kind)
    else:
        _json_bytes(schema, value, path)


def _json_bytes(schema: Any, value: Any, path: str) -> None:
    text = _typed(value, str, path, schema.type)
    if any(ord(c) > 0xFF for c in text):  # noqa: PLR2004  (a byte a character)
        raise UnfitError(f"{path} has characters that stand for no byte")
    if schema.type == "fixed" and len(text) != schema.size:
        raise UnfitError(f"{path} is not of {schema.size} bytes")


def _number(value: Any, wanted: type | tuple[type, ...], path: str, kind: str) -> Any:
    if isinstance(value, bool):
        raise UnfitError(f"{path} is not of the type {kind}")
    return _typed(value, wanted, path, kind)


def _typed(value: Any, wanted: type | tuple[type, ...], path: str, kind: str) -> Any:
    if not isinstance(value, wanted):
        raise UnfitError(f"{path} is not of the type {kind}")
    return value


class _Reader:
    """Takes bytes from the front, never more than there are."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self.place = 0

    def take(self, count: int, path: str) -> bytes:
        if not 0 <= count <= len(self._data) - self.place:
            raise UnfitError(f"{path} goes beyond the end of the message")
        self.place += count
        return self._data[self.place - count : self.place]

    def number(self, path: str, *, bits: int = 63) -> int:
        found = 0
        for position in range(_LONGEST_NUMBER):
            (byte,) = self.take(1, path)
            found |= (byte & ~_CONTINUES) << (7 * position)
            if not byte & _CONTINUES:
                value = (found >> 1) ^ -(found & 1)
                if -(2**bits) <= value < 2**bits:
                    return value
                break
        raise UnfitError(f"{path} is no number of {bits + 1} bits")


def _walk_binary(schema: Any, reader: _Reader, path: str, depth: int) -> None:
    if depth > _DEEPEST:
        raise UnfitError(f"{path} is nested deeper than {_DEEPEST} levels")
    kind = schema.type
    if kind in {"record", "error"}:
        for field in schema.fields:
            _walk_binary(field.type, reader, f"{path}.{field.name}", depth + 1)
    elif kind in {"union", "error_union"}:
        index = reader.number(path)
        if not 0 <= index < len(schema.schemas):
            raise UnfitError(f"{path} is of branch {index}, which the union does not have")
        _walk_binary(schema.schemas[index], reader, path, depth + 1)
    elif kind in {"array", "map"}:
        _binary_blocks(schema, reader, path, depth)
    else:
        _binary_scalar(schema, reader, path)


def _binary_blocks(schema: Any, reader: _Reader, path: str, depth: int) -> None:
    while count := reader.number(path):
        if count < 0:
            reader.number(path)  # how many bytes the block has
        for _ in range(abs(count)):
            before = reader.place
            if schema.type == "map":
                _text(reader, path)
            _walk_binary(schema.values if schema.type == "map" else schema.items, reader, f"{path}[]", depth + 1)
            if reader.place == before:  # items of no bytes: as many as it claims
                break


def _binary_scalar(schema: Any, reader: _Reader, path: str) -> None:
    kind = schema.type
    if kind in _RANGES:
        reader.number(path, bits=_RANGES[kind])
    elif kind in _SIZES:
        reader.take(_SIZES[kind], path)
    elif kind == "boolean":
        if reader.take(1, path) not in {b"\0", b"\1"}:
            raise UnfitError(f"{path} is not of the type boolean")
    elif kind == "string":
        _text(reader, path)
    elif kind == "bytes":
        reader.take(reader.number(path), path)
    elif kind == "fixed":
        reader.take(schema.size, path)
    elif kind == "enum":
        index = reader.number(path, bits=31)
        if not 0 <= index < len(schema.symbols):
            raise UnfitError(f"{path} is symbol {index}, which the enum does not have")


def _text(reader: _Reader, path: str) -> None:
    try:
        reader.take(reader.number(path), path).decode()
    except UnicodeDecodeError as error:
        raise UnfitError(f"{path} is no UTF-8 text") from error
