"""Routes of our own, for what Google has no name for: one module per feature, all under `/trainshed/v1/`."""

import json
from typing import Any

from starlette.requests import Request

from trainshed.errors import InvalidArgument


async def body(request: Request) -> dict[str, Any]:
    """Read the JSON object that a request carries; an empty body is {}. Raises InvalidArgument."""
    text = await request.body()
    if not text.strip():
        return {}
    try:
        document = json.loads(text)
    except ValueError as error:
        raise InvalidArgument.field(
            "body", f"is not JSON: {error}; send one JSON object", reason="BODY_NOT_JSON"
        ) from error
    if not isinstance(document, dict):
        raise InvalidArgument.field("body", "is not a JSON object; send {…}", reason="BODY_NOT_OBJECT")
    return document
