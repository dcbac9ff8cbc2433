"""The filter of a build trigger: the part of the Common Expression Language that looks at an event. Pure.

Names are the substitutions in force and the roots of the payload (`body`, `push`, …). A field that is not there makes
the whole filter false rather than an error, except under `has(…)`, `!`, `&&` and `||`, which CEL defines for it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import re2

from trainshed.errors import InvalidArgument

_TOKEN = re.compile(
    r"""\s*(?:(?P<number>\d+(?:\.\d+)?)|(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')"""
    r"""|(?P<word>[A-Za-z_]\w*)|(?P<mark>&&|\|\||[=!<>]=|[-+*/%!<>?:.,()\[\]]))"""
)
_LONGEST = 4096
_DEEPEST = 40
_BINARY = (("||",), ("&&",), ("==", "!=", "<", "<=", ">", ">=", "in"), ("+", "-"), ("*", "/", "%"))  # loosest first
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
Names = Mapping[str, Any]
Node = Callable[[Names], Any]


class _Absent(Exception):
    """An event has not what the expression asks for."""


@dataclass(frozen=True)
class Expression:
    """A filter that has been read."""

    text: str
    node: Node

    def holds(self, names: Names) -> bool:
        """Tell whether the event passes; one that has not what is asked for does not."""
        try:
            return self.node(names) is True
        except (_Absent, TypeError, ValueError, ZeroDivisionError, RecursionError, re2.error):
            return False


def read(text: str) -> Expression:
    """Read a filter. Raises InvalidArgument saying where it is not understood."""
    if len(text) > _LONGEST:
        raise _refused(f"has {len(text)} characters; {_LONGEST} are allowed")
    reader = _Reader(text)
    return Expression(text, reader.whole())


class _Reader:
    def __init__(self, text: str) -> None:
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = _TOKEN.match(text, position)
            if match is None:
                raise _refused(f"{text[position : position + 20].strip()!r} is not understood")
            self._tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
            position = match.end()
        self._depth = 0

    def whole(self) -> Node:
        found = self._choice()
        if self._tokens:
            raise _refused(f"{self._tokens[0][1]!r} is not expected there")
        return found

    def _choice(self) -> Node:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise _refused(f"is nested deeper than {_DEEPEST} levels")
        condition = self._binary(0)
        if self._takes("?"):
            yes = self._choice()
            self._expect(":")
            no = self._choice()
            test = condition
            condition = lambda names: yes(names) if _flag(test(names)) else no(names)  # noqa: E731
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> Node:
        if level == len(_BINARY):
            return self._unary()
        left = self._binary(level + 1)
        while self._tokens and self._tokens[0][1] in _BINARY[level] and self._tokens[0][0] != "text":
            operator = self._tokens.pop(0)[1]
            left = _operation(operator, left, self._binary(level + 1))
        return left

    def _unary(self) -> Node:
        if self._takes("!"):
            inner = self._unary()
            return lambda names: not _flag(inner(names))
        if self._takes("-"):
            inner = self._unary()
            return lambda names: -inner(names)
        return self._member()

    def _member(self) -> Node:
        found = self._primary()
        while True:
            if self._takes("."):
                kind, name = self._next("a field")
                if kind != "word":
                    raise _refused(f"{name!r} after '.' is not a field")
                found = self._method(found, name) if self._takes("(") else _field(found, name)
            elif self._takes("["):
                key = self._choice()
                self._expect("]")
                found = _item(found, key)
            else:
                return found

    def _method(self, target: Node, name: str) -> Node:
        if name not in _METHODS:
            raise _refused(f"there is no function {name!r}; there are {', '.join(_METHODS)}")
        arguments, method = self._arguments(), _METHODS[name]
        if len(arguments) != method.arguments:
            raise _refused(f"{name} takes {method.arguments} arguments, not {len(arguments)}")
        return lambda names: method.call(target(names), *(argument(names) for argument in arguments))

    def _primary(self) -> Node:
        kind, text = self._next("a value")
        if kind == "number":
            number = float(text) if "." in text else int(text)
            return lambda _: number
        if kind == "text":
            plain = re.sub(r"\\(.)", lambda m: _ESCAPES.get(m[1], m[1]), text[1:-1])
            return lambda _: plain
        if kind == "word":
            return self._word(text)
        if text == "(":
            inner = self._choice()
            self._expect(")")
            return inner
        if text == "[":
            items = self._arguments("]")
            return lambda names: [item(names) for item in items]
        raise _refused(f"{text!r} is not expected there")

    def _word(self, name: str) -> Node:
        if name in _WORDS:
            value = _WORDS[name]
            return lambda _: value
        if name in {"has", "size", "string", "int"} and self._takes("("):
            (*_, argument) = arguments = self._arguments() or [_nothing]
            if len(arguments) != 1:
                raise _refused(f"{name} takes one argument, not {len(arguments)}")
            return _has(argument) if name == "has" else lambda names: _FUNCTIONS[name](argument(names))
        return lambda names: _get(names, name)

    def _arguments(self, closing: str = ")") -> list[Node]:
        found: list[Node] = []
        if self._takes(closing):
            return found
        found.append(self._choice())
        while self._takes(","):
            found.append(self._choice())
        self._expect(closing)
        return found

    def _takes(self, mark: str) -> bool:
        if self._tokens and self._tokens[0] == ("mark", mark):
            self._tokens.pop(0)
            return True
        return False

    def _expect(self, mark: str) -> None:
        if not self._takes(mark):
            found = repr(self._tokens[0][1]) if self._tokens else "its end"
            raise _refused(f"{mark!r} is expected where {found} is")

    def _next(self, what: str) -> tuple[str, str]:
        if not self._tokens:
            raise _refused(f"ends where {what} is expected")
        return self._tokens.pop(0)


def _operation(operator: str, left: Node, right: Node) -> Node:
    if operator in {"&&", "||"}:
        return _junction(left, right, decisive=operator == "||")
    compute = _COMPUTED[operator]
    return lambda names: compute(left(names), right(names))


def _junction(left: Node, right: Node, *, decisive: bool) -> Node:
    """CEL's rule: a side that is decisive settles it, even where the other is an error."""

    def node(names: Names) -> bool:
        sides: list[Any] = []
        for side in (left, right):
            try:
                value = _flag(side(names))
            except (_Absent, TypeError) as error:
                sides.append(error)
                continue
            if value is decisive:
                return decisive
        if sides:
            raise sides[0]
        return not decisive

    return node


def _field(target: Node, name: str) -> Node:
    return lambda names: _get(target(names), name)


def _item(target: Node, key: Node) -> Node:
    def node(names: Names) -> Any:
        found, wanted = target(names), key(names)
        if isinstance(found, list) and isinstance(wanted, int) and 0 <= wanted < len(found):
            return found[wanted]
        return _get(found, wanted)

    return node


def _get(value: Any, key: Any) -> Any:
    if isinstance(value, Mapping) and key in value:
        return value[key]
    raise _Absent(str(key))


def _has(argument: Node) -> Node:
    def node(names: Names) -> bool:
        try:
            argument(names)
        except _Absent:
            return False
        return True

    return node


def _nothing(_names: Names) -> Any:
    raise _Absent


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError(f"{value!r} is not true or false")
    return value


def _equal(left: Any, right: Any) -> bool:
    return type(left) is type(right) and left == right if isinstance(left, bool | str) else bool(left == right)


def _within(left: Any, right: Any) -> bool:
    if not isinstance(right, (list, Mapping)):
        raise TypeError
    return left in right


def _added(left: Any, right: Any) -> Any:
    if isinstance(left, str) != isinstance(right, str):
        raise TypeError
    return left + right


_COMPUTED: dict[str, Callable[[Any, Any], Any]] = {
    "==": _equal,
    "!=": lambda a, b: not _equal(a, b),
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "in": _within,
    "+": _added,
    "-": lambda a, b: a - b,
    "*": lambda a, b: _number(a) * _number(b),
    "/": lambda a, b: a // b if isinstance(a, int) and isinstance(b, int) else a / b,
    "%": lambda a, b: _number(a) % b,
}
_FUNCTIONS: dict[str, Callable[[Any], Any]] = {"size": len, "string": str, "int": int}


@dataclass(frozen=True)
class _Method:
    arguments: int
    call: Callable[..., Any]


_METHODS = {
    "startsWith": _Method(1, str.startswith),
    "endsWith": _Method(1, str.endswith),
    "contains": _Method(1, lambda text, part: part in _text(text)),
    "matches": _Method(1, lambda text, pattern: re2.search(pattern, _text(text)) is not None),
    "lowerAscii": _Method(0, str.lower),
    "upperAscii": _Method(0, str.upper),
    "size": _Method(0, len),
}


def _number(value: Any) -> Any:
    if not isinstance(value, int | float):
        raise TypeError(f"{value!r} is not a number")
    return value


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is not text")
    return value


def _refused(sentence: str) -> InvalidArgument:
    return InvalidArgument.field("filter", sentence, reason="FILTER_INVALID")
