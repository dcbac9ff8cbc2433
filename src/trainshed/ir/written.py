"""What an executor says that it made: ExecutorOutput, in the way of schema 2.1.0 and in that of 2.0.0.

The one writes `parameterValues` (plain JSON) and artifacts with `metadata`; the other `parameters` (`{"intValue":
"3"}`) and artifacts with `properties` and `customProperties` of the same kind. TFX writes either, and mixes them.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

_BEYOND = re.compile(r"\d{309}")  # digits of an integer that no double holds
_INTEGER_BITS = 64
_CUSTOM = "custom:"  # what TFX puts before a custom property that is named as a property is


@dataclass(frozen=True, kw_only=True)
class WrittenArtifact:
    """What was said of one artifact; empty: nothing was said."""

    name: str = ""
    uri: str = ""
    custom_path: str = ""
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Written:
    """Everything that was said. An artifact output with an empty list holds none."""

    parameters: Mapping[str, Any] = field(default_factory=dict)
    artifacts: Mapping[str, tuple[WrittenArtifact, ...]] = field(default_factory=dict)


def read_output(text: str) -> Written:
    """Read an ExecutorOutput; none says nothing. Raises ValueError with a sentence for what cannot be one."""
    try:
        document = json.loads(text) if text.strip() else {}
    except (ValueError, RecursionError) as error:
        reason = "nested too deeply" if isinstance(error, RecursionError) else error
        raise ValueError(f"what it wrote about its outputs (executor_output.json) is not JSON: {reason}") from error
    if not isinstance(document, Mapping):
        kind = "a list" if isinstance(document, list) else "a single value"
        raise ValueError(f"what it wrote about its outputs (executor_output.json) is {kind}, not an object")  # noqa: TRY004
    document = writable(document, text)
    typed = _mapping(document, "parameters")
    parameters = {key: plain_value(value) for key, value in typed.items()}
    artifacts = {
        key: tuple(_artifact(one) for one in entry["artifacts"] if isinstance(one, Mapping))
        for key, entry in _mapping(_countable(document, text), "artifacts").items()
        if isinstance(entry, Mapping) and isinstance(entry.get("artifacts"), list)
    }
    return Written(
        parameters=parameters | _mapping(document, "parameter_values") | _mapping(document, "parameterValues"),
        artifacts=artifacts,
    )


def writable(value: Any, text: str) -> Any:
    """Answer what was read of a JSON text as any file can hold it: half a surrogate pair becomes a question mark."""
    if "\\ud" not in text.lower():  # nothing else makes one
        return value
    return json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", errors="replace"))


def _countable(document: Mapping[str, Any], text: str) -> Mapping[str, Any]:
    """Answer what was read with every integer in it within the doubles: what artifacts say is drawn and compared."""
    if not _BEYOND.search(text):
        return document
    read = json.loads(text, parse_int=lambda digits: float(digits) if _BEYOND.search(digits) else int(digits))
    found: dict[str, Any] = writable(read, text)
    return found


def plain_value(value: Any) -> Any:
    """Read a typed Value of schema 2.0.0; anything else is plain already."""
    if not isinstance(value, Mapping) or len(value) != 1:
        return value
    ((kind, content),) = value.items()
    try:
        match kind:
            case "intValue" | "int_value":
                number = int(content)  # protobuf's JSON writes 64-bit integers as text
                return number if number.bit_length() <= _INTEGER_BITS else float(number)
            case "doubleValue" | "double_value":
                return float(content)
            case "stringValue" | "string_value":
                return str(content)
            case _:
                return value
    except (ValueError, TypeError, OverflowError):
        return value


def _mapping(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    found = document.get(key)
    return dict(found) if isinstance(found, Mapping) else {}


def _artifact(document: Mapping[str, Any]) -> WrittenArtifact:
    properties = _plain(document, "properties")
    custom = _plain(document, "custom_properties") | _plain(document, "customProperties")
    renamed = {(_CUSTOM + key if key in properties else key): value for key, value in custom.items()}
    return WrittenArtifact(
        name=_text(document, "name"),
        uri=_text(document, "uri"),
        custom_path=_text(document, "custom_path") or _text(document, "customPath"),
        metadata=properties | renamed | _mapping(document, "metadata"),
    )


def _plain(document: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: plain_value(value) for name, value in _mapping(document, key).items()}


def _text(document: Mapping[str, Any], key: str) -> str:
    return str(document.get(key) or "")
