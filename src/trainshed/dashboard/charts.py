"""Charts: lines, stacked areas and bars, scatter. Nothing here does I/O.

A page gives points and a unit. `plots` has the geometry; `templates/parts/chart.html` draws it as SVG whose plot is
stretched to the width there is, while lines, marks and text keep their size. `static/chart.js` says the values
under the pointer; the same values stand in a table below.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from itertools import pairwise
from math import isfinite
from typing import Any, ClassVar, Literal

from trainshed.dashboard import plots, scales
from trainshed.dashboard.cells import Link
from trainshed.dashboard.page import Empty, Part
from trainshed.dashboard.plots import Plot
from trainshed.dashboard.wording import exactly

_PATTERNS = 6  # ways of drawing a series
_NARROW, _LETTER, _GAP = 380, 7.6, 8  # a narrow plot, a letter of a label, and what is free between two: in pixels
X = datetime | float
Point = tuple[X, float | None]


@dataclass(frozen=True, kw_only=True)
class Series:
    """One thing over time, or over another number.

    A value of None is a gap: not known is not zero. What is no number is one as well, and the table names it.
    """

    label: str
    points: Sequence[Point]
    tone: str = ""  # good, bad, busy or idle, where a colour has that meaning
    now: float | None = None  # said while nothing is pointed at; the last known value otherwise
    said: str = ""  # that value as it is written elsewhere on the page

    @cached_property
    def drawn(self) -> Sequence[Point]:
        """The points with a gap for what is no number."""
        return [(x, value if value is not None and isfinite(value) else None) for x, value in self.points]


@dataclass(frozen=True, kw_only=True)
class Chart(Part):
    """Series over one axis."""

    series: Sequence[Series]
    nothing: Empty  # said where no series has a value
    shape: Literal["line", "area", "bars", "scatter"] = "line"  # area and bars are stacked
    unit: str = ""  # of values: one of `scales`, or what follows the number
    x_unit: str = ""  # likewise, where x is no time
    x_label: str = ""  # what x is, where it is no time
    step: float = 0  # every point begins a stretch this long (seconds where x is a time) and stands for all of it
    span: tuple[X, X] | None = None  # what the axis covers; otherwise from the first to the last point
    from_zero: bool = True
    zone: str = "UTC"
    has_marks: bool = False  # a mark at every value of a line, for few that each mean something
    leads: Sequence[tuple[X, Link]] = ()  # to what is behind the values at an x; it is called so, too
    caption: str = "latest"  # which values the legend says while nothing is pointed at
    kind: ClassVar[str] = "chart"
    module: ClassVar[str] = "chart.js"
    draws_itself: ClassVar[bool] = True

    @cached_property
    def drawn(self) -> "Drawn | None":
        """Where everything stands; None without any value."""
        return _draw(self)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A chart in the coordinates of its plot."""

    y_ticks: Sequence[tuple[float, str]]
    x_ticks: Sequence[tuple[float, str]]  # in percent of the width
    series: Sequence[Mapping[str, Any]]  # number, label, tone, now, line, dots, fill
    columns: Sequence[str]  # of the table
    rows: Sequence[Sequence[str]]
    leads: Sequence[str]  # an address for each row; empty for none
    points: Mapping[str, Any]  # for the script: where values stand, and their rows
    summary: str

    @property
    def is_crowded(self) -> bool:
        """Tell whether labels of the x axis would touch where the plot is narrow."""
        places = [_room(x, label) for x, label in self.x_ticks]
        return any(right + _GAP > left for (_, right), (left, _) in pairwise(places))


def _room(x: float, label: str) -> tuple[float, float]:
    """Answer where a label begins and ends in a narrow plot. At the edges it stands beside its tick."""
    width = len(label) * _LETTER
    before = 0.0 if x < 4 else width if x > 96 else width / 2  # noqa: PLR2004  (as the template has it)
    return x / 100 * _NARROW - before, x / 100 * _NARROW - before + width


def _draw(chart: Chart) -> Drawn | None:
    known = sorted({x for series in chart.series for x, value in series.points if value is not None}, key=_float)
    if not known:
        return None
    every = sorted({x for series in chart.series for x, _ in series.points}, key=_float)
    low, high = _span(chart, every)
    stacks = _stacks(chart, every)
    y_ticks = _y_axis(chart, stacks)
    plot = Plot(low, high, y_ticks[0][0], y_ticks[-1][0], chart.step)
    columns, rows = _table(chart, every)
    leads = dict(chart.leads)
    return Drawn(
        y_ticks=[(plot.y(value), label) for value, label in y_ticks],
        x_ticks=_x_axis(chart, low, high),
        series=[
            _series(chart, number, series, plot, stacks[number], stacks[number - 1] if number else {})
            for number, series in enumerate(chart.series)
        ],
        columns=columns,
        rows=rows,
        leads=[leads[x].href if x in leads else "" for x in every],
        points=_pointed(chart, every, plot),
        summary=f"{chart.heading or 'Chart'}: {', '.join(s.label for s in chart.series)}, "
        f"from {_begin(chart, every[0])} to {_begin(chart, every[-1])}",
    )


def _span(chart: Chart, every: Sequence[X]) -> tuple[float, float]:
    low, high = (_float(x) for x in chart.span) if chart.span else (_float(every[0]), _float(every[-1]) + chart.step)
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _stacks(chart: Chart, every: Sequence[X]) -> list[dict[float, float]]:
    """Answer for each series its values by x; of stacked ones, with those below added."""
    if chart.shape not in {"area", "bars"}:
        return [{_float(x): value for x, value in series.drawn if value is not None} for series in chart.series]
    sums = dict.fromkeys(map(_float, every), 0.0)
    stacks = []
    for series in chart.series:
        for x, value in series.drawn:
            sums[_float(x)] += value or 0.0
        stacks.append(dict(sums))
    return stacks


def _y_axis(chart: Chart, stacks: Sequence[Mapping[float, float]]) -> list[tuple[float, str]]:
    values = [value for stack in stacks for value in stack.values()]
    low, high = min(values, default=0.0), max(values, default=0.0)
    if chart.from_zero:
        low, high = min(low, 0.0), max(high, 0.0)
    return scales.axis(low, high, chart.unit, most=4)


def _x_axis(chart: Chart, low: float, high: float) -> list[tuple[float, str]]:
    def place(value: float) -> float:
        return round((value - low) / (high - low) * 100, 2)

    if _is_time(chart):
        found = scales.time_ticks(_time(low), _time(high), chart.zone)
        return [(place(when.timestamp()), label) for when, label in found]
    numbers = scales.axis(low, high, chart.x_unit, most=5)
    if all(isinstance(x, int) for series in chart.series for x, _ in series.points):  # what is counted has no halves
        numbers = [(v, f"{v:,.0f}{chart.x_unit}") for v, _ in numbers if v == round(v)]
    return [(place(v), label) for v, label in numbers if low <= v <= high]


def _series(
    chart: Chart, number: int, series: Series, plot: Plot, values: Mapping[float, float], below: Mapping[float, float]
) -> dict[str, Any]:
    known = [value for _, value in series.points if value is not None]
    now = series.now if series.now is not None else (known[-1] if known else None)
    drawn = {"number": number % _PATTERNS + 1, "label": series.label, "tone": series.tone}
    drawn |= {"now": series.said or scales.write(now, chart.unit), "line": "", "dots": "", "fill": ""}
    if chart.shape == "bars":
        return drawn | {"fill": plot.bars(values, below)}
    if chart.shape == "area":
        return drawn | {"fill": plot.area(values, below), "line": plots.line(plot.places(sorted(values.items())))}
    if chart.shape == "scatter":
        return drawn | {"dots": plots.dots(plot.places(sorted(values.items())))}
    stretches = plots.stretches([(_float(x), value) for x, value in series.drawn])
    parts = [plots.thinned(plot.places(stretch)) for stretch in stretches]
    marked = [place for part in parts if chart.has_marks or len(part) == 1 for place in part]
    return drawn | {"line": "".join(plots.line(part) for part in parts if len(part) > 1), "dots": plots.dots(marked)}


def _table(chart: Chart, every: Sequence[X]) -> tuple[list[str], list[list[str]]]:
    columns = [chart.x_label or ("Time" if _is_time(chart) else "x"), *(series.label for series in chart.series)]
    called = {x: link.text for x, link in chart.leads}
    return columns, [[called.get(x) or _x(chart, x), *row] for x, row in zip(every, _values(chart, every), strict=True)]


def _pointed(chart: Chart, every: Sequence[X], plot: Plot) -> dict[str, Any]:
    """Answer what can be pointed at: all values of one x, or of a scatter each single one."""
    at = [plot.x(_float(x)) for x in every]
    if chart.shape != "scatter":
        return {"x": at, "rows": list(range(len(at)))}
    found = [
        (plot.x(_float(x)), plot.y(value), every.index(x))
        for series in chart.series
        for x, value in series.drawn
        if value is not None
    ]
    found.sort()
    return {"x": [x for x, _, _ in found], "y": [y for _, y, _ in found], "rows": [row for _, _, row in found]}


def _values(chart: Chart, every: Sequence[X]) -> list[list[str]]:
    known = [dict(series.points) for series in chart.series]
    return [[scales.write(values.get(x), chart.unit) for values in known] for x in every]


def _x(chart: Chart, x: X) -> str:
    begin = _begin(chart, x)
    if not chart.step or not isinstance(x, datetime):
        return begin
    end = exactly(x + timedelta(seconds=chart.step), chart.zone)
    return f"{begin.removesuffix(' ' + chart.zone)} – {end.partition(' ')[2]}"


def _begin(chart: Chart, x: X) -> str:
    return exactly(x, chart.zone) if isinstance(x, datetime) else scales.write(x, chart.x_unit)


def _is_time(chart: Chart) -> bool:
    return any(isinstance(x, datetime) for series in chart.series for x, _ in series.points[:1])


def _float(x: X) -> float:
    return x.timestamp() if isinstance(x, datetime) else float(x)


def _time(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
