"""Reading a document that was stored as JSON, once it is known to be in order: equal parts of it are one.

A pipeline of thousands of tasks says the same of most of them. What is read so is for looking at alone: a change in one
place would be one in many.
"""

import json
from typing import Any

_BY_VALUE = frozenset({str, int, float, bool, type(None)})


def read_stored(text: str) -> Any:
    """Read JSON text; objects in it that say the same are the same object."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def once(found: dict[str, Any]) -> dict[str, Any]:
        return known.setdefault(tuple(map(_identity, found.items())), found)

    return json.loads(text, object_hook=once)


def _identity(entry: tuple[str, Any]) -> tuple[str, type, Any]:
    """Tell entries apart: 1 equals True and 1.0. What is inside was read before, and is one where it is equal."""
    key, value = entry
    kind = value.__class__
    return key, kind, value if kind in _BY_VALUE else id(value)
