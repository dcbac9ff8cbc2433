"""The filter language of subscriptions: which messages a subscription wants, by their attributes. Pure.

    attributes:KEY                      the message has that attribute
    attributes.KEY = "V"   != "V"       what it says; `!=` is also true of a message without the attribute
    hasPrefix(attributes.KEY, "V")      how it begins
    NOT term   -term   (…)   a AND b AND c   a OR b OR c

A key of other characters than letters, digits, `_` and `-` is written in quotes. AND and OR are mixed by parentheses
only.
"""

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

from trainshed.errors import InvalidArgument

Predicate = Callable[[Mapping[str, str]], bool]

_MOST_BYTES = 256
_TOKEN = re.compile(
    r"""\s*(?:(?P<word>[A-Za-z0-9_][A-Za-z0-9_-]*)|(?P<text>"(?:[^"\\]|\\.)*")|(?P<sign>!=|[=:.,()-]))"""
)
_ESCAPE = re.compile(r"\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|([0-7]{1,3})|(.))", re.DOTALL)
_LETTERS = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_LAST_CHARACTER = 0x10FFFF


@lru_cache(maxsize=1024)
def compiled(text: str) -> Predicate:
    """Answer the predicate that a filter describes. Raises InvalidArgument with the place of the fault."""
    if len(text.encode()) > _MOST_BYTES:
        raise InvalidArgument.field("filter", f"is longer than {_MOST_BYTES} bytes; make it shorter")
    return _Parser(text).parse()


class _Parser:
    """Reads one filter from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._place = 0
        self._kind, self._word = "", ""
        self._advance()

    def parse(self) -> Predicate:
        """Read all of it."""
        found = self._expression()
        if self._kind:
            self._fail("AND, OR or the end")
        return found

    def _expression(self) -> Predicate:
        terms = [self._term()]
        joint = self._word
        while self._kind == "word" and self._word in {"AND", "OR"}:
            if self._word != joint:
                self._fail("parentheses around what belongs together: AND and OR are mixed")
            self._advance()
            terms.append(self._term())
        if len(terms) == 1:
            return terms[0]
        return _every(terms) if joint == "AND" else _some(terms)

    def _term(self) -> Predicate:
        is_negated = False
        while self._word == "-" or (self._kind == "word" and self._word == "NOT"):
            is_negated = not is_negated
            self._advance()
        found = self._comparison()
        return _negated(found) if is_negated else found

    def _comparison(self) -> Predicate:
        if self._word == "(":
            self._advance()
            inner = self._expression()
            self._expect(")")
            return inner
        if self._word == "hasPrefix":
            return self._prefix()
        self._expect("attributes")
        if self._word == ":":
            self._advance()
            return _present(self._key())
        self._expect(".")
        key = self._key()
        sign = self._word
        if sign not in {"=", "!="}:
            self._fail("= or !=")
        self._advance()
        found = _equal(key, self._literal())
        return found if sign == "=" else _negated(found)

    def _prefix(self) -> Predicate:
        self._advance()
        self._expect("(")
        self._expect("attributes")
        self._expect(".")
        key = self._key()
        self._expect(",")
        prefix = self._literal()
        self._expect(")")
        return _begins(key, prefix)

    def _key(self) -> str:
        if self._kind == "text":
            return self._literal()
        if self._kind != "word":
            self._fail("the key of an attribute")
        key = self._word
        self._advance()
        return key

    def _literal(self) -> str:
        if self._kind != "text":
            self._fail('a text in double quotes, like "v"')
        found = _ESCAPE.sub(_unescaped, self._word[1:-1])
        self._advance()
        return found

    def _expect(self, token: str) -> None:
        if self._word != token or self._kind == "text":
            self._fail(repr(token))
        self._advance()

    def _advance(self) -> None:
        rest = self._text[self._place :]
        if not rest.strip():
            self._kind, self._word = "", ""
            return
        found = _TOKEN.match(rest)
        if found is None:
            self._kind, self._word = "sign", rest.lstrip()[:1]
            self._fail("something of the filter language")
        else:
            assert found.lastgroup is not None
            self._kind, self._word = found.lastgroup, found[found.lastgroup]
            self._place += found.end()

    def _fail(self, wanted: str) -> None:
        met = f"at {self._word!r}" if self._kind else "at its end"
        raise InvalidArgument.field("filter", f"{self._text!r} wants {wanted} {met}", reason="FILTER_SYNTAX")


def _unescaped(found: re.Match[str]) -> str:
    hexadecimal = found[1] or found[2] or found[3]
    if hexadecimal or found[4]:
        number = int(hexadecimal, 16) if hexadecimal else int(found[4], 8)
        if number > _LAST_CHARACTER:
            raise InvalidArgument.field("filter", f"{found[0]!r} is no character", reason="FILTER_SYNTAX")
        return chr(number)
    return _LETTERS.get(found[5], found[5])


def _every(terms: list[Predicate]) -> Predicate:
    return lambda attributes: all(term(attributes) for term in terms)


def _some(terms: list[Predicate]) -> Predicate:
    return lambda attributes: any(term(attributes) for term in terms)


def _negated(term: Predicate) -> Predicate:
    return lambda attributes: not term(attributes)


def _present(key: str) -> Predicate:
    return lambda attributes: key in attributes


def _equal(key: str, value: str) -> Predicate:
    return lambda attributes: attributes.get(key) == value


def _begins(key: str, prefix: str) -> Predicate:
    return lambda attributes: key in attributes and attributes[key].startswith(prefix)
