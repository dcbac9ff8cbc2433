"""Routes of our own, for what Google has no name for: one module per feature, all under `/trainshed/v1/`."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from trainshed.api import bodies, jsonpb
from trainshed.errors import InvalidArgument

_DIGITS = 18  # of a number: more than anything here counts


async def body(request: Request) -> dict[str, Any]:
    """Read the JSON object that a request carries; an empty body is {}. Raises InvalidArgument."""
    return jsonpb.read_texts(await bodies.read(request))


def mapping(document: Mapping[str, Any], field: str) -> dict[str, Any]:
    """Read a JSON object in a body; {} when it is left out. Raises InvalidArgument."""
    found = document.get(field)
    if found is not None and not isinstance(found, dict):
        raise InvalidArgument.field(field, "is not a JSON object; send {…}")
    return found or {}


def number(text: str, field: str, *, least: int = 1, most: int) -> int:
    """Read a whole number of an address; one beyond the most is the most. Raises InvalidArgument."""
    digits = text.lstrip("0")[:_DIGITS] or "0"
    if not (text.isascii() and text.isdecimal()) or int(digits) < least:
        raise InvalidArgument.field(field, f"{text[:_DIGITS]!r} is not a whole number from {least}")
    return min(int(digits), most)


def choice(document: Mapping[str, Any], field: str) -> bool | None:
    """Read true or false in a body; None when it is left out. Raises InvalidArgument."""
    found = document.get(field)
    if found is not None and not isinstance(found, bool):
        raise InvalidArgument.field(field, f"is {json.dumps(found)}; send true or false, or leave it out")
    return found
