"""Values typed by declaration: `"3"` for an integer is 3; what cannot be meant is refused with the reason."""

import difflib
import json
import math
import re
from collections.abc import Mapping
from typing import Any

from trainshed.errors import Finding, InvalidArgument
from trainshed.ir.model import ABSENT, ParameterDefinition

_INTEGER = re.compile(r"[+-]?\d+(\.0+)?")
_SAFE_INTEGER = 2**53
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


def bind(definitions: Mapping[str, ParameterDefinition], given: Mapping[str, Any]) -> dict[str, Any]:
    """Type the given values and add defaults. Raises InvalidArgument with everything that is wrong."""
    findings: list[Finding] = []
    values: dict[str, Any] = {}
    for name, value in given.items():
        if name not in definitions:
            findings.append(_finding(name, _unknown(name, definitions)))
            continue
        if value is None and _may_be_absent(definitions[name]):
            continue  # what clients send for an optional input that nobody gave
        try:
            values[name] = _accepted(convert(value, definitions[name].type), definitions[name])
        except ValueError as error:
            findings.append(_finding(name, str(error)))
    for name, definition in definitions.items():
        if given.get(name) is not None or (name in given and not _may_be_absent(definition)):
            continue
        if definition.default is not ABSENT:
            values[name] = _default(definition)
        elif not definition.is_optional:
            what = _NOUNS.get(definition.type, "a value")
            findings.append(_finding(name, f"the pipeline needs this parameter ({what}) and it is missing"))
    if findings:
        raise InvalidArgument.findings(findings, reason="PARAMETERS_INVALID")
    return {name: values[name] for name in definitions if name in values}


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


def _finding(name: str, message: str) -> Finding:
    return Finding(severity="error", path=f"parameters.{name}", message=message)


def _unknown(name: str, definitions: Mapping[str, ParameterDefinition]) -> str:
    if not definitions:
        return "the pipeline takes no parameters"
    near = difflib.get_close_matches(name, definitions, n=1)
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


def _integer(value: Any) -> Any:
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()) and len(value) < 40:  # noqa: PLR2004
        value = int(value.strip().split(".")[0])
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        return ABSENT
    if abs(value) > _SAFE_INTEGER:
        raise ValueError(f"{str(value)[:40]} is larger than 2^53, which a PipelineSpec integer cannot hold")
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


def _container(kind: type) -> Any:
    def converted(value: Any) -> Any:
        if isinstance(value, str):
            try:
                value = json.loads(value, parse_constant=_no_constant)
            except (ValueError, RecursionError):
                return ABSENT
        return value if isinstance(value, kind) else ABSENT

    return converted


_CONVERTERS = {
    "STRING": _string,
    "NUMBER_INTEGER": _integer,
    "NUMBER_DOUBLE": _double,
    "BOOLEAN": _boolean,
    "LIST": _container(list),
    "STRUCT": _container(dict),
}
