"""A graph that one looks around in: laid out here, sent as data, drawn by `graph.js` where one looks.

A page's HTML holds only how the nodes stand, in few bytes, because that changes while one looks. Where they are is asked
for once, at an address of its own, or is in the page where that is small and stays. `shape` names one layout: another one
means that the script asks anew. The page's JSON form has everything, in words.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, ClassVar

from trainshed.dashboard.document import sayable
from trainshed.dashboard.page import Part

_AT_ONCE = 500
_NOTHING = ("", 0, 0, "")  # is said of how a node stands
TASK_SIZE, ARTIFACT_SIZE = (214, 66), (176, 46)


def standing(
    state: str = "", start: datetime | None = None, end: datetime | None = None, note: str = ""
) -> tuple[Any, ...]:
    """Write how a node stands now: its state, milliseconds since 1970 twice, what is said beside the state.

    There are thousands, and they change: what is nothing at the end is left out.
    """
    begun, ended = _milliseconds(start), _milliseconds(end)
    if start is not None and end is not None:  # how long it took is written of it as elsewhere, whatever the roundings
        ended = begun + round(1000 * (end - start).total_seconds())
    found = [state, begun, ended, note]
    while found and not found[-1]:
        found.pop()
    return tuple(found)


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One box. A group has a fold; a folded one has what is in it in words."""

    id: str
    kind: str  # task, group, artifact
    label: str
    detail: str = ""  # an image, a type, what a group holds
    parent: str = ""  # the group that it is in
    href: str = ""  # empty: the graph's `base` with the node's id
    fold: str = ""  # address of the same page with this group the other way round
    is_open: bool = False
    place: Sequence[int] = ()  # left, top, width, height


@dataclass(frozen=True, kw_only=True, slots=True)
class Edge:
    """A line between two nodes: left and top of each of its points, one after the other."""

    start: str
    end: str
    kind: str  # data, or order where one only waits for the other
    points: Sequence[int]


@dataclass(frozen=True, kw_only=True)
class Graph(Part):
    """The graph, as far as it is folded open. Groups come before what is in them."""

    nodes: Sequence[Node]
    edges: Sequence[Edge]
    standings: Sequence[Sequence[Any]]  # one per node: see `standing`
    width: int
    height: int
    shape: str  # of the layout: equal ones have the same nodes in the same places
    base: str = ""  # address to which a node's id is added
    selected: str = ""
    hidden: Sequence[tuple[str, str]] = ()  # what is folded away: id and label
    switches: Sequence[tuple[str, str]] = ()  # words and address: what else may be shown or left out
    legend: str = ""  # what is seen, in a sentence
    layout: str = ""  # address of what `packed_layout` writes; empty: it is in the page
    kind: ClassVar[str] = "graph"
    module: ClassVar[str] = "graph.js"
    draws_itself: ClassVar[bool] = True

    @property
    def preloads(self) -> str:
        """Answer the address of the layout."""
        return self.layout

    @property
    def packed_layout(self) -> str:
        """Write where everything is, as the script reads it."""
        return packed_layout(self.nodes, self.edges, self.hidden, self.width, self.height)

    @property
    def packed_standings(self) -> str:
        """Write how everything stands, as the script reads it."""
        return packed_standings(self.standings)

    @property
    def folds(self) -> str:
        """Write where each group is folded, and whether its box leads there too."""
        found = {node.id: [node.fold, int(node.href == node.fold)] for node in self.nodes if node.fold}
        return _dense(found)


def packed_layout(
    nodes: Sequence[Node], edges: Sequence[Edge], hidden: Sequence[tuple[str, str]], width: int, height: int
) -> str:
    """Write a layout in few bytes: nodes as lists, their words and edges by number; see `graph_data.js`."""
    places = {node.id: number for number, node in enumerate(nodes)}
    words: dict[str, int] = {}
    boxes = (
        [
            node.id, words.setdefault(node.kind, len(words)), node.label, words.setdefault(node.detail, len(words)),
            places.get(node.parent, -1), int(node.is_open), *node.place, *([node.href] if node.href else []),
        ]
        for node in nodes
    )  # fmt: skip
    lines = (
        [places[edge.start], places[edge.end], words.setdefault(edge.kind, len(words)), *edge.points] for edge in edges
    )
    rows = {"nodes": _dense_rows(boxes), "edges": _dense_rows(lines)}  # before the words, which they fill
    start = _dense({"width": width, "height": height, "words": list(words)})[:-1]
    return f'{start},"nodes":{rows["nodes"]},"edges":{rows["edges"]},"hidden":{_dense(hidden)}}}'


def packed_standings(standings: Sequence[Sequence[Any]]) -> str:
    """Write how nodes stand in numbers: four for each of them, times as distances, words by number."""
    words: dict[str, int] = {"": 0}
    starts = [found[1] for found in standings if len(found) > 1 and found[1]]
    begin = min(starts, default=0)
    numbers: list[int] = []
    for found in standings:
        whole: list[Any] = [*found, *_NOTHING[len(found) :]]
        state, start, end, note = whole
        numbers += (
            words.setdefault(state, len(words)),
            start - begin if start else -1,
            end - (start or begin) if end else -1,
            words.setdefault(note, len(words)),
        )
    return _dense({"words": list(words), "begin": begin, "numbers": numbers})


def _dense_rows(rows: Iterator[Sequence[Any]]) -> str:
    """Write a list of thousands of rows, some of them at a time."""
    return f"[{','.join(iter(lambda: _dense(list(islice(rows, _AT_ONCE)))[1:-1], ''))}]"


def _dense(value: Any) -> str:
    return sayable(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def _milliseconds(when: datetime | None) -> int:
    return 0 if when is None else round(when.timestamp() * 1000)
