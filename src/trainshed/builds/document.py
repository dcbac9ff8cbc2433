"""Text → plain data, safely: duplicate keys, alias bombs, depth and size are refused with a sentence. Pure."""

from typing import Any

import yaml

from trainshed.errors import Finding, InvalidArgument

_MAX_BYTES = 1_000_000
_MAX_DEPTH = 60
_MAX_NODES = 50_000
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_Loader):  # type: ignore[misc]
    """A safe loader that refuses a key given twice, and keeps dates as they are written."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        """Build one mapping."""
        seen: dict[Any, int] = {}
        for key_node, _ in node.value:
            key = key_node.value if isinstance(key_node, yaml.ScalarNode) else None
            line = key_node.start_mark.line + 1
            if key is not None and key != "<<" and key in seen:
                raise _refused(f"the key {key!r} of line {seen[key]} is given again in line {line}; keep one of them")
            seen[key] = line
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


# A date in a build config is text to Cloud Build; YAML would make an object of it.
_StrictLoader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in _Loader.yaml_implicit_resolvers.items()
}


def load(text: str | bytes, *, where: str = "") -> dict[str, Any]:
    """Read YAML or JSON into a mapping. Raises InvalidArgument with one sentence naming the line."""
    try:
        source = _decode(text)
        _check_events(source)
        value = yaml.load(source, Loader=_StrictLoader)  # noqa: S506  (derives from the safe loader)
    except InvalidArgument as error:
        raise InvalidArgument(f"{where}: {error.message}" if where else error.message, reason=error.reason) from None
    except yaml.YAMLError as error:
        raise _refused(_syntax(error), where) from error
    except (ValueError, TypeError, RecursionError, OverflowError) as error:
        raise _refused(f"not readable as YAML: {error}", where) from error
    if not isinstance(value, dict):
        raise _refused("the document is not a mapping; a build config starts with `steps:`", where)
    return value


def _decode(text: str | bytes) -> str:
    if isinstance(text, bytes):
        if len(text) > _MAX_BYTES:
            raise _refused(f"the document has {len(text)} bytes; {_MAX_BYTES} are allowed")
        try:
            return text.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise _refused(f"byte {error.start} is not UTF-8; save the file as UTF-8") from error
    if len(text) > _MAX_BYTES:
        raise _refused(f"the document has {len(text)} characters; {_MAX_BYTES} are allowed")
    return text


def _check_events(source: str) -> None:
    """Count nodes with every alias written out, before anything is built from them."""
    count = _Count()
    for event in yaml.parse(source, Loader=_Loader):
        count.take(event)


class _Count:
    """The size of a document, aliases written out."""

    def __init__(self) -> None:
        self._sizes: dict[str, int] = {}
        self._open: list[tuple[str | None, int]] = []  # anchor, size before it
        self._total = self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1 if event.start_mark else 0
        match event:
            case yaml.DocumentStartEvent():
                self._documents += 1
            case yaml.AliasEvent():
                self._alias(str(event.anchor), line)
            case yaml.ScalarEvent():
                self._total += 1
                if event.anchor:
                    self._sizes[event.anchor] = 1
            case yaml.CollectionStartEvent():
                self._open.append((event.anchor, self._total))
                self._total += 1
            case yaml.CollectionEndEvent():
                anchor, before = self._open.pop()
                if anchor:
                    self._sizes[anchor] = self._total - before
        self._check(line)

    def _alias(self, anchor: str, line: int) -> None:
        if anchor in {name for name, _ in self._open}:
            raise _refused(f"line {line}: the alias *{anchor} contains itself")
        self._total += self._sizes.get(anchor, 1)

    def _check(self, line: int) -> None:
        if len(self._open) > _MAX_DEPTH:
            raise _refused(f"line {line}: nested deeper than {_MAX_DEPTH} levels")
        if self._total > _MAX_NODES:
            raise _refused(f"the document has more than {_MAX_NODES} values once its aliases are written out")
        if self._documents > 1:
            raise _refused("there is more than one YAML document in the file; keep the first, without `---` after it")


def _syntax(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    place = f"line {mark.line + 1}, column {mark.column + 1}: " if mark else ""
    problem = getattr(error, "problem", None) or str(error).split("\n", 1)[0]
    return f"{place}not valid YAML: {problem}"


def _refused(sentence: str, where: str = "") -> InvalidArgument:
    return InvalidArgument.findings(
        [Finding(severity="error", path=where, message=sentence)], reason="DOCUMENT_UNREADABLE"
    )
