"""Where the nodes of a run's graph stand: layers by longest path, order within a layer by its neighbours. Pure.

A group is a box around the nodes in it, laid out like a graph of its own. An edge between nodes of different groups is
drawn between the groups, where both are in one.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 46, 26, 44, 12
LANE = 14
_SWEEPS = 4
_Edges = Sequence[tuple[str, str]]
_Line = Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Node:
    """One box: a task, a group of tasks, or an artifact."""

    key: str
    label: str
    detail: str  # second line: type of an artifact, image of a task
    kind: str  # "task", "group" or "artifact"
    state: str = ""
    link: str = ""
    parent: str = ""  # key of the group that it is in


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A node with its upper left corner and its size, in pixels."""

    node: Node
    x: int
    y: int
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything a template needs to draw the graph; groups come before what is in them."""

    width: int
    height: int
    nodes: Sequence[Placed]
    edges: Sequence[_Line]  # points from the foot of one box to the head of another


def draw(nodes: Sequence[Node], edges: _Edges) -> Drawing:
    """Lay out an acyclic graph from top to bottom; edges between unknown nodes are left out.

    An edge that passes a layer gets a lane of its own there, so that no line runs behind a box.
    """
    around = {node.key: node.parent for node in nodes}
    inside: dict[str, list[str]] = {}
    for node in nodes:
        inside.setdefault(node.parent, []).append(node.key)
    scope = _Scope(inside, _by_scope(around, edges), "")
    places = dict(scope.placed(0, 0))
    placed = [Placed(node=n, x=x, y=y, width=w, height=h) for n in nodes for x, y, w, h in [places[n.key]]]
    return Drawing(width=scope.width, height=scope.height, nodes=placed, edges=list(scope.lines(0, 0)))


def _by_scope(around: Mapping[str, str], edges: _Edges) -> dict[str, list[tuple[str, str]]]:
    """Answer each group's own edges: between the nodes, or the groups, that stand in it side by side."""
    found: dict[str, dict[tuple[str, str], None]] = {}
    for start, end in edges:
        if start not in around or end not in around:
            continue
        above, below = _trail(around, start), _trail(around, end)
        shared = next(scope for scope in below if scope in above)
        if above[shared] != below[shared]:
            found.setdefault(shared, {})[above[shared], below[shared]] = None
    return {scope: list(pairs) for scope, pairs in found.items()}


def _trail(around: Mapping[str, str], key: str) -> dict[str, str]:
    """Answer the groups around a node, inner ones first, each with what stands in it: the node, or a group of it."""
    trail = {}
    while key:
        trail[around[key]] = key
        key = around[key]
    return trail


class _Scope:
    """A group, or the whole graph, laid out."""

    def __init__(self, inside: Mapping[str, Sequence[str]], edges: Mapping[str, _Edges], name: str) -> None:
        keys = inside.get(name, ())
        self._groups = {key: _Scope(inside, edges, key) for key in keys if key in inside}
        self._keys = dict.fromkeys(keys)
        layers = _layers(keys, edges.get(name, ()))
        self._paths = _lanes(layers, edges.get(name, ()))
        self._layers = _order(layers, [pair for path in self._paths for pair in pairwise(path)])
        widths = [sum(self._size(key)[0] for key in layer) + GAP_X * (len(layer) - 1) for layer in self._layers]
        self.width = 2 * MARGIN + max(widths, default=0)
        self._top = MARGIN + (HEIGHT if name else 0)  # a group's own words
        self._left: dict[str, int] = {}
        self._row: dict[str, tuple[int, int]] = {}  # head and foot of the layer that a node or a lane is in
        y = self._top
        for layer, width in zip(self._layers, widths, strict=True):
            foot = y + max(self._size(key)[1] for key in layer)
            x = (self.width - width) // 2
            for key in layer:
                self._left[key], self._row[key] = x, (y, foot)
                x += self._size(key)[0] + GAP_X
            y = foot + GAP_Y
        self.height = (y - GAP_Y if layers else self._top) + MARGIN

    def placed(self, x: int, y: int) -> Iterator[tuple[str, tuple[int, int, int, int]]]:
        """Answer where every node stands, this scope's corner being at x and y."""
        for key in self._keys:
            left, top = x + self._left[key], y + self._row[key][0]
            yield key, (left, top, *self._size(key))
            if key in self._groups:
                yield from self._groups[key].placed(left, top)

    def lines(self, x: int, y: int) -> Iterator[_Line]:
        """Answer every line, those of groups included."""
        for path in self._paths:
            yield [(x + point_x, y + point_y) for point_x, point_y in self._line(path)]
        for key, group in self._groups.items():
            yield from group.lines(x + self._left[key], y + self._row[key][0])

    def _size(self, key: str) -> tuple[int, int]:
        if key in self._groups:
            return self._groups[key].width, self._groups[key].height
        return (WIDTH, HEIGHT) if key in self._keys else (LANE, HEIGHT)

    def _line(self, path: Sequence[str]) -> _Line:
        middle = {key: self._left[key] + self._size(key)[0] // 2 for key in path}
        first, *between, last = path
        head, foot = self._row[first]
        points = [(middle[first], head + self._size(first)[1]), (middle[first], foot)]
        for key in between:
            points += [(middle[key], height) for height in self._row[key]]
        points.append((middle[last], self._row[last][0]))
        return list(dict.fromkeys(points))


def _lanes(layers: list[list[str]], edges: _Edges) -> list[list[str]]:
    """Answer each edge as the keys it passes, adding a key for every layer between its ends."""
    row = {key: i for i, layer in enumerate(layers) for key in layer}
    paths = []
    for number, (a, b) in enumerate(edges):
        between = [f"lane {number} {i}" for i in range(row[a] + 1, row[b])]
        for i, key in enumerate(between, start=row[a] + 1):
            layers[i].append(key)
        paths.append([a, *between, b])
    return paths


def _layers(keys: Sequence[str], edges: _Edges) -> list[list[str]]:
    following: dict[str, list[str]] = {key: [] for key in keys}
    waiting = dict.fromkeys(keys, 0)
    for a, b in edges:
        following[a].append(b)
        waiting[b] += 1
    depth = dict.fromkeys(keys, 0)
    ready = [key for key in keys if waiting[key] == 0]
    for key in ready:  # grows while it is walked
        for after in following[key]:
            depth[after] = max(depth[after], depth[key] + 1)
            waiting[after] -= 1
            if waiting[after] == 0:
                ready.append(after)
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in keys:
        layers[depth[key]].append(key)
    return layers


def _order(layers: list[list[str]], edges: _Edges) -> list[list[str]]:
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for a, b in edges:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    for sweep in range(_SWEEPS):
        neighbours: Mapping[str, list[str]] = above if sweep % 2 == 0 else below
        place = {key: i for layer in layers for i, key in enumerate(layer)}
        layers = [sorted(layer, key=lambda key: _middle(key, neighbours, place)) for layer in layers]
    return layers


def _middle(key: str, neighbours: Mapping[str, list[str]], place: Mapping[str, int]) -> float:
    found = [place[n] for n in neighbours.get(key, ())]
    return sum(found) / len(found) if found else float(place[key])
