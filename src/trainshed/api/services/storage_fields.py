"""Partial answers: `fields=items(name,size),nextPageToken` keeps only that of a document. Pure."""

import re
from dataclasses import dataclass, field
from typing import Any

from trainshed.errors import InvalidArgument

_TOKEN = re.compile(r"\s*([^,/()\s]+|[,/()])\s*")
_MOST_CHARACTERS = 10_000
_DEEPEST = 50


@dataclass
class Mask:
    """What is kept below one point of a document; `everything` when nothing is named there."""

    below: dict[str, "Mask"] = field(default_factory=dict)
    everything: bool = False

    def apply(self, value: Any) -> Any:
        """Answer what the mask keeps of a value; lists are looked through."""
        if self.everything or not isinstance(value, dict | list):
            return value
        if isinstance(value, list):
            return [self.apply(entry) for entry in value]
        star = self.below.get("*")
        kept = {name: self.below.get(name) or star for name in value}
        return {name: mask.apply(value[name]) for name, mask in kept.items() if mask is not None}


def select(document: dict[str, Any], text: str) -> dict[str, Any]:
    """Answer what `fields` keeps of a document. Raises InvalidArgument."""
    if not text:
        return document
    kept: dict[str, Any] = read(text).apply(document)
    return kept


def read(text: str) -> Mask:
    """Read a mask. Raises InvalidArgument."""
    if len(text) > _MOST_CHARACTERS or text.count("(") + text.count("/") > _DEEPEST * 10:
        raise InvalidArgument.field("fields", "is too long.")
    tokens = _TOKEN.findall(text)
    root = Mask()
    left = _read_list(tokens, 0, root, 0)
    if left != len(tokens) or "".join(tokens) != re.sub(r"\s", "", text):
        raise _broken(text)
    return root


def _read_list(tokens: list[str], at: int, mask: Mask, depth: int) -> int:
    while True:
        at = _read_path(tokens, at, mask, depth)
        if at >= len(tokens) or tokens[at] != ",":
            return at
        at += 1


def _read_path(tokens: list[str], at: int, mask: Mask, depth: int) -> int:
    if at >= len(tokens) or tokens[at] in {",", "/", "(", ")"} or depth > _DEEPEST:
        raise _broken("".join(tokens))
    found = mask.below.setdefault(tokens[at], Mask())
    at += 1
    if at < len(tokens) and tokens[at] == "/":
        return _read_path(tokens, at + 1, found, depth + 1)
    if at < len(tokens) and tokens[at] == "(":
        at = _read_list(tokens, at + 1, found, depth + 1)
        if at >= len(tokens) or tokens[at] != ")":
            raise _broken("".join(tokens))
        return at + 1
    found.everything = True
    return at


def _broken(text: str) -> InvalidArgument:
    return InvalidArgument.field("fields", f"{text[:100]!r} is not a list of fields like 'items(name,size),kind'.")
