"""Where the nodes of a graph stand: layers by longest path, order and place within a layer by neighbours. Pure.

A group is a box around the nodes in it, laid out like a graph of its own. An edge between nodes of different groups is
drawn between the groups, where both are in one. What is not connected is laid out by itself and packed into rows.
Time grows with the nodes, the edges and the lanes; lanes are limited.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

GAP_X, GAP_Y, MARGIN, LANE = 24, 40, 14, 12
HEADING = 44  # of a group: its own words
_SWEEPS = 4
_LANES_A_NODE = 2  # at most, on average; a longer edge than there is room for goes straight
_LANES_AT_LEAST = 400
_WIDEST = 2_400  # of parts that are not connected and stand side by side
_RATIO = 1.7  # width over height of what is packed into rows
_Edges = Sequence[tuple[str, str]]
_Place = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """One box. A group's size is found; every other says its own."""

    key: str
    width: int = 200
    height: int = 64
    parent: str = ""  # key of the group that it is in


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """An edge: points from the foot of one box to the head of another."""

    start: str
    end: str
    points: Sequence[tuple[int, int]]


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything that is needed to draw a graph: for each node left, top, width and height, in pixels."""

    width: int
    height: int
    places: Mapping[str, _Place]
    lines: Sequence[Line]


def draw(nodes: Sequence[Node], edges: _Edges) -> Drawing:
    """Lay out an acyclic graph from top to bottom; edges between unknown nodes are left out.

    An edge that passes a layer gets a lane there, shared by all that come from the same node, so that no line runs
    behind a box.
    """
    known = {node.key: node for node in nodes}
    inside: dict[str, list[str]] = {}
    for node in nodes:
        inside.setdefault(node.parent, []).append(node.key)
    scope = _Scope(known, inside, _by_scope(known, edges), "")
    places = dict(scope.placed(0, 0))
    return Drawing(
        width=scope.width,
        height=scope.height,
        places={key: places[key] for key in known},
        lines=list(scope.lines(0, 0)),
    )


def _by_scope(known: Mapping[str, Node], edges: _Edges) -> dict[str, list[tuple[str, str]]]:
    """Answer each group's own edges: between the nodes, or the groups, that stand in it side by side."""
    trails: dict[str, dict[str, str]] = {}
    found: dict[str, dict[tuple[str, str], None]] = {}
    for edge in edges:
        start, end = edge
        if start not in known or end not in known:
            continue
        shared, pair = known[start].parent, edge
        if known[end].parent != shared:
            outer, inner = (trails.get(key) or trails.setdefault(key, _trail(known, key)) for key in edge)
            shared = next(scope for scope in inner if scope in outer)
            pair = outer[shared], inner[shared]
        if pair[0] != pair[1]:
            found.setdefault(shared, {})[pair] = None
    return {scope: list(pairs) for scope, pairs in found.items()}


def _trail(known: Mapping[str, Node], key: str) -> dict[str, str]:
    """Answer the groups around a node, inner ones first, each with what stands in it: the node, or a group of it."""
    trail = {}
    while key:
        trail[known[key].parent] = key
        key = known[key].parent
    return trail


class _Scope:
    """A group, or the whole graph, laid out: blocks in rows."""

    def __init__(
        self,
        known: Mapping[str, Node],
        inside: Mapping[str, Sequence[str]],
        edges: Mapping[str, _Edges],
        name: str,
    ) -> None:
        keys, own = inside.get(name, ()), edges.get(name, ())
        self._groups = {key: _Scope(known, inside, edges, key) for key in keys if key in inside}
        sizes = {key: self._size(known[key]) for key in keys}
        self._blocks = [_Block(part, lines, sizes) for part, lines in _connected(keys, own)]
        top = MARGIN + (HEADING if name else 0)
        self._corners, width, height = _pack([(block.width, block.height) for block in self._blocks])
        self._corners = [(x + MARGIN, y + top) for x, y in self._corners]
        self.width, self.height = width + 2 * MARGIN, height + top + MARGIN

    def placed(self, x: int, y: int) -> Iterator[tuple[str, _Place]]:
        """Answer where every node stands, this scope's corner being at x and y."""
        for (left, top), block in zip(self._corners, self._blocks, strict=True):
            for key, (at_x, at_y, width, height) in block.places.items():
                place = (x + left + at_x, y + top + at_y, width, height)
                yield key, place
                if key in self._groups:
                    yield from self._groups[key].placed(place[0], place[1])

    def lines(self, x: int, y: int) -> Iterator[Line]:
        """Answer every line, those of groups included."""
        for (left, top), block in zip(self._corners, self._blocks, strict=True):
            for path in block.paths:
                points = [(x + left + at_x, y + top + at_y) for at_x, at_y in block.line(path)]
                yield Line(start=path[0], end=path[-1], points=points)
            for key in block.places.keys() & self._groups.keys():
                at_x, at_y, *_ = block.places[key]
                yield from self._groups[key].lines(x + left + at_x, y + top + at_y)

    def _size(self, node: Node) -> tuple[int, int]:
        group = self._groups.get(node.key)
        return (node.width, node.height) if group is None else (max(group.width, node.width), group.height)


class _Block:
    """Nodes that are connected, its corner being at 0 and 0."""

    def __init__(self, keys: Sequence[str], edges: _Edges, sizes: Mapping[str, tuple[int, int]]) -> None:
        self.paths: Sequence[Sequence[str]] = ()
        if len(keys) == 1:  # there may be thousands
            self.width, self.height = sizes[keys[0]]
            self.places = {keys[0]: (0, 0, self.width, self.height)}
            return
        layers = _layers(keys, edges)
        self.paths = _lanes(layers, edges)
        row = {key: i for i, layer in enumerate(layers) for key in layer}
        steps = dict.fromkeys(step for path in self.paths for step in _steps(path))
        # Groups may lead to each other by what is in them.
        pairs = [step for step in steps if row[step[0]] < row[step[1]]]
        del steps
        width = {key: sizes[key][0] if key in sizes else LANE for layer in layers for key in layer}
        left = _arranged(layers, pairs, width, frozenset(keys))
        self._row: dict[str, tuple[int, int]] = {}  # head and foot of the layer that a node or a lane is in
        y = 0
        for layer in layers:
            foot = y + max((sizes[key][1] for key in layer if key in sizes), default=0)
            self._row |= dict.fromkeys(layer, (y, foot))
            y = foot + GAP_Y
        self.height = max(0, y - GAP_Y)
        self.places = {key: (left[key], self._row[key][0], *sizes[key]) for key in keys}
        self._middle = {key: x + width[key] // 2 for key, x in left.items()}
        self.width = max(x + width[key] for key, x in left.items())

    def line(self, path: Sequence[str]) -> list[tuple[int, int]]:
        """Answer the points of an edge, straight down through the lanes."""
        first, *between, last = path
        head, foot = self._row[first]
        points = [(self._middle[first], head + self.places[first][3]), (self._middle[first], foot)]
        for key in between:
            points += [(self._middle[key], height) for height in self._row[key]]
        points.append((self._middle[last], self._row[last][0]))
        return list(dict.fromkeys(points))


def _connected(keys: Sequence[str], edges: _Edges) -> list[tuple[list[str], list[tuple[str, str]]]]:
    """Answer the parts that no edge connects, in order, each with its edges."""
    leader = {key: key for key in keys}

    def find(key: str) -> str:
        while leader[key] != key:
            leader[key] = key = leader[leader[key]]
        return key

    for start, end in edges:
        leader[find(end)] = find(start)
    parts: dict[str, tuple[list[str], list[tuple[str, str]]]] = {}
    for key in keys:
        parts.setdefault(find(key), ([], []))[0].append(key)
    for edge in edges:
        parts[find(edge[0])][1].append(edge)
    return list(parts.values())


def _pack(sizes: Sequence[tuple[int, int]]) -> tuple[list[tuple[int, int]], int, int]:
    """Put boxes into rows, in order; answer their corners, and the width and the height of it all."""
    area = sum((width + GAP_X) * (height + GAP_Y) for width, height in sizes)
    limit = max(_WIDEST, int((area * _RATIO) ** 0.5))
    corners: list[tuple[int, int]] = []
    x = y = row = widest = 0
    for width, height in sizes:
        if x and x + width > limit:
            x, y, row = 0, y + row + GAP_Y, 0
        corners.append((x, y))
        widest, row, x = max(widest, x + width), max(row, height), x + width + GAP_X
    return corners, widest, y + row


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
    for key in reversed(ready):  # what nothing leads to stands just above what it leads to
        if following[key] and not depth[key]:
            depth[key] = min(depth[after] for after in following[key]) - 1
    layers: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for key in keys:
        layers[depth[key]].append(key)
    return layers


def _steps(path: Sequence[str]) -> Iterable[tuple[str, str]]:
    """Answer what leads from one layer to the next: most edges do so themselves, and are answered as they are."""
    match path:
        case (_, _) as step if isinstance(step, tuple):
            return (step,)
    return pairwise(path)


def _lanes(layers: list[list[str]], edges: _Edges) -> list[tuple[str, ...]]:
    """Answer each edge as the keys it passes, adding a key for every layer between its ends."""
    row = {key: i for i, layer in enumerate(layers) for key in layer}
    left = _LANES_A_NODE * len(row) + _LANES_AT_LEAST
    paths: dict[tuple[str, str], tuple[str, ...]] = {}
    for edge in sorted(edges, key=lambda edge: row[edge[1]] - row[edge[0]]):  # short ones first: they all get lanes
        a, b = edge
        length = row[b] - row[a] - 1
        left -= length
        between = [f"{a}\0{i}" for i in range(row[a] + 1, row[b])] if left >= 0 else []  # no name has this character
        for i, key in enumerate(between, start=row[a] + 1):
            if key not in row:
                row[key] = i
                layers[i].append(key)
        paths[edge] = (a, *between, b) if between else edge
    return [paths[edge] for edge in edges]


def _arranged(
    layers: list[list[str]], edges: _Edges, width: Mapping[str, int], boxes: frozenset[str]
) -> dict[str, int]:
    """Bring each layer into an order with few crossings, and answer how far left everything stands."""
    above: dict[str, list[str]] = {}
    below: dict[str, list[str]] = {}
    for a, b in edges:
        above.setdefault(b, []).append(a)
        below.setdefault(a, []).append(b)
    place = {key: float(i) for layer in layers for i, key in enumerate(layer)}
    for sweep in range(_SWEEPS):
        near, order = (above, layers) if sweep % 2 == 0 else (below, layers[::-1])
        for layer in order:
            layer.sort(key=lambda key: _middle(key, near, place))
            place |= {key: float(i) for i, key in enumerate(layer)}
    above, below = (_leading(near, boxes) for near in (above, below))
    middle: dict[str, float] = {}
    for near, order in ((above, layers), (below, layers[::-1]), (above, layers)):
        for layer in order:
            middle |= _spread(layer, [_middle(key, near, middle) for key in layer], width)
    shift = min(middle[key] - width[key] / 2 for key in middle)
    return {key: round(x - width[key] / 2 - shift) for key, x in middle.items()}


def _leading(near: Mapping[str, list[str]], boxes: frozenset[str]) -> dict[str, list[str]]:
    """Answer which neighbours each key wants to stand below or above: boxes before lanes, which would drag it away."""
    return {
        key: found if boxes.issuperset(found) else [n for n in found if n in boxes] or found
        for key, found in near.items()
    }


def _middle(key: str, near: Mapping[str, list[str]], place: Mapping[str, float]) -> float:
    found = [place[n] for n in near.get(key, ()) if n in place]  # groups may lead to each other in a circle
    return sum(found) / len(found) if found else place.get(key, 0.0)


def _spread(layer: Sequence[str], wanted: Sequence[float], width: Mapping[str, int]) -> dict[str, float]:
    """Place a layer's middles as near to where they want to be as the widths allow, by least squares.

    Wishes less the room that is needed to the left must not fall: neighbours that would, share their mean.
    """
    offsets = [0.0]
    for a, b in pairwise(layer):
        offsets.append(offsets[-1] + (width[a] + width[b]) / 2 + GAP_X)
    pools: list[tuple[float, int]] = []  # mean, number
    for wish, offset in zip(wanted, offsets, strict=True):
        mean, count = wish - offset, 1
        while pools and pools[-1][0] > mean:
            other, number = pools.pop()
            mean, count = (mean * count + other * number) / (count + number), count + number
        pools.append((mean, count))
    means = (mean for mean, count in pools for _ in range(count))
    return {key: mean + offset for key, mean, offset in zip(layer, means, offsets, strict=True)}
