"""How messages are shown: their data as text where it is text. Pure."""

import base64
import binascii
import json

from trainshed.dashboard.cells import Cell, Code
from trainshed.dashboard.wording import size

_SHOWN = 200


def decoded(data: str) -> bytes:
    """Read base64 as it is stored."""
    try:
        return base64.b64decode(data)
    except (ValueError, binascii.Error):
        return data.encode()


def readable(data: bytes, *, most: int = _SHOWN) -> str:
    """Answer data as text, or say how much there is of it."""
    text = as_text(data)
    if text is None:
        return f"{size(len(data))} of binary data"
    return text if len(text) <= most else f"{text[:most]}… ({size(len(data))})"


def as_text(data: bytes) -> str | None:
    """Answer data as text if it is."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def indented(data: bytes) -> str:
    """Answer data as a document to read: JSON with a line per value."""
    text = as_text(data)
    if text is None:
        return readable(data)
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return text


def attributes_cell(attributes: dict[str, str]) -> Cell:
    """Answer attributes in a line."""
    return Code(text=", ".join(f"{key}={value}" for key, value in attributes.items())) if attributes else None


def document(found: object) -> str:
    """Answer a document as JSON to read."""
    return json.dumps(found, indent=2, ensure_ascii=False, default=str)
