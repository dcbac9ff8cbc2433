"""Forms that say what a run is given: one field for each parameter that the pipeline takes, and how it is run."""

import json
from typing import Any

from trainshed import ir
from trainshed.dashboard.page import Field

_TYPES = {
    "NUMBER_INTEGER": "integer",
    "NUMBER_DOUBLE": "number",
    "BOOLEAN": "boolean",
    "LIST": "json",
    "STRUCT": "json",
}
_WORDS = {
    "STRING": "text",
    "NUMBER_INTEGER": "whole number",
    "NUMBER_DOUBLE": "number",
    "BOOLEAN": "yes or no",
    "LIST": "JSON list",
    "STRUCT": "JSON object",
}
_LONG = 80  # characters, from which on a text gets several lines
_REUSE = ("", "true", "false")


def conduct(unsaid: str) -> tuple[Field, ...]:
    """Make the fields that say how a run is called and whether it reuses; `unsaid`: what holds when nothing is said."""
    return (
        Field(name="jobId", label="Run id", help="Lower-case letters, digits and '-'; left empty, one is made."),
        Field(
            name="caching",
            label="Reuse cached results",
            type="json",
            choices=_REUSE,
            empty_choice=unsaid,
            help="true: a task whose component, inputs and environment did not change is not run again; false: every task runs.",
        ),
    )


def field(key: str, found: ir.ParameterDefinition, current: Any) -> Field:
    """Make the field of a parameter with the value that the run had, or that the pipeline's document brings along."""
    value = current.get(key, None if found.default is ir.ABSENT else found.default)
    text = written(value, found.type)
    is_required = not found.is_optional and found.default is ir.ABSENT
    kind, choices = _TYPES.get(found.type, "text"), [written(value, found.type) for value in found.literals]
    if kind == "boolean" and value is None:  # a tick cannot say that nobody said anything
        kind, choices = "json", ["true", "false"]
    if choices and (not is_required or value is None):  # else the first one would be chosen by nobody
        choices = ["", *choices]
    return Field(
        name=f"parameters.[{key}]",
        label=key,
        value=text,
        type=kind,
        choices=choices,
        is_required=is_required and kind != "text",
        sends_empty=bool(text),
        is_long=len(text) > _LONG or "\n" in text,
        help=_help(found, is_required=is_required),
    )


def written(value: Any, kind: str) -> str:
    """Write a value the way its field holds it."""
    if value is None:
        return ""
    if kind == "STRING" and isinstance(value, str):
        return value
    if kind in {"LIST", "STRUCT"} and not isinstance(value, str):
        return json.dumps(value, ensure_ascii=False)
    return value if isinstance(value, str) else json.dumps(value)


def _help(found: ir.ParameterDefinition, *, is_required: bool) -> str:
    words = [_WORDS.get(found.type, found.type)]
    if found.default is not ir.ABSENT:
        words.append(f"by default {written(found.default, found.type) or 'empty'}")
    elif not is_required:
        words.append("may be left empty")
    return ", ".join(words)
