"""The plot of a chart: its coordinates, and points as paths of SVG in them. Nothing here does I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

_WIDTH, _HEIGHT = 1000, 200  # of the plot's own coordinates, as the template has them
_MOST_POINTS = 400  # of a line: more than one can tell apart
Place = tuple[float, float]


@dataclass(frozen=True)
class Plot:
    """What an axis covers in both directions, and how long a stretch one point stands for; 0 for none."""

    left: float
    right: float
    bottom: float
    top: float
    step: float

    def x(self, value: float) -> float:
        """Where a point stands: in the middle of what it stands for."""
        return self._edge(value + self.step / 2)

    def y(self, value: float) -> float:
        """How high a value stands; SVG counts downwards."""
        return round(_HEIGHT - (value - self.bottom) / (self.top - self.bottom) * _HEIGHT, 1)

    def places(self, points: Sequence[tuple[float, float]]) -> list[Place]:
        """Where points stand."""
        return [(self.x(x), self.y(value)) for x, value in points]

    def area(self, values: Mapping[float, float], below: Mapping[float, float]) -> str:
        """Fill what is between values and those below them."""
        top = self.places(sorted(values.items()))
        bottom = self.places([(x, below.get(x, 0.0)) for x in sorted(values, reverse=True)])
        return f"{line(top)}L{line(bottom)[1:]}Z"

    def bars(self, values: Mapping[float, float], below: Mapping[float, float]) -> str:
        """Stand a bar on what is below each value."""
        step = self.step or min((after - before for before, after in pairwise(sorted(values))), default=1.0)
        gap = 0.1 * step
        left = 0.0 if self.step else step / 2  # without a length of its own, a bar stands around its value
        parts = []
        for x, value in values.items():
            bottom = below.get(x, 0.0)
            if value != bottom:
                begin, end = self._edge(x - left + gap / 2), self._edge(x - left + step - gap / 2)
                parts.append(f"M{begin:g} {self.y(bottom):g}V{self.y(value):g}H{end:g}V{self.y(bottom):g}Z")
        return "".join(parts)

    def _edge(self, value: float) -> float:
        return round((value - self.left) / (self.right - self.left) * _WIDTH, 1)


def line(places: Sequence[Place]) -> str:
    """Draw a line through places."""
    return "M" + "L".join(f"{x:g} {y:g}" for x, y in places) if places else ""


def dots(places: Sequence[Place]) -> str:
    """Draw a dot at each place."""
    return "".join(f"M{x:g} {y:g}h0" for x, y in places)


def stretches(points: Sequence[tuple[float, float | None]]) -> list[list[tuple[float, float]]]:
    """Answer the stretches without a gap."""
    found: list[list[tuple[float, float]]] = [[]]
    for x, value in sorted(points, key=lambda point: point[0]):
        if value is not None:
            found[-1].append((x, value))
        elif found[-1]:
            found.append([])
    return [stretch for stretch in found if stretch]


def thinned(places: list[Place]) -> list[Place]:
    """Leave out what cannot be told apart, but no peak: of each stretch stay the first, lowest, highest and last."""
    if len(places) <= _MOST_POINTS:
        return places
    size = -(-len(places) * 4 // _MOST_POINTS)
    kept: list[Place] = []
    for start in range(0, len(places), size):
        stretch = places[start : start + size]
        lowest, highest = min(stretch, key=lambda p: p[1]), max(stretch, key=lambda p: p[1])
        kept += sorted({stretch[0], lowest, highest, stretch[-1]})
    return kept
