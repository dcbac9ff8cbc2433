"""The published PipelineSpec messages as readers: plain data in, the same data with its published names out.

`import kfp.pipeline_spec` would run kfp's own `__init__` where the SDK is installed, so the module is loaded by its
file. Only its descriptors are used: protobuf's own JSON reader stops at the first mistake, says it without a path and
turns integers inside free values into floats; the readers here say every mistake. As in
protobuf's JSON, null is a field that is not there, and a field with its type's zero value is left out.
"""

import difflib
import importlib.util
import math
import re
from collections.abc import Callable, Mapping
from functools import cache
from operator import is_
from pathlib import Path
from typing import Any, Final, NamedTuple

from trainshed.ir.findings import Findings, Trail, key_text, quoted

_MODULE = "pipeline_spec/pipeline_spec_pb2.py"
_DURATION = re.compile(r"(-?)(\d{1,12})(\.\d{1,9})?s")
_WHOLE = re.compile(r"-?\d{1,20}")
_ZERO: Final = object()  # what was read says no more than nothing would
_LONG = 50
_MAPPINGS = (dict, Mapping)  # nearly all are dicts, which is quick to see
_TEN_YEARS = 315_360_000  # in seconds; clocks end some thousand years on
_SAFE_INTEGER = 2**53

Reader = Callable[[Any, Trail | None, Findings], Any]


class _Field(NamedTuple):
    name: str  # as published
    read: Reader
    group: str  # of fields that exclude each other; without such, its own name: both spellings of it
    takes_null: bool


@cache
def messages() -> Any:
    """Load the published module."""
    found = importlib.util.find_spec("kfp")
    assert found is not None, "kfp-pipeline-spec is a dependency"
    for folder in found.submodule_search_locations or ():
        path = Path(folder) / _MODULE
        if path.exists():
            spec = importlib.util.spec_from_file_location("trainshed_pipeline_spec_pb2", path)
            assert spec is not None
            assert spec.loader is not None
            module = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            return module
    raise AssertionError("kfp-pipeline-spec is installed without its messages")


def read(document: Any, message: str, trail: Trail | None, findings: Findings) -> dict[str, Any]:
    """Read a document as one of the published messages, `A` or `A.B`; what cannot be read is not in the answer."""
    outer, _, inner = message.partition(".")
    descriptor = getattr(messages(), outer).DESCRIPTOR
    return read_as(document, descriptor.nested_types_by_name[inner] if inner else descriptor, trail, findings)


def read_each(document: Any, message: str, trail: Trail | None, findings: Findings) -> dict[str, Any]:
    """Read a mapping whose values are one of the published messages."""
    found = _mapping(lambda entry, here, said: read(entry, message, here, said))(document, trail, findings)
    return found if isinstance(found, dict) else {}


def read_as(document: Any, descriptor: Any, trail: Trail | None, findings: Findings) -> dict[str, Any]:
    """Read a document as a message."""
    found = _message(descriptor)(document, trail, findings)
    return found if isinstance(found, dict) else {}


def whole(value: Any) -> Any:
    """Undo what protobuf does to free values: whole numbers are integers again."""
    kind = value.__class__
    if kind is float and value.is_integer() and abs(value) <= _SAFE_INTEGER:
        return int(value)
    if kind is list:
        return [whole(entry) for entry in value]
    if isinstance(value, _MAPPINGS):
        return {key: whole(entry) for key, entry in value.items()}
    return value


def noun(value: Any) -> str:
    """Say what a value is."""
    if value is None:
        return "nothing"
    names = {list: "a list", dict: "a mapping", str: "text", int: "a number", float: "a number", bool: "a boolean"}
    return names.get(type(value), "a mapping" if isinstance(value, _MAPPINGS) else type(value).__name__)


@cache
def _message(descriptor: Any) -> Reader:
    special = _SPECIAL.get(descriptor.full_name)
    if special is not None:
        return special

    def read_message(value: Any, trail: Trail | None, findings: Findings) -> Any:
        fields = _fields(descriptor)  # not before: messages hold each other
        if not isinstance(value, _MAPPINGS):
            findings.tear(trail, f"a mapping belongs here, not {noun(value)}")
            return _ZERO
        result: dict[str, Any] = {}
        first: dict[str, str] = {}
        for key, entry in value.items():
            if key.__class__ is not str:
                continue  # named when the document was measured
            field = fields.get(key)
            here = (trail, key)
            if field is None:
                findings.add(here, "" if findings.is_full else _unknown(key, descriptor.name, fields))
            elif entry is None and not field.takes_null:
                pass
            elif first.setdefault(field.group, key) != key:
                findings.add(here, _beside(field, key, first[field.group]))
            else:
                found = field.read(entry, here, findings)
                if found is not _ZERO:
                    result[field.name] = found
        return _once(value, result)

    return read_message


def _once(value: Any, result: dict[str, Any]) -> dict[str, Any]:
    """Answer what was given where reading changed nothing in it: a document of thousands of tasks is not there twice."""
    if value.__class__ is dict and len(value) == len(result):
        none = object()
        if all(result.get(key, none) is entry for key, entry in value.items()):
            return value
    return result


def _beside(field: _Field, key: str, first: str) -> str:
    if field.group == field.name:
        return f"{field.name} is there in two spellings; keep one"
    return f"{key} and {first} exclude each other; keep one"


@cache
def _fields(descriptor: Any) -> dict[str, _Field]:
    fields: dict[str, _Field] = {}
    for found in descriptor.fields:
        group = found.containing_oneof.name if found.containing_oneof else ""
        is_choice = group and not group.startswith("_")  # with `_`: an `optional`, as protobuf writes it
        field = _Field(
            name=found.json_name,
            read=_reader(found),
            group=f"choice of {group}" if is_choice else found.json_name,
            takes_null=found.message_type is not None and found.message_type.full_name == "google.protobuf.Value",
        )
        fields |= {found.name: field, found.json_name: field, found.camelcase_name: field}
    return fields


def _unknown(key: Any, message: str, fields: Mapping[str, _Field]) -> str:
    near = difflib.get_close_matches(key, fields, n=1) if isinstance(key, str) and len(key) < _LONG else ()
    return f"unknown field of a {message}; " + (f"did you mean {quoted(near[0])}?" if near else "remove it")


def _reader(found: Any) -> Reader:
    if found.message_type is not None and found.message_type.GetOptions().map_entry:
        return _mapping(_reader(found.message_type.fields_by_name["value"]))
    if found.is_repeated:
        return _list(_single(found, keeps_zero=True))
    return _single(found, keeps_zero=found.has_presence or found.containing_type.GetOptions().map_entry)


def _single(found: Any, *, keeps_zero: bool) -> Reader:
    if found.message_type is not None:
        return _message(found.message_type)
    read_scalar = _enum(found.enum_type) if found.enum_type is not None else _SCALARS[found.type](found)

    def read_single(value: Any, trail: Trail | None, findings: Findings) -> Any:
        result = read_scalar(value, trail, findings)
        return result if result or keeps_zero else _ZERO

    return read_single


def _mapping(read_entry: Reader) -> Reader:
    def read_mapping(value: Any, trail: Trail | None, findings: Findings) -> Any:
        if not isinstance(value, _MAPPINGS):
            findings.tear(trail, f"a mapping belongs here, not {noun(value)}")
            return _ZERO
        result = {}
        for key, entry in value.items():
            if key.__class__ is str:  # others were named when the document was measured
                found = read_entry(entry, (trail, key), findings)
                if found is not _ZERO:
                    result[key] = found
        return _once(value, result) or _ZERO

    return read_mapping


def _list(read_entry: Reader) -> Reader:
    def read_list(value: Any, trail: Trail | None, findings: Findings) -> Any:
        if not isinstance(value, list):
            findings.tear(trail, f"a list belongs here, not {noun(value)}")
            return _ZERO
        found = (read_entry(entry, (trail, index), findings) for index, entry in enumerate(value))
        result = [entry for entry in found if entry is not _ZERO]
        is_same = len(result) == len(value) and all(map(is_, result, value))
        return (value if is_same else result) or _ZERO

    return read_list


def _text(_field: Any) -> Reader:
    def read_text(value: Any, trail: Trail | None, findings: Findings) -> Any:
        if isinstance(value, str):
            return value
        hint = "; put it in quotes" if isinstance(value, (int, float)) else ""
        findings.add(trail, f"text belongs here, not {noun(value)}{hint}")
        return _ZERO

    return read_text


def _boolean(_field: Any) -> Reader:
    def read_boolean(value: Any, trail: Trail | None, findings: Findings) -> Any:
        if isinstance(value, bool):
            return value
        findings.add(trail, f"true or false belongs here, not {noun(value)}")
        return _ZERO

    return read_boolean


def _integer(field: Any) -> Reader:
    bits = 63 if field.type == field.TYPE_INT64 else 31

    def read_integer(value: Any, trail: Trail | None, findings: Findings) -> Any:
        if isinstance(value, str) and _WHOLE.fullmatch(value):
            value = int(value)
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            findings.add(trail, f"a whole number belongs here, not {_shown(value)}")
            return _ZERO
        if not -(2**bits) <= value < 2**bits:
            findings.add(trail, f"{value} does not fit into {bits + 1} bits; give a smaller number")
            return _ZERO
        return str(value) if bits > 31 else value  # noqa: PLR2004  (64 bits are text in protobuf's JSON)

    return read_integer


def _number(_field: Any) -> Reader:
    def read_number(value: Any, trail: Trail | None, findings: Findings) -> Any:
        try:
            number = math.nan if isinstance(value, bool) else float(value)
        except (TypeError, ValueError, OverflowError):
            number = math.nan
        if math.isfinite(number):
            return number
        findings.add(trail, f"a number belongs here, not {_shown(value)}")
        return _ZERO

    return read_number


def _enum(enum: Any) -> Reader:
    names = {value.name: value.name for value in enum.values} | {value.number: value.name for value in enum.values}
    zero = enum.values_by_number[0].name
    known = ", ".join(value.name for value in enum.values if value.number != 0)

    def read_enum(value: Any, trail: Trail | None, findings: Findings) -> Any:
        name = names.get(value) if isinstance(value, (str, int)) and not isinstance(value, bool) else None
        if name is None:
            findings.add(trail, f"{_shown(value)} is not one of {known}; use one of them")
            return _ZERO
        return "" if name == zero else name

    return read_enum


def _shown(value: Any) -> str:
    return repr(key_text(value)) if isinstance(value, str) else str(value)[:40] if _is_number(value) else noun(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _struct(value: Any, trail: Trail | None, findings: Findings) -> Any:
    if isinstance(value, _MAPPINGS):
        return whole(value)
    findings.tear(trail, f"a mapping belongs here, not {noun(value)}")
    return _ZERO


def _anything(value: Any, _trail: Trail | None, _findings: Findings) -> Any:
    return whole(value)


def read_duration(value: Any, trail: Trail | None, findings: Findings) -> Any:
    """Read a duration, which protobuf writes as text."""
    match = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        findings.add(trail, f"a duration such as '30s' belongs here, not {_shown(value)}")
    elif match[1]:
        findings.add(trail, f"{quoted(value)} is negative; give a duration from '0s' on")
    elif int(match[2]) > _TEN_YEARS:
        findings.add(trail, f"{quoted(value)} is longer than ten years; give a shorter duration")
    else:
        return value
    return _ZERO


_SPECIAL: Mapping[str, Reader] = {
    "google.protobuf.Struct": _struct,
    "google.protobuf.Value": _anything,
    "google.protobuf.Duration": read_duration,
}
_SCALARS: Mapping[int, Callable[[Any], Reader]] = {  # protobuf's numbers of its types
    1: _number, 2: _number, 3: _integer, 5: _integer, 8: _boolean, 9: _text,
}  # fmt: skip
