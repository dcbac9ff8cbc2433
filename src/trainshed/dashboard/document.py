"""The JSON form of a page: its parts as they are, times in RFC 3339, durations in seconds, sizes in bytes."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from enum import Enum
from functools import cache
from typing import Any

from trainshed import floats
from trainshed.clock import rfc3339
from trainshed.dashboard.page import Page, Part

_AS_IT_IS = (int, bool)


def document(page: Page) -> dict[str, Any]:
    """Answer everything that a page shows."""
    found: dict[str, Any] = plain(page)
    return found


def plain(value: Any) -> Any:
    """Turn records into documents, all the way down."""
    if value is None or type(value) in _AS_IT_IS:  # most values of a large graph are
        return value
    if isinstance(value, date):
        return rfc3339(value) if isinstance(value, datetime) else value.isoformat()
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if is_dataclass(value):
        kind = {"kind": value.kind} if isinstance(value, Part) else {}
        record: Any = type(value)
        return kind | {name: plain(getattr(value, name)) for name in _names(record)}
    return _scalar(value.value if isinstance(value, Enum) else value)


@cache
def _names(record: Any) -> tuple[str, ...]:
    return tuple(field.name for field in fields(record))


def sayable(text: str) -> str:
    """Replace halves of characters, which JSON of users may hold and no encoding knows."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _scalar(value: Any) -> Any:
    if isinstance(value, str):
        return sayable(value)
    return floats.written(value) if isinstance(value, float) else value
