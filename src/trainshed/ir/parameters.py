"""Values typed by declaration: `"3"` for an integer is 3; what cannot be meant is refused with the reason."""

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from trainshed.errors import InvalidArgument
from trainshed.ir.findings import Findings, Trail, trail_of
from trainshed.ir.model import ABSENT, ParameterDefinition
from trainshed.ir.notation import measure, parse_json

_INTEGER = re.compile(r"[+-]?\d+(\.0+)?")
_SAFE_INTEGER = 2**53
_LONG = 50  # characters
# schema 2.0.0 -> 2.1.0
LEGACY_TYPES = {"INT": "NUMBER_INTEGER", "DOUBLE": "NUMBER_DOUBLE", "STRING": "STRING"}
_NOUNS = {
    "STRING": "a string",
    "NUMBER_INTEGER": "an integer",
    "NUMBER_DOUBLE": "a number",
    "BOOLEAN": "a boolean",
    "LIST": "a list",
    "STRUCT": "a mapping",
}
_EXAMPLES = {"LIST": '[1, "a"]', "STRUCT": '{"a": 1}'}


def bind(definitions: Mapping[str, ParameterDefinition], given: Mapping[str, Any]) -> dict[str, Any]:
    """Type the given values and add defaults; null is a value that is not given. Raises InvalidArgument with everything."""
    findings = Findings()
    values: dict[str, Any] = {}
    for name, value in given.items():
        trail = _trail(name)
        definition = definitions.get(name)
        if definition is None:
            findings.add(trail, "" if findings.is_full else _unknown(name, definitions))
        elif value is not None or not _may_be_absent(definition):
            _take(definition, value, trail, values, findings)
    for name, definition in definitions.items():
        if given.get(name) is not None or (name in given and not _may_be_absent(definition)):
            continue
        if definition.default is not ABSENT:
            values[name] = _default(definition)
        elif not definition.is_optional:
            what = _NOUNS.get(definition.type, "a value")
            findings.add(_trail(name), f"the pipeline needs this parameter ({what}) and it is missing")
    if listed := findings.listed():
        raise InvalidArgument.findings(list(listed), reason="PARAMETERS_INVALID")
    return {name: values[name] for name in definitions if name in values}


def _trail(name: str) -> Trail:
    return trail_of("parameters", name)


def _take(
    definition: ParameterDefinition, value: Any, trail: Trail, values: dict[str, Any], findings: Findings
) -> None:
    """Add one given value under its name, or say what is wrong with it."""
    inside = Findings()
    try:
        if not isinstance(value, (int, float)):  # numbers of the wrong kind are told by their type
            measure(_opened(value, definition.type), trail, inside)
        if not inside.listed():
            converted = _accepted(convert(value, definition.type), definition)
            measure(converted, trail, inside)
            values[trail[1]] = converted
    except ValueError as error:
        findings.add(trail, str(error))
    except InvalidArgument as error:
        findings.add(trail, error.violations[0].description)
    for finding in inside.listed():
        findings.take(finding)


def _opened(value: Any, declared: str) -> Any:
    """Read the structure that a text stands for, to look into it; a text that stands for none stays one."""
    if not isinstance(value, str) or declared not in _EXAMPLES:
        return value
    try:
        return parse_json(value)
    except InvalidArgument:
        return value


def convert(value: Any, declared: str) -> Any:
    """Give `value` its declared type. Raises ValueError with the reason."""
    if value is None:
        raise ValueError(f"null is not {_NOUNS.get(declared, 'a value')}; leave the parameter out instead")
    converter = _CONVERTERS.get(declared)
    if converter is None:
        return value
    converted = converter(value)
    if converted is ABSENT:
        raise ValueError(f"{_quote(value)} is not {_NOUNS[declared]}")
    return converted


def _may_be_absent(definition: ParameterDefinition) -> bool:
    return definition.is_optional or definition.default is not ABSENT


def _accepted(value: Any, definition: ParameterDefinition) -> Any:
    if definition.literals and value not in definition.literals:
        known = ", ".join(map(_quote, definition.literals))
        raise ValueError(f"{_quote(value)} is none of the values that it accepts: {known}")
    return value


def parse_message(data: bytes) -> dict[str, Any]:
    """Read a message body as run parameters. Raises InvalidArgument in one sentence."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidArgument.field("message.data", "the body is not UTF-8 text; publish a JSON object") from error
    if not text.strip():
        return {}
    try:
        document = json.loads(text, parse_constant=_no_constant)
    except RecursionError as error:
        raise InvalidArgument.field("message.data", "the JSON in the body is nested too deep") from error
    except ValueError as error:
        hint = f"the body is not JSON ({error}): {_quote(text)}; publish a JSON object of parameters"
        raise InvalidArgument.field("message.data", hint) from error
    if isinstance(document, dict):
        return document
    if isinstance(document, str) and _is_json_object(document):
        hint = (
            f"the body is JSON inside a JSON string ({_quote(document)}): it was encoded twice; "
            "leave out one json.dumps, or the quotes around the body"
        )
        raise InvalidArgument.field("message.data", hint, reason="DOUBLE_ENCODED")
    raise InvalidArgument.field(
        "message.data", f"the body is {_quote(document)}; a JSON object of parameters belongs there"
    )


def _default(definition: ParameterDefinition) -> Any:
    try:
        return convert(definition.default, definition.type)
    except ValueError:  # declared types lie: the compiler lets a default through that is of another type
        return definition.default


def _unknown(name: str, definitions: Mapping[str, ParameterDefinition]) -> str:
    if not definitions:
        return "the pipeline takes no parameters"
    near = difflib.get_close_matches(name, definitions, n=1) if len(name) < _LONG else []
    known = ", ".join(sorted(definitions))
    return (
        f"the pipeline has no such parameter; did you mean {near[0]!r}?"
        if near
        else f"the pipeline has no such parameter; it has {known}"
    )


def _quote(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return repr(text if len(text) <= 80 else text[:77] + "…")  # noqa: PLR2004  (a line of an error)


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _is_json_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), (dict, str))
    except (ValueError, RecursionError):
        return False


def _string(value: Any) -> Any:
    if isinstance(value, (bool, int, float)):
        raise ValueError(f"{json.dumps(value)} is not a string; put it in quotes")  # noqa: TRY004  (findings are ValueErrors)
    return value if isinstance(value, str) else ABSENT


def _integer(given: Any) -> Any:
    value = given
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        digits = value.strip().split(".")[0]
        value = int(digits) if len(digits) < _LONG else _SAFE_INTEGER * 2
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return ABSENT
    if abs(value) > _SAFE_INTEGER:
        raise ValueError(f"{str(given)[:40]} is larger than 2^53, which a PipelineSpec integer cannot hold")
    return value


def _double(value: Any) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return ABSENT
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return ABSENT
    if not math.isfinite(number):
        raise ValueError(f"{_quote(value)} is not a finite number")
    return number


def _boolean(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.strip().lower(), ABSENT) if isinstance(value, str) else ABSENT


def _container(kind: type, declared: str) -> Any:
    def converted(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_no_constant)
            except (ValueError, RecursionError) as error:
                hint = f"write JSON such as {_EXAMPLES[declared]}"
                raise ValueError(f"{_quote(value)} is not {_NOUNS[declared]}; {hint}") from error
        return value if isinstance(value, kind) else ABSENT

    return converted


_CONVERTERS = {
    "STRING": _string,
    "NUMBER_INTEGER": _integer,
    "NUMBER_DOUBLE": _double,
    "BOOLEAN": _boolean,
    "LIST": _container(list, "LIST"),
    "STRUCT": _container(dict, "STRUCT"),
}
