"""Text to plain data: JSON, or YAML as PyYAML reads it, built from libyaml's events.

The events are built into data here because PyYAML's own constructors take six times as long, and because reading can
then stop at once where a document is too deep or too large; an alias counts as often as it is used. What is wrong with
the data is left in it (a key given twice, a number too long) for `measure` to name with its path.
"""

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from itertools import islice
from typing import Any

import yaml

from trainshed.errors import Finding, InvalidArgument
from trainshed.ir.findings import Findings, Trail, path_of

DEPTH = 100
DOCUMENTS = 2  # a spec, and a platform spec after `---`
VALUES = 250_000  # in a document; ten thousand tasks have about 170,000
_SAFE_INTEGER = 2**53
_LONG_NUMBER = 400  # characters; the longest double has about 330
_SHORT_NUMBER = 16
_JSON_TEXT = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)
_JSON_EMPTY = re.compile(r"\[\s*\]|\{\s*\}")
_UNWRITABLE = re.compile("[\x00\ud800-\udfff]")
_PREFIX = "tag:yaml.org,2002:"
_COLLECTIONS = {None, "!", f"{_PREFIX}map", f"{_PREFIX}seq"}
_MERGE = "<<"


class Twice(dict[Any, Any]):
    """A mapping in whose text some keys were given more than once; the last one is kept."""

    def __init__(self, entries: Mapping[Any, Any], twice: tuple[str, ...]) -> None:
        super().__init__(entries)
        self.twice = twice


class TooLong:
    """A number with more digits than any number here can hold."""

    def __init__(self, text: str) -> None:
        self.text = text


class OddKey:
    """A list or a mapping where a key belongs."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __str__(self) -> str:
        """Say what it is."""
        return _kind(self._value)


def parse(text: str) -> list[Any]:
    """Read the documents of a text. Raises InvalidArgument where it is neither JSON nor YAML, or too large."""
    if text.lstrip()[:1] == "{":
        return [parse_json(text)]
    try:
        return _few(document for document in _Builder(text).documents() if document is not None)
    except RecursionError as error:
        raise _too_deep() from error
    except yaml.YAMLError as error:
        raise refusal(f"not YAML: {_one_line(error)}; a spec is what `trainshed pipelines compile` writes") from error


def parse_json(text: str) -> Any:
    """Read one JSON value. Raises InvalidArgument where it is none, or too large."""
    try:
        return _json(text)
    except RecursionError as error:
        raise _too_deep() from error
    except json.JSONDecodeError as error:
        raise refusal(f"not JSON: {error}") from error


def _few(documents: Iterator[Any]) -> list[Any]:
    """Read no further than it takes to know that there are too many."""
    found = list(islice(documents, DOCUMENTS + 1))
    if not 1 <= len(found) <= DOCUMENTS:
        amount = f"more than {DOCUMENTS}" if found else "0"
        raise refusal(f"{amount} YAML documents where a spec, and possibly a platform spec, belong")
    return found


def refusal(message: str, path: str = "spec") -> InvalidArgument:
    """Make the error of a document that cannot be read at all."""
    finding = Finding(severity="error", path=path, message=message)
    return InvalidArgument.findings([finding], reason="SPEC_INVALID")


def measure(document: Any, root: Trail | None, findings: Findings) -> None:
    """Find what would lose digits further on. Raises InvalidArgument where it is too deep or too much to go on."""
    count = 0
    stack: list[tuple[Any, Trail | None, int]] = [(document, root, 0)]
    while stack:
        value, trail, depth = stack.pop()
        entries: Iterator[tuple[Any, Any]] | enumerate[Any]
        if isinstance(value, (dict, Mapping)):
            entries = iter(value.items())
            _check_keys(value, trail, findings)
        elif isinstance(value, list):
            entries = enumerate(value)
        else:
            entries = iter(())
            _check_scalar(value, trail, findings)
        for key, child in entries:
            count += 1
            kind = child.__class__
            if kind is str:
                if "\x00" in child or not child.isascii():
                    _check_scalar(child, (trail, key), findings)
            elif kind is not bool and child is not None:
                if depth >= DEPTH:  # not to be walked through by anybody
                    raise refusal(f"nested more than {DEPTH} levels deep; flatten it", path_of((trail, key)))
                stack.append((child, (trail, key), depth + 1))
        if count > VALUES:
            raise _too_many()


def _check_keys(value: Mapping[Any, Any], trail: Trail | None, findings: Findings) -> None:
    for key in value:
        if key.__class__ is not str:
            findings.add(trail, f"the key {_shown(key)} is not text; put it in quotes")
        elif not key.isascii() or "\x00" in key:
            _check_scalar(key, (trail, key), findings)
    if isinstance(value, Twice):
        for key in value.twice:
            findings.add((trail, key), "the key is there twice; keep one")


def _check_scalar(value: Any, trail: Trail | None, findings: Findings) -> None:
    match value:
        case bool() | None:
            pass
        case float():
            if not math.isfinite(value):
                findings.add(trail, f"{value} is not a number that JSON has; give a finite number")
        case int():
            if abs(value) > _SAFE_INTEGER:
                findings.add(trail, _too_large(str(value)))
        case TooLong():
            findings.add(trail, _too_large(value.text))
        case str():
            if found := _UNWRITABLE.search(value):
                what = "a NUL character" if found[0] == "\x00" else "half a surrogate pair"
                findings.add(trail, f"the text holds {what}, which no file and no command can hold; take it out")
        case _:
            findings.add(trail, f"{_kind(value)} is not a JSON value; put it in quotes")


def _too_large(digits: str) -> str:
    shown = digits if len(digits) <= 40 else f"{digits[:37]}…"  # noqa: PLR2004  (a line of an error)
    return f"{shown} is larger than 2^53, which a PipelineSpec number cannot hold; use a string"


def _too_deep() -> InvalidArgument:
    return refusal(f"the document is nested more than {DEPTH} levels deep; flatten it")


def _too_many() -> InvalidArgument:
    return refusal(f"the document has more than {VALUES} values (aliases count each time); split it up")


def _kind(value: Any) -> str:
    names = {list: "a list", dict: "a mapping", Twice: "a mapping", TooLong: "a long number"}
    return names.get(type(value), type(value).__name__)


def _shown(key: Any) -> str:
    return _kind(key) if isinstance(key, TooLong) else str(key)[:40]


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).replace(' in "<unicode string>",', " at")[:300]


def _json(text: str) -> Any:
    bare = _JSON_TEXT.sub("", text)
    values = 1 + bare.count(",") + bare.count("[") + bare.count("{") - sum(1 for _ in _JSON_EMPTY.finditer(bare))
    if values > VALUES:
        raise _too_many()
    try:
        document = json.loads(text)
    except json.JSONDecodeError:
        raise
    except ValueError:  # more digits than Python converts: read again, to say where
        return json.loads(text, object_pairs_hook=_mapping, parse_int=_integer)
    if _keys(document) == bare.count(":"):
        return document
    return json.loads(text, object_pairs_hook=_mapping)  # slower: to say which key is there twice


def _keys(document: Any) -> int:
    count = 0
    stack = [document]
    while stack:
        value = stack.pop()
        if value.__class__ is dict:
            count += len(value)
            stack.extend(value.values())
        elif value.__class__ is list:
            stack.extend(value)
    return count


def _integer(digits: str) -> int | TooLong:
    return int(digits) if len(digits) <= _LONG_NUMBER else TooLong(digits)


def _mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    return document if len(document) == len(pairs) else Twice(document, _repeated([key for key, _ in pairs]))


def _repeated(keys: list[Any]) -> tuple[str, ...]:
    seen: set[Any] = set()
    return tuple(dict.fromkeys(str(key) for key in keys if key in seen or seen.add(key)))  # type: ignore[func-returns-value]


class _Scalars(yaml.constructor.SafeConstructor, yaml.resolver.Resolver):
    """PyYAML's reading of single scalars; dates stay text. Keeps nothing between two readings."""

    def __init__(self) -> None:
        yaml.constructor.SafeConstructor.__init__(self)
        yaml.resolver.Resolver.__init__(self)
        self._readers: Mapping[str, Callable[[yaml.ScalarNode], Any]] = {
            f"{_PREFIX}int": self.construct_yaml_int,
            f"{_PREFIX}float": self.construct_yaml_float,
            f"{_PREFIX}bool": self.construct_yaml_bool,
            f"{_PREFIX}null": self.construct_yaml_null,
        }

    def plain(self, text: str) -> Any:
        """Read an unquoted scalar by its looks."""
        if text[:1] not in self.yaml_implicit_resolvers:  # nothing but text begins like this
            return text
        if text.isdecimal() and text.isascii() and text[0] != "0" and len(text) < _SHORT_NUMBER:
            return int(text)
        read = self._readers.get(self.resolve(yaml.ScalarNode, text, (True, False)))  # type: ignore[no-untyped-call]
        if read is None:
            return text
        return read(yaml.ScalarNode("", text)) if len(text) <= _LONG_NUMBER else TooLong(text)

    def tagged(self, tag: str, text: str) -> Any:
        """Read a scalar as its tag says."""
        if tag in {"!", f"{_PREFIX}str"}:
            return text
        if tag not in self._readers:
            raise yaml.YAMLError(f"the tag {tag!r} is not one that JSON has a value for; leave it out")
        try:
            return self._readers[tag](yaml.ScalarNode(tag, text)) if len(text) <= _LONG_NUMBER else TooLong(text)
        except (ValueError, KeyError, OverflowError, IndexError) as error:
            raise yaml.YAMLError(f"{text[:40]!r} is not what its tag {tag!r} says; leave the tag out") from error


_scalars = _Scalars()
_plain = lru_cache(maxsize=4096)(_scalars.plain)  # most are the same few


class _Builder:
    """One pass over the events of a text."""

    def __init__(self, text: str) -> None:
        self._next = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text).get_event
        self._anchors: dict[str, tuple[Any, int]] = {}  # what it stands for, and how many values that is
        self._count = 0

    def documents(self) -> Iterator[Any]:
        """Build one document after the other."""
        while (event := self._next()) is not None:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors.clear()
                yield self._value(self._next(), 0)

    def _value(self, event: Any, depth: int) -> Any:
        kind = event.__class__
        if kind is yaml.AliasEvent:
            return self._alias(event)
        before = self._count
        self._counted(1)
        value = self._scalar(event) if kind is yaml.ScalarEvent else self._collection(event, depth)
        if event.anchor is not None:
            self._anchors[event.anchor] = (value, self._count - before)
        return value

    def _counted(self, values: int) -> None:
        self._count += values
        if self._count > VALUES:
            raise _too_many()

    def _scalar(self, event: Any) -> Any:
        if event.tag is None:
            return event.value if event.implicit[1] else _plain(event.value)
        try:
            return _scalars.tagged(event.tag, event.value)
        except yaml.YAMLError as error:
            raise yaml.YAMLError(f"line {event.start_mark.line + 1}: {error}") from error

    def _collection(self, event: Any, depth: int) -> Any:
        line = event.start_mark.line + 1
        if event.tag not in _COLLECTIONS:
            raise yaml.YAMLError(
                f"line {line}: the tag {event.tag!r} is not one that JSON has a value for; leave it out"
            )
        if depth > DEPTH:
            raise refusal(f"nested more than {DEPTH} levels deep (line {line}); flatten it")
        return self._mapping(depth) if event.__class__ is yaml.MappingStartEvent else self._list(depth)

    def _alias(self, event: Any) -> Any:
        if event.anchor not in self._anchors:
            line = event.start_mark.line + 1
            raise yaml.YAMLError(
                f"line {line}: the alias *{event.anchor} stands for nothing, or for what it is part of"
            )
        value, size = self._anchors[event.anchor]
        self._counted(size)
        return value

    def _list(self, depth: int) -> list[Any]:
        values: list[Any] = []
        following = self._next
        while (event := following()).__class__ is not yaml.SequenceEndEvent:
            if _is_simple(event):
                self._counted(1)
                values.append(event.value if event.implicit[1] else _plain(event.value))
            else:
                values.append(self._value(event, depth + 1))
        return values

    def _mapping(self, depth: int) -> dict[Any, Any]:
        result: dict[Any, Any] = {}
        twice: list[Any] = []
        merged: list[Any] = []
        following = self._next
        while (event := following()).__class__ is not yaml.MappingEndEvent:
            is_simple = _is_simple(event)
            if is_simple:
                key = event.value if event.implicit[1] else _plain(event.value)
            else:
                key = self._odd_key(event, depth)
            given = following()
            if _is_simple(given):
                self._counted(1)
                value = given.value if given.implicit[1] else _plain(given.value)
            else:
                value = self._value(given, depth + 1)
            if key == _MERGE and is_simple and event.implicit[0]:
                merged += value if isinstance(value, list) else [value]
                continue
            if key in result:
                twice.append(key)
            result[key] = value
        result = _merge(result, merged) if merged else result
        return Twice(result, tuple(dict.fromkeys(map(str, twice)))) if twice else result

    def _odd_key(self, event: Any, depth: int) -> Any:
        key = self._value(event, depth + 1)
        return OddKey(key) if isinstance(key, (dict, list)) else key


def _is_simple(event: Any) -> bool:
    """Tell a scalar without tag and anchor, as nearly all are."""
    return event.__class__ is yaml.ScalarEvent and event.tag is None and event.anchor is None


def _merge(result: dict[Any, Any], merged: list[Any]) -> dict[Any, Any]:
    for other in merged:
        if not isinstance(other, dict):
            raise yaml.YAMLError("what `<<` merges is not a mapping")
        result = {**other, **result}
    return result
