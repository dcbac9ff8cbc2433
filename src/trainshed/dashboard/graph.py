"""A graph that one looks around in: laid out here, sent as data, drawn by `graph.js` where one looks.

A page's HTML holds only how the nodes stand, in few bytes, because that changes while one looks; where they are is in the
page's JSON form, which the script asks for once. `shape` names one layout: another one means that it asks anew.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from trainshed.dashboard.page import Part

TASK_SIZE, ARTIFACT_SIZE = (214, 66), (176, 46)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How a node stands now."""

    state: str = ""
    start: datetime | None = None
    end: datetime | None = None
    note: str = ""  # said beside the state: reused, how many of how many


@dataclass(frozen=True, kw_only=True)
class Node:
    """One box. A group has a fold; a folded one has what is in it in words."""

    id: str
    kind: str  # task, group, artifact
    label: str
    detail: str = ""  # an image, a type, what a group holds
    parent: str = ""  # the group that it is in
    href: str = ""
    fold: str = ""  # address of the same page with this group the other way round
    is_open: bool = False
    place: Sequence[int] = ()  # left, top, width, height
    standing: Standing = field(default_factory=Standing)


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
    width: int
    height: int
    shape: str  # of the layout: equal ones have the same nodes in the same places
    selected: str = ""
    hidden: Sequence[tuple[str, str, str]] = ()  # what is folded away: id, label, address that shows it
    switches: Sequence[tuple[str, str]] = ()  # words and address: what else may be shown or left out
    legend: str = ""  # what is seen, in a sentence
    kind: ClassVar[str] = "graph"
    module: ClassVar[str] = "graph.js"
    draws_itself: ClassVar[bool] = True

    @property
    def standings(self) -> list[list[Any]]:
        """Answer how the nodes stand, in the order of `nodes`: state, start and end in milliseconds, note."""
        return [_brief(node.standing) for node in self.nodes]


def _brief(standing: Standing) -> list[Any]:
    found = [standing.state, _milliseconds(standing.start), _milliseconds(standing.end), standing.note]
    while found and not found[-1]:
        found.pop()
    return found


def _milliseconds(when: datetime | None) -> int:
    return 0 if when is None else round(when.timestamp() * 1000)
