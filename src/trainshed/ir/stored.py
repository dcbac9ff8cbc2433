"""Reading a document that was stored as JSON, once it is known to be in order: equal parts of it are one.

A pipeline of thousands of tasks says the same of most of them. What is read so is for looking at alone: a change in one
place would be one in many.
"""

import json
from typing import Any

_MOST = 50  # entries of what is likely said again
_SCALARS = frozenset({int, float, bool, type(None)})


def read_stored(text: str) -> Any:
    """Read JSON text; objects in it that say the same are the same object."""
    known: dict[tuple[Any, ...], dict[str, Any]] = {}

    def once(found: dict[str, Any]) -> dict[str, Any]:
        if len(found) > _MOST:
            return found
        return known.setdefault((*found, *map(_identity, found.values())), found)

    return json.loads(text, object_hook=once)


def _identity(value: Any) -> Any:
    """Tell values apart: 1 equals True and 1.0. What is inside was read before, and is one where it is equal."""
    kind = value.__class__
    if kind is str:
        return value
    return (kind, value) if kind in _SCALARS else id(value)
