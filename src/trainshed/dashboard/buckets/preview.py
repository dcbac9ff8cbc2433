"""What the first bytes of an object show of it: text, a document, a table, an image, or the bytes themselves. Pure."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

HEAD = 64 << 10  # bytes that are read of anything
DOCUMENT = 1 << 20  # of what can only be read whole
ROWS, COLUMNS, CELL = 100, 50, 200
_HEX_LINES, _HEX_WIDTH = 32, 16
_MAGIC = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
_SEPARATORS = {"csv": ",", "tsv": "\t"}
_NODES, _MEMBERS, _DEPTH, _VALUE = 1_000, 100, 8, 400
Kind = Literal["empty", "image", "drawing", "json", "table", "text", "bytes"]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One value of a document; a folder of others where it is a list or a mapping."""

    key: str
    value: str  # a plain value as JSON; of a folder how many are in it
    children: Sequence["Node"] | None = None
    left_out: int = 0  # of its children


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """The first rows of a table."""

    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    is_whole: bool
    wider_by: int = 0  # columns that are not shown


def image_type(head: bytes) -> str:
    """Answer the media type of an image by its first bytes, whatever its name says; empty for anything else."""
    for kind, magic in _MAGIC.items():
        if head.startswith(magic) and (kind != "image/webp" or head[8:12] == b"WEBP"):
            return kind
    return ""


def kind_of(name: str, content_type: str, head: bytes) -> Kind:
    """Answer how an object is shown, by what its first bytes are and then by its name and type."""
    if not head:
        return "empty"
    if image_type(head):
        return "image"
    return _kind_of_text(name.rsplit(".", 1)[-1].lower(), content_type) if as_text(head) is not None else "bytes"


def _kind_of_text(ending: str, content_type: str) -> Kind:
    if ending == "svg" or content_type == "image/svg+xml":
        return "drawing"
    if ending == "json" or content_type in {"application/json", "application/ld+json"}:
        return "json"
    if ending in _SEPARATORS or content_type in {"text/csv", "text/tab-separated-values"}:
        return "table"
    return "text"


def as_text(head: bytes) -> str | None:
    """Read bytes as UTF-8, of which the last character may be cut; None for what is no text."""
    if b"\x00" in head:
        return None
    try:
        return head.decode()
    except UnicodeDecodeError as error:
        return head[: error.start].decode() if error.reason == "unexpected end of data" else None


def sheet(name: str, text: str, *, is_whole: bool) -> Sheet:
    """Read the first rows of comma- or tab-separated text; a row that is cut is left out."""
    separator = _SEPARATORS.get(name.rsplit(".", 1)[-1].lower(), ",")
    lines = text if is_whole else text[: text.rfind("\n") + 1]
    rows: list[list[str]] = []
    try:
        for row in csv.reader(io.StringIO(lines), delimiter=separator):
            rows.append(row)
            if len(rows) > ROWS + 1:
                break
    except csv.Error:  # a field longer than any that one would look at
        is_whole = False
    head, *body = rows or [[]]
    shown = [[_short(value, CELL) for value in row[:COLUMNS]] for row in body[:ROWS]]
    width = max((len(row) for row in [head[:COLUMNS], *shown]), default=0)
    columns = [_short(value, CELL) for value in head[:COLUMNS]]
    return Sheet(
        columns=columns + [""] * (width - len(columns)),
        rows=[row + [""] * (width - len(row)) for row in shown],
        is_whole=is_whole and len(body) <= ROWS,
        wider_by=max(0, len(head) - COLUMNS),
    )


def document(text: str) -> Node | None:
    """Read a JSON document as nodes, never more of them than one can look at; None for what is no JSON."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _node("", value, _Budget(left=_NODES), 0)


def hexadecimal(head: bytes) -> str:
    """Write the first bytes as one looks at them: place, bytes, letters."""
    lines = []
    for start in range(0, min(len(head), _HEX_LINES * _HEX_WIDTH), _HEX_WIDTH):
        part = head[start : start + _HEX_WIDTH]
        letters = "".join(chr(byte) if 32 <= byte < 127 else "." for byte in part)  # noqa: PLR2004  (what ASCII can print)
        lines.append(f"{start:08x}  {part.hex(' '):<{3 * _HEX_WIDTH}} {letters}")
    return "\n".join(lines)


@dataclass(kw_only=True)
class _Budget:
    left: int


def _node(key: str, value: Any, budget: _Budget, depth: int) -> Node:
    budget.left -= 1
    if not isinstance(value, dict | list):
        return Node(key=key, value=_short(json.dumps(value, ensure_ascii=False), _VALUE))
    pairs = value.items() if isinstance(value, Mapping) else ((str(i), inner) for i, inner in enumerate(value))
    noun = "members" if isinstance(value, Mapping) else "items"
    children: list[Node] = []
    if depth < _DEPTH:
        for inner, found in pairs:
            if budget.left <= 0 or len(children) >= _MEMBERS:
                break
            children.append(_node(str(inner), found, budget, depth + 1))
    count = len(value)
    said = f"{count} {noun if count != 1 else noun[:-1]}"
    return Node(key=key, value=said, children=children, left_out=count - len(children))


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
