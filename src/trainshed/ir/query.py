"""Filters of resolvers: which artifacts that exist already a task wants, in the grammar of Vertex ML Metadata.

That is AIP-160 over an artifact's attributes (`schema_title="tfx.Model" AND state=LIVE`), its metadata
(`metadata.blessed.number_value=1`) and its contexts (`in_context("…")`). OR binds closer than AND.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_ATTRIBUTES = ("name", "display_name", "uri", "state", "schema_title", "artifact_type", "create_time", "update_time")
_KINDS: Mapping[str, type | tuple[type, ...]] = {
    "string_value": str,
    "number_value": (int, float),
    "bool_value": bool,
}
_ORDERS = {
    "=": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_DEPTH = 20
_QUOTED = r'"(?:\{\{.*?\}\}|\\.|[^"\\])*"|' + r"'(?:\{\{.*?\}\}|\\.|[^'\\])*'"  # a placeholder may hold quotes
_SPACE = re.compile(r"\s*")
_WORD = re.compile(r"(AND|OR|NOT)(?![\w.\-])")
_PATH = re.compile(rf"(?:[A-Za-z_][\w-]*|{_QUOTED})(?:\.(?:[\w-]+|{_QUOTED}))*", re.DOTALL)
_PART = re.compile(rf"{_QUOTED}|[\w-]+", re.DOTALL)
_OPERATOR = re.compile(r"!=|<=|>=|=|<|>")
_VALUE = re.compile(rf"{_QUOTED}|[^\s()\"']+", re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One attribute against one value, which is text until the attribute's kind is known."""

    path: tuple[str, ...]
    operator: str
    value: str


@dataclass(frozen=True, kw_only=True)
class Every:
    """All of them hold; none of them: everything matches."""

    parts: "tuple[Query, ...]"


@dataclass(frozen=True, kw_only=True)
class Either:
    """One of them holds."""

    parts: "tuple[Query, ...]"


@dataclass(frozen=True, kw_only=True)
class Opposite:
    """It does not hold."""

    part: "Query"


Query = Comparison | Every | Either | Opposite


def parse(text: str) -> Query:
    """Read a filter. Raises ValueError with the reason."""
    reader = _Reader(text)
    query = reader.every(0)
    reader.end()
    return query


def filled(query: Query, fill: Callable[[str], str]) -> Query:
    """Fill in the placeholders of every value."""
    match query:
        case Comparison(path=path, operator=sign, value=value):
            return Comparison(path=path, operator=sign, value=fill(value))
        case Every(parts=parts):
            return Every(parts=tuple(filled(part, fill) for part in parts))
        case Either(parts=parts):
            return Either(parts=tuple(filled(part, fill) for part in parts))
        case Opposite(part=part):
            return Opposite(part=filled(part, fill))


def names_contexts(query: Query) -> bool:
    """Whether a filter says itself in which contexts to look."""
    match query:
        case Comparison(path=path):
            return path[0] == "contexts"
        case Every(parts=parts) | Either(parts=parts):
            return any(names_contexts(part) for part in parts)
        case Opposite(part=part):
            return names_contexts(part)


def wanted_title(query: Query) -> str:
    """Answer the schema title that everything that matches has; empty when the filter does not say."""
    match query:
        case Comparison(path=("schema_title" | "artifact_type",), operator="=", value=value):
            return value
        case Every(parts=parts):
            return next((title for part in parts if (title := wanted_title(part))), "")
        case _:
            return ""


def matches(query: Query, artifact: Mapping[str, Any]) -> bool:
    """Whether an artifact, as a mapping of attributes, is wanted; what it does not have matches nothing."""
    match query:
        case Comparison():
            return _compare(query, artifact)
        case Every(parts=parts):
            return all(matches(part, artifact) for part in parts)
        case Either(parts=parts):
            return any(matches(part, artifact) for part in parts)
        case Opposite(part=part):
            return not matches(part, artifact)


class _Reader:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def every(self, depth: int) -> Query:
        if depth > _DEPTH:
            raise ValueError(f"is nested more than {_DEPTH} deep")
        parts = [] if self._is_at_end() else [self._either(depth)]
        while self._take_word("AND"):
            parts.append(self._either(depth))
        return parts[0] if len(parts) == 1 else Every(parts=tuple(parts))

    def end(self) -> None:
        if not self._is_at_end():
            raise ValueError(f"AND or OR is missing before {self._rest()}")

    def _either(self, depth: int) -> Query:
        parts = [self._term(depth)]
        while self._take_word("OR"):
            parts.append(self._term(depth))
        return parts[0] if len(parts) == 1 else Either(parts=tuple(parts))

    def _term(self, depth: int) -> Query:
        if self._take_word("NOT"):
            return Opposite(part=self._factor(depth))
        return self._factor(depth)

    def _factor(self, depth: int) -> Query:
        if self._take_sign("("):
            inside = self.every(depth + 1)
            self._expect(")")
            return inside
        path = self._path()
        if path == ("in_context",):
            self._expect("(")
            value = _unquoted(self._take(_VALUE, "a context's name"))
            self._expect(")")
            return Comparison(path=("contexts", "name"), operator="=", value=value)
        sign = self._take(_OPERATOR, "a comparison (= != < <= > >=)")
        found = Comparison(path=path, operator=sign, value=_unquoted(self._take(_VALUE, "a value")))
        _check(found)
        return found

    def _path(self) -> tuple[str, ...]:
        return tuple(_unquoted(part) for part in _PART.findall(self._take(_PATH, "an attribute")))

    def _take(self, pattern: re.Pattern[str], what: str) -> str:
        self._skip()
        found = pattern.match(self._text, self._at)
        if found is None:
            raise ValueError(f"{what} is missing before {self._rest()}")
        self._at = found.end()
        return found[0]

    def _take_word(self, word: str) -> bool:
        self._skip()
        found = _WORD.match(self._text, self._at)
        if found is None or found[1] != word:
            return False
        self._at = found.end()
        return True

    def _take_sign(self, sign: str) -> bool:
        self._skip()
        is_there = self._text.startswith(sign, self._at)
        self._at += len(sign) if is_there else 0
        return is_there

    def _expect(self, sign: str) -> None:
        if not self._take_sign(sign):
            raise ValueError(f"{sign!r} is missing before {self._rest()}")

    def _skip(self) -> None:
        found = _SPACE.match(self._text, self._at)
        assert found is not None
        self._at = found.end()

    def _is_at_end(self) -> bool:
        self._skip()
        return self._at >= len(self._text)

    def _rest(self) -> str:
        return repr(self._text[self._at : self._at + 40]) if self._at < len(self._text) else "its end"


def _check(comparison: Comparison) -> None:
    path = comparison.path
    if path in (("contexts", "name"), *((name,) for name in _ATTRIBUTES)):
        return
    if path[0] == "metadata" and len(path) == 2:  # noqa: PLR2004  (metadata.FIELD)
        return
    if path[0] == "metadata" and len(path) == 3 and path[2] in _KINDS:  # noqa: PLR2004  (metadata.FIELD.KIND)
        return
    known = ", ".join(_ATTRIBUTES)
    raise ValueError(
        f"asks for {'.'.join(path)!r}; artifacts are found by {known}, metadata.FIELD.({'|'.join(_KINDS)}) "
        'and in_context("NAME")'
    )


def _unquoted(text: str) -> str:
    if text[:1] in {'"', "'"}:
        return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)
    return text


def _compare(comparison: Comparison, artifact: Mapping[str, Any]) -> bool:
    path, wanted = comparison.path, comparison.value
    if path[0] == "contexts":
        is_in = any(_is_named(name, wanted) for name in artifact.get("contexts", ()))
        return is_in == (comparison.operator == "=")
    if path[0] == "metadata":
        return _ordered(_of_metadata(artifact.get("metadata", {}), path), comparison.operator, wanted)
    found = artifact.get(path[0])
    if path[0] == "name" and found is not None and comparison.operator in {"=", "!="}:
        return _is_named(found, wanted) == (comparison.operator == "=")
    return _ordered(found, comparison.operator, wanted)


def _is_named(name: str, wanted: str) -> bool:
    """Compare resource names, of which the last part is enough."""
    return bool(wanted) and wanted in {name, name.rpartition("/")[2]}


def _of_metadata(metadata: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    found = metadata.get(path[1])
    if len(path) == 2:  # noqa: PLR2004
        return found
    is_kind = isinstance(found, _KINDS[path[2]]) and isinstance(found, bool) == (path[2] == "bool_value")
    return found if is_kind else None


def _ordered(found: Any, sign: str, text: str) -> bool:
    wanted = _as_kind(text, found)
    if found is None or wanted is None:
        return False
    return bool(_ORDERS[sign](found, wanted))


def _as_kind(text: str, found: Any) -> Any:
    """Read a value as the kind of thing that it is compared with; None when it is no such thing."""
    try:
        if isinstance(found, bool):
            return {"true": True, "false": False}.get(text.lower())
        if isinstance(found, (int, float)):
            return float(text)
        if isinstance(found, datetime):
            wanted = datetime.fromisoformat(text)
            return wanted if wanted.tzinfo else wanted.replace(tzinfo=UTC)
    except ValueError:
        return None
    return text if isinstance(found, str) else None
