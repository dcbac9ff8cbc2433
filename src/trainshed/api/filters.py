r"""Filters of lists and queries of logs, as Cloud Logging and Google's list methods write them. Pure.

    resource.type="cloud_function" (severity>=ERROR OR textPayload:"Traceback") NOT labels.execution_id="abc"

Comparisons side by side mean AND; NOT binds tightest, then OR, then AND. A bare word is looked for in every field.
Of a `Partial` document it may be too early to tell: then the answer is None.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Any

import re2

from trainshed.clock import parse_rfc3339
from trainshed.errors import InvalidArgument

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
Predicate = Callable[[Mapping[str, Any]], bool | None]
_LONGEST, _DEEPEST = 20_000, 50
_TOKEN = re.compile(
    r"""\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(<=|>=|!=|=~|!~|[=<>:()])|(-(?=[^\s\d]))|([^\s"'=<>!:()]+))"""
)
_NUMBER = re.compile(r"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_OPERATORS = {"=", "!=", "<", "<=", ">", ">=", ":", "=~", "!~"}


class Partial(dict[str, Any]):
    """A document of which some fields are not known yet."""


class _Unknown:
    """Stands for the value of a field that is not known yet."""


_UNKNOWN = _Unknown()


def parse(text: str, *, field: str = "filter") -> Predicate:
    """Answer what tells whether a document of Google's JSON is meant. Raises InvalidArgument."""
    if len(text) > _LONGEST:
        raise InvalidArgument.field(field, f"is longer than {_LONGEST} characters")
    tokens = list(_tokens(text, field))
    if not tokens:
        return lambda _: True
    parser = _Parser(tokens, field)
    found = parser.conjunction()
    if parser.next:
        raise parser.error()
    return found


def _tokens(text: str, field: str) -> Iterator[str]:
    position, text = 0, text.rstrip()
    while position < len(text):
        if text.startswith("--", position) and (position == 0 or text[position - 1] == "\n"):
            position = (text.find("\n", position) + 1) or len(text)  # a comment
            continue
        found = _TOKEN.match(text, position)
        if found is None:
            raise InvalidArgument.field(field, f"cannot be read at {text[position : position + 20]!r}")
        yield next(group for group in found.groups() if group)
        position = found.end()


class _Parser:
    """Recursive descent over tokens; quoted text keeps its quotes until it is read."""

    def __init__(self, tokens: list[str], field: str) -> None:
        self._tokens = tokens
        self._position = 0
        self._depth = 0
        self._field = field

    @property
    def next(self) -> str:
        """The token that comes, or ""."""
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def error(self) -> InvalidArgument:
        """Say where the text stops making sense."""
        seen = " ".join(self._tokens[max(0, self._position - 3) : self._position + 1])
        return InvalidArgument.field(self._field, f'cannot be read at {seen!r}; write FIELD="VALUE" AND (…)')

    def conjunction(self) -> Predicate:
        """Read terms that all have to hold."""
        parts = [self._disjunction()]
        while self.next and self.next != ")":
            if self.next == "AND":
                self._take()
            parts.append(self._disjunction())
        return parts[0] if len(parts) == 1 else _combined(parts, decisive=False)

    def _disjunction(self) -> Predicate:
        parts = [self._term()]
        while self.next == "OR":
            self._take()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else _combined(parts, decisive=True)

    def _term(self) -> Predicate:
        if self.next in {"NOT", "-"}:
            self._enter()
            denied = self._term()
            self._depth -= 1
            return lambda document: None if (found := denied(document)) is None else not found
        if self.next == "(":
            self._enter()
            found = self.conjunction()
            self._leave()
            return found
        return self._comparison()

    def _comparison(self) -> Predicate:
        name = self._take()
        if not name or name in {")", "AND", "OR"} or name in _OPERATORS:
            self._position -= bool(name)
            raise self.error()
        while name.endswith(".") and self.next.startswith(('"', "'")):  # labels."goog-managed-by"
            name += self._take()
            if self.next.startswith("."):
                name += self._take()
        if self.next not in _OPERATORS:
            return _anywhere(_text(name))
        operator, path = self._take(), _path(name)
        if self.next != "(":
            return self._compare(path, operator)
        self._enter()
        found = self._values(path, operator)
        self._leave()
        return found

    def _values(self, path: tuple[str, ...], operator: str) -> Predicate:
        parts, all_of = [self._compare(path, operator)], True
        while self.next in {"AND", "OR"}:
            all_of = self._take() == "AND"
            parts.append(self._compare(path, operator))
        return _combined(parts, decisive=not all_of)

    def _compare(self, path: tuple[str, ...], operator: str) -> Predicate:
        value = self._take()
        if not value or value in {"(", ")"} or value in _OPERATORS:
            self._position -= bool(value)
            raise self.error()
        while self.next == ":" and not value.startswith(('"', "'")):  # an unquoted time: 2026-01-31T12:00:00Z
            value += self._take() + self._take()
        holds = _holds(path, operator, _text(value), self._field)
        return lambda document: None if (value := _look_up(document, path)) is _UNKNOWN else holds(value)

    def _take(self) -> str:
        found = self.next
        self._position += 1
        return found

    def _enter(self) -> None:
        self._take()
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidArgument.field(self._field, f"is more than {_DEEPEST} levels deep")

    def _leave(self) -> None:
        if self._take() != ")":
            self._position -= 1
            raise self.error()
        self._depth -= 1


def _combined(parts: list[Predicate], *, decisive: bool) -> Predicate:
    def holds(document: Mapping[str, Any]) -> bool | None:
        found: bool | None = not decisive
        for part in parts:
            value = part(document)
            if value is decisive:
                return decisive
            if value is None:
                found = None
        return found

    return holds


def _text(token: str) -> str:
    if token[:1] in {'"', "'"}:
        return re.sub(r"\\(.)", r"\1", token[1:-1])
    return token


def _path(name: str) -> tuple[str, ...]:
    return tuple(_text(part) for part in re.findall(r'"(?:\\.|[^"\\])*"|[^."]+', name))


def _look_up(document: Any, path: tuple[str, ...]) -> Any:
    """Answer the value at a path; a key may have dots in it, and a name may be in snake case. None when it is not there."""
    if not path:
        return document
    if isinstance(document, list):
        found = [value for item in document if (value := _look_up(item, path)) is not None]
        return found or None
    if not isinstance(document, Mapping):
        return None
    for length in range(1, len(path) + 1):
        name = ".".join(path[:length])
        for key in (name, re.sub(r"_(\w)", lambda m: m[1].upper(), name)):
            if key in document:
                return _look_up(document[key], path[length:])
    return _UNKNOWN if isinstance(document, Partial) else None


def _holds(path: tuple[str, ...], operator: str, wanted: str, field: str) -> Callable[[Any], bool]:
    if operator in {"=~", "!~"}:
        return _matches(operator, wanted, field)
    if operator == ":":
        return lambda found: found is not None and (wanted == "*" or _has(found, wanted.lower()))
    if operator in {"=", "!="}:
        same = _equals(path, wanted)
        return lambda found: same(found) == (operator == "=")
    return _ordered(path, operator, wanted)


def _matches(operator: str, wanted: str, field: str) -> Callable[[Any], bool]:
    try:
        pattern = re2.compile(wanted)
    except re2.error as error:
        raise InvalidArgument.field(field, f"{wanted!r} is not a regular expression of RE2: {error}") from error
    return lambda found: (found is not None and pattern.search(str(found)) is not None) == (operator == "=~")


def _equals(path: tuple[str, ...], wanted: str) -> Callable[[Any], bool]:
    def same(found: Any) -> bool:
        if isinstance(found, list):
            return any(map(same, found))
        if found is None:
            return path[-1] == "severity" and wanted.upper() == SEVERITIES[0]
        left, right = _comparable(path, found), _comparable(path, wanted)
        return bool(left == right) if type(left) is type(right) else str(found).lower() == wanted.lower()

    return same


def _ordered(path: tuple[str, ...], operator: str, wanted: str) -> Callable[[Any], bool]:
    def holds(found: Any) -> bool:
        if found is None and path[-1] == "severity":
            found = SEVERITIES[0]
        if found is None:
            return False
        left, right = _comparable(path, found), _comparable(path, wanted)
        if type(left) is not type(right):
            left, right = str(found), wanted
        is_less, is_equal = left < right, left == right
        return (is_equal and "=" in operator) or (is_less if operator.startswith("<") else not is_less and not is_equal)

    return holds


def _comparable(path: tuple[str, ...], value: Any) -> Any:
    """Read a severity, a time, a truth value or a number as what can be compared; else text in lower case."""
    text = str(value)
    if path[-1] == "severity" and text.upper() in SEVERITIES:
        return SEVERITIES.index(text.upper())
    if isinstance(value, bool) or text.lower() in {"true", "false"}:
        return text.lower() == "true"
    if (time := _time(text)) is not None:
        return time
    return float(text) if _NUMBER.fullmatch(text) else text.lower()


def _time(text: str) -> datetime | None:
    if not re.match(r"\d{4}-\d\d-\d\dT", text):
        return None
    try:
        return parse_rfc3339(text)
    except ValueError:
        return None


def _has(found: Any, wanted: str) -> bool:
    if isinstance(found, Mapping):
        return wanted in (str(key).lower() for key in found)
    if isinstance(found, list):
        return any(_has(item, wanted) for item in found)
    return wanted in str(found).lower()


def _anywhere(wanted: str) -> Predicate:
    low = wanted.lower()

    def found_in(value: Any) -> bool:
        if isinstance(value, Mapping):
            return any(map(found_in, value.values()))
        if isinstance(value, list):
            return any(map(found_in, value))
        return low in str(value).lower()

    return lambda document: None if isinstance(document, Partial) else found_in(document)
