"""Where the nodes of a run's graph stand: layers by longest path, order within a layer by its neighbours. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 46, 26, 44, 12
LANE = 14
_SWEEPS = 4


@dataclass(frozen=True, kw_only=True)
class Node:
    """One box: a task or an artifact."""

    key: str
    label: str
    detail: str  # second line: type of an artifact, image of a task
    kind: str  # "task", "group" or "artifact"
    state: str = ""
    link: str = ""


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A node with its upper left corner, in pixels."""

    node: Node
    x: int
    y: int


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything a template needs to draw the graph."""

    width: int
    height: int
    nodes: Sequence[Placed]
    edges: Sequence[Sequence[tuple[int, int]]]  # points from the foot of one box to the head of another


def draw(nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> Drawing:
    """Lay out an acyclic graph from top to bottom; edges between unknown nodes are left out.

    An edge that passes a layer gets a lane of its own there, so that no line runs behind a box.
    """
    known = [n.key for n in nodes]
    edges = [(a, b) for a, b in dict.fromkeys(edges) if a in set(known) and b in set(known)]
    layers = _layers(known, edges)
    paths = _lanes(layers, edges)
    steps = [pair for path in paths for pair in pairwise(path)]
    layers = _order(layers, steps)
    spans = {key: WIDTH if key in set(known) else LANE for layer in layers for key in layer}
    widths = [sum(spans[key] for key in layer) + GAP_X * (len(layer) - 1) for layer in layers]
    width = 2 * MARGIN + max(widths, default=0)
    left: dict[str, int] = {}
    top: dict[str, int] = {}
    for row, layer in enumerate(layers):
        x = (width - widths[row]) // 2
        for key in layer:
            left[key], top[key] = x, MARGIN + row * (HEIGHT + GAP_Y)
            x += spans[key] + GAP_X
    return Drawing(
        width=width,
        height=2 * MARGIN + len(layers) * HEIGHT + max(len(layers) - 1, 0) * GAP_Y,
        nodes=[Placed(node=n, x=left[n.key], y=top[n.key]) for n in nodes],
        edges=[_line(path, {key: left[key] + spans[key] // 2 for key in path}, top) for path in paths],
    )


def _lanes(layers: list[list[str]], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
    """Answer each edge as the keys it passes, adding a key for every layer between its ends."""
    row = {key: i for i, layer in enumerate(layers) for key in layer}
    paths = []
    for number, (a, b) in enumerate(edges):
        between = [f"lane {number} {i}" for i in range(row[a] + 1, row[b])]
        for i, key in enumerate(between, start=row[a] + 1):
            layers[i].append(key)
        paths.append([a, *between, b])
    return paths


def _line(path: Sequence[str], middle: Mapping[str, int], top: Mapping[str, int]) -> list[tuple[int, int]]:
    points = [(middle[path[0]], top[path[0]] + HEIGHT)]
    for key in path[1:-1]:
        points += [(middle[key], top[key]), (middle[key], top[key] + HEIGHT)]
    return [*points, (middle[path[-1]], top[path[-1]])]


def _layers(keys: Sequence[str], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
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


def _order(layers: list[list[str]], edges: Sequence[tuple[str, str]]) -> list[list[str]]:
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
