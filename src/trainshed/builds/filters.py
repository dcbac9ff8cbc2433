"""The filter of ListBuilds: `status="WORKING" AND (tags="nightly" OR create_time>"2026-01-01T00:00:00Z")`. Pure.

As in Google's filters, AND may be left out, OR binds tighter than AND, and NOT and `-` negate a term. A list matches when one of its items does.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainshed.clock import parse_rfc3339
from trainshed.errors import InvalidArgument

_TEXT = r"""(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
_TOKEN = re.compile(rf"""\s*(?:{_TEXT}|(?P<mark>[()]|!=|<=|>=|[=<>:])|(?P<word>[^\s()=<>:!"']+))""")
_VALUE = re.compile(rf"""\s*(?:{_TEXT}|(?P<word>[^\s()"']+))""")  # what follows an operator: times hold colons
_WORD = re.compile(r"-?[A-Za-z_][\w.-]*")
_TIMES = ("create_time", "start_time", "finish_time")
_ROOTS = (
    *("status", "id", "build_id", "trigger_id", "build_trigger_id", "project_id", "tags", "images", "substitutions"),
    *("source", "source_provenance", "options", "results", "service_account", "name", "logs_bucket", *_TIMES),
)
_OPERATORS = ("!=", "<=", ">=", "=", "<", ">", ":")
_DEEPEST = 20
_LONGEST = 8192
Facts = Mapping[str, Any]  # what is known of a build, by the filter's names; nested values in camel case


@dataclass(frozen=True)
class Term:
    """One comparison."""

    path: tuple[str, ...]
    operator: str
    value: str

    def matches(self, facts: Facts) -> bool:
        """Tell whether it holds."""
        found = list(_values(facts, self.path))
        if self.operator == "!=":
            return not any(self._compare(value, "=") for value in found)
        return any(self._compare(value, self.operator) for value in found)

    def _compare(self, value: Any, operator: str) -> bool:
        if isinstance(value, datetime):
            return _ordered(value, operator, parse_rfc3339(self.value))
        text = str(value).lower() if isinstance(value, bool) else str(value)
        if operator == ":":
            return self.value.lower() in text.lower() or self.value == "*"
        if operator == "=":
            return text == self.value
        return _ordered(text, operator, self.value)


@dataclass(frozen=True)
class Every:
    """AND."""

    parts: tuple["Filter", ...]

    def matches(self, facts: Facts) -> bool:
        """Tell whether all hold."""
        return all(part.matches(facts) for part in self.parts)


@dataclass(frozen=True)
class Some:
    """OR."""

    parts: tuple["Filter", ...]

    def matches(self, facts: Facts) -> bool:
        """Tell whether one holds."""
        return any(part.matches(facts) for part in self.parts)


@dataclass(frozen=True)
class Not:
    """NOT."""

    part: "Filter"

    def matches(self, facts: Facts) -> bool:
        """Tell whether it does not hold."""
        return not self.part.matches(facts)


Filter = Term | Every | Some | Not


def read(text: str, *, states: Sequence[str]) -> Filter:
    """Read a filter; an empty one holds for everything. Raises InvalidArgument saying what is not understood."""
    if len(text) > _LONGEST:
        raise _refused(f"has {len(text)} characters; {_LONGEST} are allowed")
    reader = _Reader(list(_tokens(text)), states)
    return reader.whole() if text.strip() else Every(())


def states_of(wanted: Filter) -> frozenset[str] | None:
    """Answer the only states that can match, for the store to look for; None: any."""
    match wanted:
        case Term(path=("status",), operator="=", value=value):
            return frozenset({value})
        case Some(parts=parts) if parts:
            found = [states_of(part) for part in parts]
            return None if None in found else frozenset().union(*[f for f in found if f is not None])
        case Every(parts=parts):
            known = [f for f in map(states_of, parts) if f is not None]
            return frozenset.intersection(*known) if known else None
    return None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position, end, kind, token = 0, len(text.rstrip()), "", ""
    while position < end:
        pattern = _VALUE if kind == "mark" and token in _OPERATORS else _TOKEN
        match = pattern.match(text, position)
        if match is None:
            raise _refused(f"{text[position : position + 30].strip()!r} is not understood")
        kind = str(match.lastgroup)
        token = _unquoted(match[kind]) if kind == "text" else match[kind]
        yield kind, token
        position = match.end()


def _unquoted(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text[1:-1])


class _Reader:
    def __init__(self, tokens: list[tuple[str, str]], states: Sequence[str]) -> None:
        self._tokens = tokens
        self._states = states
        self._depth = 0

    def whole(self) -> Filter:
        found = self._every()
        if self._tokens:
            raise _refused(f"{self._tokens[0][1]!r} is not expected there")
        return found

    def _every(self) -> Filter:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _refused(f"is nested deeper than {_DEEPEST} levels")
        parts = [self._some()]
        while self._takes("AND") or (self._tokens and self._tokens[0] != ("mark", ")")):
            parts.append(self._some())
        self._depth -= 1
        return parts[0] if len(parts) == 1 else Every(tuple(parts))

    def _some(self) -> Filter:
        parts = [self._part()]
        while self._takes("OR"):
            parts.append(self._part())
        return parts[0] if len(parts) == 1 else Some(tuple(parts))

    def _part(self) -> Filter:
        if self._takes("NOT"):
            return Not(self._part())
        kind, text = self._next("a field")
        if (kind, text) == ("mark", "("):
            found = self._every()
            if self._next("')'") != ("mark", ")"):
                raise _refused("a '(' is not closed")
            return found
        if kind != "word" or not _WORD.fullmatch(text):
            raise _refused(f'{text!r} is not a field; write status="WORKING", joined by AND, OR')
        term = self._term(text.removeprefix("-"))
        return Not(term) if text.startswith("-") else term

    def _term(self, field: str) -> Term:
        kind, operator = self._next("an operator")
        if kind != "mark" or operator not in _OPERATORS:
            raise _refused(f"{operator!r} after {field!r} is not one of {' '.join(_OPERATORS)}")
        kind, value = self._next("a value")
        if kind == "mark":
            raise _refused(f"{value!r} after {field}{operator} is not a value; put it in quotes")
        head, *rest = field.split(".")
        path = (_snake(head), *rest)
        self._check(path, operator, value)
        return Term(path, operator, value)

    def _check(self, path: tuple[str, ...], operator: str, value: str) -> None:
        if path[0] not in _ROOTS:
            raise _refused(f"{'.'.join(path)!r} is not a field of a build; there are {', '.join(_ROOTS)}")
        if path[0] in _TIMES:
            try:
                parse_rfc3339(value)
            except ValueError:
                raise _refused(f"{value!r} is not a time; write 2026-01-31T08:00:00Z") from None
        if path[0] == "status" and operator in {"=", "!="} and value not in self._states:
            raise _refused(f"{value!r} is not a status: {', '.join(self._states)}")

    def _takes(self, word: str) -> bool:
        if self._tokens and self._tokens[0] == ("word", word):
            self._tokens.pop(0)
            return True
        return False

    def _next(self, what: str) -> tuple[str, str]:
        if not self._tokens:
            raise _refused(f"ends where {what} is expected")
        return self._tokens.pop(0)


def _values(value: Any, path: Sequence[str]) -> Iterator[Any]:
    if isinstance(value, (list, tuple)):
        for item in value:
            yield from _values(item, path)
    elif not path:
        if value is not None:
            yield value
    elif isinstance(value, Mapping):
        head = path[0]
        for key in dict.fromkeys((head, _camel(head))):
            if key in value:
                yield from _values(value[key], path[1:])


def _ordered(left: Any, operator: str, right: Any) -> bool:
    compare: dict[str, Callable[[], bool]] = {
        "=": lambda: bool(left == right),
        ":": lambda: bool(left == right),
        "<": lambda: bool(left < right),
        "<=": lambda: bool(left <= right),
        ">": lambda: bool(left > right),
        ">=": lambda: bool(left >= right),
    }
    return compare[operator]()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: f"_{m[1].lower()}", name)


def _camel(name: str) -> str:
    return re.sub(r"_([a-z])", lambda m: m[1].upper(), name)


def _refused(sentence: str) -> InvalidArgument:
    return InvalidArgument.field("filter", sentence, reason="FILTER_INVALID")
