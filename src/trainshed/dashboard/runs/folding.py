"""What of a pipeline's graph is shown: groups fold, equal tasks side by side become a group, artifacts may be left out. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

MANY = 500  # nodes; a larger graph opens folded
_ALIKE = 12  # tasks that only differ by their name become a group
MARK = "~"  # a group of equal tasks is called so, followed by the first of them: no task's name begins with it


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One node of a pipeline's graph."""

    id: str
    kind: str  # task; dag, loop, condition, alike: groups; artifact
    label: str
    parent: str
    component: str = ""
    image: str = ""
    type: str = ""  # of an artifact

    @property
    def is_group(self) -> bool:
        """Whether other nodes are in it."""
        return self.kind not in {"task", "artifact"}


@dataclass(frozen=True, kw_only=True)
class Whole:
    """The whole graph of a pipeline, with everything that can be folded; groups come before what is in them."""

    items: Mapping[str, Item]
    edges: Sequence[tuple[str, str, str]]  # from, to, kind
    inside: Mapping[str, Sequence[str]] = field(default_factory=dict)  # a group's own nodes

    @property
    def is_large(self) -> bool:
        """Whether it opens folded."""
        return len(self.items) > MANY


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What of it is shown."""

    items: Sequence[Item]
    edges: Sequence[tuple[str, str, str]]
    is_open: Collection[str]  # groups
    hidden: Sequence[Item]


def whole(drawn: Iterable[Mapping[str, Any]]) -> Whole:
    """Read the nodes and edges of a graph as a plan draws them. What stands for the same is one text."""
    items: dict[str, Item] = {}
    edges: list[tuple[str, str, str]] = []
    makers: dict[str, str] = {}
    words: dict[str, str] = {}
    word = words.setdefault
    for part in drawn:
        if "id" in part:
            items[word(part["id"], part["id"])] = _item(part)
        elif part["kind"] != "inside":
            start, end = word(part["from"], part["from"]), word(part["to"], part["to"])
            edges.append((start, end, "order" if part["kind"] == "order" else "data"))
            if part["kind"] == "output":
                makers[end] = start
    items = _with_alike(items, edges, makers)
    inside: dict[str, list[str]] = {}
    for item in items.values():
        inside.setdefault(item.parent, []).append(item.id)
    return Whole(items=items, edges=edges, inside=inside)


def around(graph: Whole, key: str) -> list[str]:
    """Answer the groups that a node is in, inner ones first."""
    found = []
    while (item := graph.items.get(key)) is not None and item.parent:
        found.append(key := item.parent)
    return found


def see(graph: Whole, *, opened: Iterable[str], folded: Iterable[str], has_artifacts: bool) -> Seen:
    """Answer what is shown: a small graph is open but for what is folded, a large one folded but for what is opened."""
    wanted, unwanted = set(opened), set(folded)
    is_open = {
        item.id
        for item in graph.items.values()
        if item.is_group and (item.id in wanted or (not graph.is_large and item.id not in unwanted))
    }
    stands_for: dict[str, str] = {}  # each node, or what is shown in its stead
    for item in graph.items.values():
        outer = stands_for.get(item.parent, "")
        stands_for[item.id] = item.id if not outer or (outer == item.parent and outer in is_open) else outer
    if not has_artifacts:
        makers = {end: start for start, end, _ in graph.edges if graph.items[end].kind == "artifact"}
        stands_for |= {key: stands_for[makers[key]] for key in makers}
    shown = [item for item in graph.items.values() if stands_for[item.id] == item.id]
    edges: dict[tuple[str, str], str] = {}
    for start, end, kind in graph.edges:
        pair = stands_for[start], stands_for[end]
        if pair[0] != pair[1] and edges.get(pair) != "data":
            edges[pair] = kind
    seen = {item.id for item in shown}
    return Seen(
        items=shown,
        edges=[(start, end, kind) for (start, end), kind in edges.items()],
        is_open=is_open & seen,
        hidden=[item for item in graph.items.values() if item.id not in seen and item.kind != "artifact"],
    )


def _item(node: Mapping[str, Any]) -> Item:
    return Item(
        id=node["id"],
        kind="task" if node["kind"] in {"task", "driver"} else node["kind"],
        label=node["name"],
        parent=node["parent"],
        component=node.get("component", ""),
        image=node.get("image", ""),
        type=node.get("type", ""),
    )


def _with_alike(
    items: dict[str, Item], edges: Iterable[tuple[str, str, str]], makers: Mapping[str, str]
) -> dict[str, Item]:
    """Put tasks of one component that follow the same tasks and are followed by the same ones into a group."""
    before: dict[str, set[str]] = {}
    after: dict[str, set[str]] = {}
    for start, end, _ in edges:
        source, target = makers.get(start, start), makers.get(end, end)
        if source != target:
            after.setdefault(source, set()).add(target)
            before.setdefault(target, set()).add(source)
    equal: dict[tuple[Any, ...], list[str]] = {}
    for item in items.values():
        if item.kind == "task" and (item.id in before or item.id in after):
            ends = frozenset(before.get(item.id, ())), frozenset(after.get(item.id, ()))
            equal.setdefault((item.parent, item.component, *ends), []).append(item.id)
    group_of = {key: MARK + keys[0] for keys in equal.values() if len(keys) >= _ALIKE for key in keys}
    if not group_of:
        return items
    found: dict[str, Item] = {}
    for item in items.values():
        group = group_of.get(makers.get(item.id, item.id))
        if group is None:
            found[item.id] = item
            continue
        if group not in found:
            found[group] = Item(
                id=group, kind="alike", label=item.component.removeprefix("comp-"), parent=item.parent,
                component=item.component, image=item.image,
            )  # fmt: skip
        found[item.id] = replace(item, parent=group)
    return found
