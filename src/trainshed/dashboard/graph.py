"""A graph that one looks around in: laid out here, sent as data, drawn by `graph.js` where one looks.

A page's HTML holds only how the nodes stand, in few bytes, because that changes while one looks; where they are is in the
page's JSON form, which the script asks for once. `shape` names one layout: another one means that it asks anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from trainshed.dashboard.page import Part

TASK_SIZE, ARTIFACT_SIZE = (214, 66), (176, 46)


def standing(state: str = "", start: datetime | None = None, end: datetime | None = None, note: str = "") -> list[Any]:
    """Write how a node stands now: its state, milliseconds since 1970 twice, what is said beside the state.

    There are thousands, and they change: what is nothing at the end is left out.
    """
    found = [state, _milliseconds(start), _milliseconds(end), note]
    while found and not found[-1]:
        found.pop()
    return found


@dataclass(frozen=True, kw_only=True)
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


@dataclass(frozen=True, kw_only=True)
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
    kind: ClassVar[str] = "graph"
    module: ClassVar[str] = "graph.js"
    draws_itself: ClassVar[bool] = True


def _milliseconds(when: datetime | None) -> int:
    return 0 if when is None else round(when.timestamp() * 1000)
