"""Conditions and selectors: expressions of the Common Expression Language, evaluated by Google's own implementation.

Values are what the published driver hands to CEL: an ExecutorInput, in which every number is a double. The library is
loaded when the first expression is met, and not before: most pipelines have none.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from trainshed.ir.model import ArtifactValue
from trainshed.ir.values import as_text

_LARGEST_INTEGER = 2**63 - 1
_UNTYPED_RANGE = "cannot be the range of a comprehension"  # said of any value without a declared type, wrongly
_STATUS = re.compile(r" \[[A-Z_]+\]$")  # of the library's messages
_FIELDS = ("string_value", "number_value", "bool_value", "list_value", "struct_value", "null_value")


def holds(expression: str, parameters: Mapping[str, Any], artifacts: Mapping[str, Sequence[ArtifactValue]]) -> bool:
    """Tell whether a condition holds for a task's inputs. Raises ValueError with a sentence."""
    found = _evaluate(expression, lambda: {"inputs": _inputs(expression, parameters, artifacts)})
    if not isinstance(found, bool):
        raise ValueError(f"the condition {_quote(expression)} is {_quote(as_text(found))}, neither true nor false")  # noqa: TRY004  (a sentence for the user)
    return found


def select(expression: str, value: Any) -> Any:
    """Take a part of a value, as `parseJson(string_value)["a"]` does. Raises ValueError with a sentence."""
    return _evaluate(expression, lambda: _fields_of(value))


def problem(expression: str, *, is_selector: bool = False) -> str:
    """Say what keeps an expression from being evaluated at all; empty when it parses and names what there is."""
    names = _FIELDS if is_selector else ("inputs", "outputs")
    try:
        _environment(names).compile(expression)
    except (RuntimeError, ValueError) as error:
        return "" if _UNTYPED_RANGE in str(error) else _reason(error)
    return ""


def _evaluate(expression: str, data: Callable[[], Mapping[str, Any]]) -> Any:
    try:
        value = _program(expression).eval(data=data())
        found = value.plain_value()
        is_error = value.type().name() == "ERROR"
    except RecursionError as error:
        raise ValueError(f"{_quote(expression)} cannot be evaluated: a value is nested too deep") from error
    except (RuntimeError, ValueError, TypeError, OverflowError) as error:
        raise ValueError(f"{_quote(expression)} cannot be evaluated: {_reason(error)}") from error
    if is_error:
        raise ValueError(f"{_quote(expression)} cannot be evaluated: {_reason(found)}")
    return found


@lru_cache(maxsize=1024)
def _program(expression: str) -> Any:
    """Compile, without the checker: it takes exception to what the language allows on values without a type."""
    return _environment(("inputs", "outputs", *_FIELDS)).compile(expression, disable_check=True)


@cache
def _environment(names: tuple[str, ...]) -> Any:
    from cel_expr_python import cel

    parse = cel.Overload("parse_json_string", cel.Type.DYN, [cel.Type.STRING], impl=_parse_json)
    return cel.NewEnv(variables=dict.fromkeys(names, cel.Type.DYN), functions=[cel.FunctionDecl("parseJson", [parse])])


def _parse_json(text: str) -> Any:
    try:
        return json.loads(text, parse_int=_integer)
    except RecursionError as error:
        raise ValueError("the JSON is nested too deep") from error


def _inputs(
    expression: str, parameters: Mapping[str, Any], artifacts: Mapping[str, Sequence[ArtifactValue]]
) -> dict[str, Any]:
    found: dict[str, Any] = {
        "parameter_values": {name: _as_double(value) for name, value in parameters.items()},
        "artifacts": {name: {"artifacts": [_artifact(a) for a in listed]} for name, listed in artifacts.items()},
    }
    if "inputs.parameters" in expression:  # schema 2.0.0
        found["parameters"] = {name: _legacy_value(value) for name, value in parameters.items()}
    return found


def _fields_of(value: Any) -> dict[str, Any]:
    kind = {str: "string_value", bool: "bool_value", int: "number_value", float: "number_value", list: "list_value"}
    fields = {kind.get(type(value), "null_value" if value is None else "struct_value"): _checked(value)}
    return fields | {"string_value": _checked("" if value is None else as_text(value))}


def _integer(digits: str) -> int | float:
    number = int(digits) if len(digits) < 20 else float(digits)  # noqa: PLR2004  (digits of 2^63)
    return number if abs(number) <= _LARGEST_INTEGER else float(number)


def _as_double(value: Any) -> Any:
    """Make every number a double, as a protobuf Value has it; `1 == 1.0` in CEL, but only doubles add to doubles."""
    if isinstance(value, Mapping):
        return {_checked(str(key)): _as_double(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_as_double(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    return _checked(value)


def _checked(value: Any) -> Any:
    """Refuse text with a NUL character anywhere in it: the library would read only what is before it."""
    if isinstance(value, str) and "\0" in value:
        raise ValueError("a text with a NUL character cannot take part in an expression")
    if isinstance(value, Mapping):
        return {_checked(str(key)): _checked(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_checked(each) for each in value]
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > _LARGEST_INTEGER:
        return float(value)
    return value


def _artifact(artifact: ArtifactValue) -> dict[str, Any]:
    return {
        "name": artifact.name,
        "uri": artifact.uri,
        "metadata": _as_double(artifact.metadata),
        "custom_path": artifact.custom_path,
        "type": {
            "schema_title": artifact.type.get("schemaTitle", ""),
            "schema_version": artifact.type.get("schemaVersion", ""),
            "instance_schema": artifact.type.get("instanceSchema", ""),
        },
    }


def _legacy_value(value: Any) -> dict[str, Any]:
    if isinstance(value, float):
        return {"double_value": value}
    if isinstance(value, int) and not isinstance(value, bool):
        return {"int_value": _checked(value)}
    return {"string_value": _checked("" if value is None else as_text(value))}


def _reason(error: object) -> str:
    """Cut the library's message down to its first sentence, without status names and positions."""
    first = _STATUS.sub("", str(error).splitlines()[0]).removesuffix(" (in container '')")
    first = first.partition(" expecting {")[0]
    parts = first.split(": ")
    while len(parts) > 1 and (parts[0].isupper() or parts[0].startswith("<input>")):
        parts = parts[1:]
    return ": ".join(parts)


def _quote(text: str) -> str:
    return repr(text if len(text) <= 160 else text[:157] + "…")  # noqa: PLR2004  (a line of an error)
