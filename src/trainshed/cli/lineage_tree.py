"""Lineage as two trees on one screen. Pure: from the document that the server answered, to lines."""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

_BRANCHES = 12  # of one node
_VALUE = 60  # characters of a parameter
_NAMES = 3  # in a row
_DIGEST = 12  # characters of a digest
_LABELS = {"same": "same content", "cached": "from the cache"}
_TITLES: dict[Any, str] = {
    "upstream": "Made from",
    "downstream": "Used for",
    ("run", "upstream"): "Made",
    ("run", "downstream"): "Used by others",
}
_TASK = 2  # edges: a task and what it made


def lines(document: Mapping[str, Any], depth: int) -> Iterator[str]:
    """Write the answer: the thing itself, what it was made from, what was made from it; `depth` tasks far."""
    subject = document["subject"]
    roots = {r for way in ("upstream", "downstream") if way in document for r in document[way]["roots"]}
    alone = subject["kind"] in {"artifact", "execution"} and len(roots) == 1
    if alone:
        (root,) = roots
        yield from _headed(document["nodes"][root], root)
    else:
        yield f"{subject['kind']} {subject['name']}"
    for way in ("upstream", "downstream"):
        if way in document:
            yield ""
            yield f"{_TITLES.get((subject['kind'], way)) or _TITLES[way]}:"
            yield from _Tree(document=document, way=way, deepest=_TASK * depth).write(alone=alone)


@dataclass(kw_only=True)
class _Tree:
    """One direction, on its way into lines; what was shown once is not shown again with everything around it."""

    document: Mapping[str, Any]
    way: str
    deepest: int
    shown: set[str] = field(default_factory=set)
    following: dict[str, dict[tuple[str, str], None]] = field(default_factory=lambda: defaultdict(dict))  # label, node
    is_cut: bool = False

    def write(self, *, alone: bool) -> Iterator[str]:
        part = self.document[self.way]
        self._read(part["edges"])
        roots = part["roots"]
        branches = list(self.following[roots[0]]) if alone else [("", root) for root in roots]
        self.shown.update(roots if alone else ())
        if not branches:
            yield "└─ nothing recorded"
        yield from self._level(branches, "", 1 if alone else 0)
        if self.is_cut or not part["isWhole"]:
            yield "There is more: --depth N looks further, --format json has everything."

    def _read(self, edges: Sequence[Mapping[str, str]]) -> None:
        near, far = ("to", "from") if self.way == "upstream" else ("from", "to")
        for edge in edges:
            label = _LABELS.get(edge["kind"], edge["name"])
            self.following[edge[near]][label, edge[far]] = None

    def _level(self, branches: Sequence[tuple[str, str]], indent: str, depth: int) -> Iterator[str]:
        some, rest = branches[:_BRANCHES], len(branches) - _BRANCHES
        for number, (label, key) in enumerate(some):
            is_last = number == len(some) - 1 and rest <= 0
            yield from self._node(label, key, indent, "└─ " if is_last else "├─ ", depth)
        if rest > 0:
            self.is_cut = True
            yield f"{indent}└─ … and {rest} more"

    def _node(self, label: str, key: str, indent: str, mark: str, depth: int) -> Iterator[str]:
        node = self.document["nodes"].get(key, {"kind": "data", "uri": key})
        branches = list(self.following.get(key, ()))
        is_again = key in self.shown
        self.shown.add(key)
        name = f"{label}: " if label and label != node.get("uri") else ""
        yield f"{indent}{mark}{name}{_title(node, key)}{'  (see above)' if is_again and branches else ''}"
        if is_again:
            return
        inner = indent + ("   " if mark.startswith("└") else "│  ")
        for fact in _facts(node):
            yield f"{inner}{'│  ' if branches and depth < self.deepest else '   '}{fact}"
        if branches and depth >= self.deepest:
            self.is_cut = True
            return
        yield from self._level(branches, inner, depth + 1)


def _headed(node: Mapping[str, Any], key: str) -> Iterator[str]:
    yield f"{_title(node, key)}  {node['createTime'][:19]}Z"
    for fact in _facts(node):
        yield f"  {fact}"


def _title(node: Mapping[str, Any], key: str) -> str:
    if node["kind"] == "data":
        return str(node["uri"])
    if node["kind"] == "artifact":
        return "  ".join(filter(None, (key, node["name"], node["type"], node["uri"])))
    run = node["run"].rsplit("/", 1)[-1]
    where = f"run {run}" if run else ""
    return "  ".join(filter(None, (f"[{node['name']}]", where, key, node["state"])))


def _facts(node: Mapping[str, Any]) -> Iterator[str]:
    """Say what one needs to know to make it again."""
    if node["kind"] == "artifact":
        if node["sameContent"]:
            yield f"same content as {_some(node['sameContent'], len(node['sameContent']))}"
        if node["reused"]:
            yield (
                f"taken from the cache {node['reused']} times since"
                if node["reused"] > 1
                else "taken from the cache once"
            )
    if node["kind"] != "execution":
        return
    if "cachedFrom" in node:
        yield f"reused the outputs of {node['cachedFrom']}"
        return
    if code := " ".join(_code(node)):
        yield code
    for title, values in (("parameters", node["parameters"]), ("outputs", node["outputs"])):
        if values:
            yield f"{title} {', '.join(f'{k}={_value(v)}' for k, v in values.items())}"
    for parameter, objects in node["data"].items():
        count = node["dataCounts"].get(parameter, len(objects))
        yield f"data of {parameter} {_some([f'{name}#{generation}' for name, generation, *_ in objects], count)}"


def _code(node: Mapping[str, Any]) -> Iterator[str]:
    code = node["code"]
    if digest := code.get("source") or code.get("component"):
        yield f"code {digest[:_DIGEST]}"
    if function := code.get("function"):
        yield f"function {function}"
    if image := code.get("image"):
        yield f"image {image}"
    if environment := node["environment"]:
        yield f"environment {environment[:_DIGEST]}"


def _value(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = " ".join(text.split())
    return text if len(text) <= _VALUE else f"{text[: _VALUE - 1]}…"


def _some(names: Sequence[str], count: int) -> str:
    shown = names[:_NAMES]
    return ", ".join(shown) + (f" and {count - len(shown)} more" if count > len(shown) else "")
