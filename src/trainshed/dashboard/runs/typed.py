"""What somebody typed into a form that shows what would become of it: the values, and what is wrong with them. Pure.

It reads words of an address as the script reads fields, so that a form says the same with it and without.
"""

import json
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.page import Field
from trainshed.errors import InvalidArgument, TrainshedError

PARAMETERS = "parameters.[NAME]"  # word of the query
_WHOLE = re.compile(r"[+-]?\d+", re.ASCII)


@dataclass(frozen=True, kw_only=True)
class Typed:
    """Fields with what is typed in them, and the values of those that have one."""

    fields: Sequence[Field]
    values: Mapping[str, Any]

    @property
    def is_readable(self) -> bool:
        """Tell whether every field has a value of its type."""
        return not any(field.problem for field in self.fields)

    @property
    def parameters(self) -> dict[str, Any]:
        """The values of parameters, by name."""
        return {_parameter(name): value for name, value in self.values.items() if name.startswith("parameters.")}


def read(fields: Sequence[Field], asked: Asked) -> Typed:
    """Read what is typed in the fields of a form. Raises InvalidArgument for a parameter that has none."""
    known = {field.name for field in fields}
    for word, _ in asked.query:
        if word.startswith("parameters.") and word not in known:
            raise InvalidArgument.field(_parameter(word), "the pipeline takes no such parameter")
    found, values = [], {}
    is_sent = any(asked.given(field.name) is not None for field in fields)
    for field in fields:
        said = asked.given(field.name)
        if field.type == "boolean" and is_sent:
            said = "" if said is None else "true"  # one that is not ticked is not sent
        shown = field if said is None else replace(field, value=said)
        try:
            if (value := _value(shown)) is not _ABSENT:
                values[field.name] = value
        except InvalidArgument as error:
            shown = replace(shown, problem=error.message)
        found.append(shown)
    return Typed(fields=found, values=values)


def blame(fields: Sequence[Field], error: TrainshedError) -> tuple[Sequence[Field], str]:
    """Say at each field what an error has against it; answer what is of none of them as well."""
    said = {_place(violation.field): violation.description for violation in error.violations}
    blamed, known = [], set()
    for field in fields:
        mine = [place for place in said if f"{place}.".startswith(f"{_place(field.name)}.")]
        known.update(mine)
        blamed.append(replace(field, problem=said[mine[0]]) if mine else field)
    rest = "\n".join(text for place, text in said.items() if place not in known)
    return blamed, rest if said else error.message


_ABSENT = object()


def _value(field: Field) -> Any:
    """Answer the value of a field, or that it has none. Raises InvalidArgument."""
    if field.type == "boolean":
        return bool(field.value)
    if not field.value and not field.is_required and not field.sends_empty:
        return _ABSENT
    if not field.value and field.type != "text" and not field.is_required:
        return None
    try:
        return _READ.get(field.type, str)(field.value)
    except ValueError as error:
        raise InvalidArgument(f"{field.label}: {_WRONG[field.type]}") from error


def _integer(text: str) -> int:
    if not _WHOLE.fullmatch(text.strip()):
        raise ValueError(text)
    return int(text)


def _number(text: str) -> float:
    value = float(text)
    if "_" in text or not math.isfinite(value):
        raise ValueError(text)
    return value


def _json(text: str) -> Any:
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError(text) from error


def _refuse(constant: str) -> Any:
    raise ValueError(constant)


_READ: Mapping[str, Callable[[str], Any]] = {"integer": _integer, "number": _number, "json": _json}
_WRONG = {"integer": "this is no whole number", "number": "this is no number", "json": "this is no JSON"}


def _parameter(name: str) -> str:
    return name.removeprefix("parameters.[").removesuffix("]")


def _place(name: str) -> str:
    """Write the name of a field as errors do: `parameters.a` for `parameters.[a]`."""
    return name.replace(".[", ".").replace("[", ".").replace("]", "")
