"""Where the nodes of a run's graph stand: layers by longest path, order within a layer by its neighbours. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT, GAP_X, GAP_Y, MARGIN = 190, 46, 26, 44, 12
_SWEEPS = 4


@dataclass(frozen=True, kw_only=True)
class Node:
    """One box: a task or an artifact."""

    key: str
    label: str
    detail: str  # second line: type of an artifact, image of a task
    kind: str  # "task" or "artifact"
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
    edges: Sequence[tuple[int, int, int, int]]  # from the foot of one box to the head of another


def draw(nodes: Sequence[Node], edges: Sequence[tuple[str, str]]) -> Drawing:
    """Lay out an acyclic graph from top to bottom; edges between unknown nodes are left out."""
    known = {n.key for n in nodes}
    edges = [(a, b) for a, b in dict.fromkeys(edges) if a in known and b in known]
    layers = _order(_layers([n.key for n in nodes], edges), edges)
    widest = max((len(layer) for layer in layers), default=0)
    width = 2 * MARGIN + widest * WIDTH + max(widest - 1, 0) * GAP_X
    corner: dict[str, tuple[int, int]] = {}
    for row, layer in enumerate(layers):
        used = len(layer) * WIDTH + (len(layer) - 1) * GAP_X
        for column, key in enumerate(layer):
            corner[key] = ((width - used) // 2 + column * (WIDTH + GAP_X), MARGIN + row * (HEIGHT + GAP_Y))
    return Drawing(
        width=width,
        height=2 * MARGIN + len(layers) * HEIGHT + max(len(layers) - 1, 0) * GAP_Y,
        nodes=[Placed(node=n, x=corner[n.key][0], y=corner[n.key][1]) for n in nodes],
        edges=[
            (corner[a][0] + WIDTH // 2, corner[a][1] + HEIGHT, corner[b][0] + WIDTH // 2, corner[b][1])
            for a, b in edges
        ],
    )


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
