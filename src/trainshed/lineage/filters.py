"""Filters of lists, as Google's clients write them (AIP-160 as far as ML Metadata documents it). Pure.

    schema_title = "system.Model" AND (display_name = "best*" OR metadata.accuracy.number_value > 0.9)
    in_context("projects/p/locations/r/metadataStores/default/contexts/c") AND create_time >= "2026-01-31T12:00:00Z"

OR binds tighter than AND, as AIP-160 has it.
"""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainshed.clock import parse_rfc3339
from trainshed.errors import InvalidArgument

_DEEPEST = 5  # nested expressions, as documented
_TOKEN = re.compile(r"""\s*(?:("(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(<=|>=|!=|[=<>:(),.])|([^\s"'=<>!:(),.]+))""")
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_TYPED: dict[str, type | tuple[type, ...]] = {  # how a path says what a value is
    "number_value": (int, float),
    "string_value": str,
    "bool_value": bool,
    "struct_value": Mapping,
    "fields": Mapping,
}
_RELATIONS = ("parent_contexts", "child_contexts")
_FUNCTION = "in_context"
_MAPS = {"metadata", "labels"}  # their keys are asked for, except whether there is one (labels:key)
_EXAMPLE = 'schema_title="system.Model" AND in_context("…")'


@dataclass(frozen=True, kw_only=True)
class Compare:
    """A field against a value."""

    path: tuple[str, ...]
    operator: str
    value: str

    @property
    def is_exact(self) -> bool:
        """Whether it asks for equality with a text that has no wildcard."""
        return self.operator == "=" and len(self.path) == 1 and "*" not in self.value


@dataclass(frozen=True, kw_only=True)
class Related:
    """Membership in a context, or a relation between contexts."""

    relation: str  # in_context, parent_contexts, child_contexts
    context: str


@dataclass(frozen=True, kw_only=True)
class All:
    """Every part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True)
class Any_:  # noqa: N801  (`Any` is typing's)
    """At least one part holds."""

    parts: "tuple[Condition, ...]"


@dataclass(frozen=True, kw_only=True)
class Not:
    """The part does not hold."""

    part: "Condition"


Condition = Compare | Related | All | Any_ | Not
Facts = Mapping[str, Any]  # name, display_name, uri, state, schema_title, create_time, update_time, metadata
IsRelated = Callable[[Related], bool]


def parse(text: str, fields: frozenset[str], *, example: str = _EXAMPLE) -> Condition | None:
    """Read a filter over these fields; None for an empty one. Raises InvalidArgument."""
    if not text.strip():
        return None
    return _Parser(text, fields, example).whole()


def holds(condition: Condition, facts: Facts, is_related: IsRelated) -> bool:
    """Whether a record is among those asked for."""
    match condition:
        case All(parts=parts):
            return all(holds(part, facts, is_related) for part in parts)
        case Any_(parts=parts):
            return any(holds(part, facts, is_related) for part in parts)
        case Not(part=part):
            return not holds(part, facts, is_related)
        case Related():
            return is_related(condition)
        case Compare():
            return _compare(condition, facts)


def conjuncts(condition: Condition | None) -> tuple[Condition, ...]:
    """Answer what has to hold in any case."""
    if condition is None:
        return ()
    return condition.parts if isinstance(condition, All) else (condition,)


def relations(condition: Condition | None) -> set[Related]:
    """Answer every relation that a filter asks about."""
    match condition:
        case All(parts=parts) | Any_(parts=parts):
            return {found for part in parts for found in relations(part)}
        case Not(part=part):
            return relations(part)
        case Related():
            return {condition}
        case _:
            return set()


def _compare(condition: Compare, facts: Facts) -> bool:
    found: Any = facts.get(condition.path[0])
    for key in condition.path[1:]:
        if key in _TYPED and not (isinstance(found, Mapping) and key in found):
            is_bool = isinstance(found, bool) and key == "number_value"
            found = found if isinstance(found, _TYPED[key]) and not is_bool else None
        else:
            found = found.get(key) if isinstance(found, Mapping) else None
    if found is None:
        return condition.operator == "!="
    if isinstance(found, Mapping) and condition.operator == ":":
        return condition.value in found
    wanted = _like(found, condition)
    if condition.operator in _ORDERED:
        return wanted is not None and _ORDERED[condition.operator](found, wanted)
    is_equal = _matches(found, wanted) if isinstance(found, str) else found == wanted
    return is_equal != (condition.operator == "!=")


def _like(found: Any, condition: Compare) -> Any:
    """Read the value as what the field holds. Raises InvalidArgument for a time that is none."""
    text = condition.value
    try:
        if isinstance(found, datetime):
            return parse_rfc3339(text)
        if isinstance(found, bool):
            return {"true": True, "false": False}.get(text.lower())
        if isinstance(found, (int, float)):
            return float(text)
    except ValueError as error:
        if isinstance(found, datetime):
            field = ".".join(condition.path)
            raise InvalidArgument.field(
                "filter", f"{field}: {text!r} is not a time like 2026-01-31T12:00:00Z"
            ) from error
        return None
    return text if isinstance(found, str) else None


def _matches(found: str, wanted: str | None) -> bool:
    if wanted is None or "*" not in wanted:
        return found == wanted
    return re.fullmatch(".*".join(map(re.escape, wanted.split("*"))), found, re.DOTALL) is not None


class _Parser:
    """Recursive descent over the tokens of one filter."""

    def __init__(self, text: str, fields: frozenset[str], example: str) -> None:
        self._text = text
        self._example = example
        self._fields = fields
        self._tokens = self._split(text)
        self._position = 0
        self._depth = 0

    def whole(self) -> Condition:
        found = self._expression()
        if self._position < len(self._tokens):
            raise self._wrong(f"{self._tokens[self._position]!r} is not expected there")
        return found

    def _split(self, text: str) -> list[str]:
        tokens, position = [], 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self._wrong(f"cannot be read from {text[position:].strip()[:20]!r} on")
            tokens.append(match[1] or match[2] or match[3])
            position = match.end()
        return tokens

    def _wrong(self, what: str) -> InvalidArgument:
        form = f"write FIELD = VALUE joined by AND and OR, as in {self._example}"
        return InvalidArgument.field("filter", f"{what}; {form}")

    def _peek(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _next(self) -> str:
        token = self._peek()
        if not token:
            raise self._wrong("ends too early")
        self._position += 1
        return token

    def _expect(self, wanted: str) -> None:
        if (found := self._next()) != wanted:
            raise self._wrong(f"has {found!r} where {wanted!r} is expected")

    def _expression(self) -> Condition:
        parts = [self._factor()]
        while self._peek() not in {"", ")"}:
            if self._peek() == "AND":
                self._next()
            parts.append(self._factor())
        return parts[0] if len(parts) == 1 else All(parts=tuple(parts))

    def _factor(self) -> Condition:
        parts = [self._term()]
        while self._peek() == "OR":
            self._next()
            parts.append(self._term())
        return parts[0] if len(parts) == 1 else Any_(parts=tuple(parts))

    def _term(self) -> Condition:
        if self._peek() == "NOT":
            self._next()
            return Not(part=self._simple())
        return self._simple()

    def _simple(self) -> Condition:
        word = self._next()
        if word == "(":
            self._depth += 1
            if self._depth > _DEEPEST:
                raise self._wrong(f"is nested deeper than {_DEEPEST}")
            found = self._expression()
            self._expect(")")
            self._depth -= 1
            return found
        if word == _FUNCTION:
            self._expect("(")
            related = Related(relation=_FUNCTION, context=self._value())
            self._expect(")")
            return self._known(related)
        return self._comparison(word)

    def _comparison(self, first: str) -> Condition:
        path = [snake(_unquoted(first))]
        while self._peek() == ".":
            self._next()
            path.append(_unquoted(self._next()))
        sign = self._next()
        if path[0] in _RELATIONS and sign == ":":
            found = [self._known(Related(relation=path[0], context=self._value()))]
            while self._peek() == ",":
                self._next()
                found.append(self._known(Related(relation=path[0], context=self._value())))
            return found[0] if len(found) == 1 else All(parts=tuple(found))
        if path[0] not in self._fields or ((path[0] in _MAPS) != (len(path) > 1) and sign != ":"):
            raise self._wrong(f"{'.'.join(path)!r} is not a field of these; {', '.join(sorted(self._fields))} are")
        if sign not in {"=", "!=", ":", *_ORDERED}:
            raise self._wrong(f"has {sign!r} where =, !=, :, <, <=, > or >= is expected")
        return Compare(path=tuple(path), operator=sign, value=self._value())

    def _known(self, related: Related) -> Related:
        if related.relation not in self._fields:
            raise self._wrong(f"{related.relation!r} does not apply to these; {', '.join(sorted(self._fields))} do")
        return related

    def _value(self) -> str:
        """Read a value; a number's point and a bare word's dots are tokens of their own."""
        text = self._next()
        if text[0] in "\"'":
            return _unquoted(text)
        while self._peek() == ".":
            text += self._next() + self._next()
        if text in "=<>:(),.":
            raise self._wrong(f"has {text!r} where a value is expected")
        return text


def snake(name: str) -> str:
    """Answer a field's name in snake case; Google's clients may write it in camel case as well."""
    return "".join(f"_{c.lower()}" if c.isupper() else c for c in name)


def _unquoted(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1]) if token[0] in "\"'" else token
