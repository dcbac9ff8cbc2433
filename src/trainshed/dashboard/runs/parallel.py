"""Parallel coordinates: an upright axis per value, a line per run across all of them. Pure.

Numbers stand where they are between the least and the greatest, on a logarithmic axis where they span much; words
stand at even distances. A run without a value passes below the axis.
"""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite, log10
from typing import Any

from trainshed.dashboard.runs.differences import Row
from trainshed.floats import is_number

WIDTH, HEIGHT = 170, 220  # between two axes; of an axis
_BELOW = 26  # where a line passes that has no value
_WIDE = 100.0  # ratio from which on an axis is logarithmic
_MOST_WORDS = 12
_PATTERNS = 6
_NAME, _TICK = 26, 14  # letters for which there is room


@dataclass(frozen=True, kw_only=True)
class Axis:
    """One upright axis."""

    label: str
    name: str  # the label as far as there is room for it
    x: int
    ticks: Sequence[tuple[float, str]]  # y, words
    briefly: Sequence[str]  # the words of each as far as there is room for them
    is_logarithmic: bool = False
    has_gaps: bool = False  # some line passes below


@dataclass(frozen=True, kw_only=True)
class Line:
    """One run."""

    label: str
    href: str
    number: int  # of its pattern
    path: str
    values: Sequence[str]  # in words, one per axis


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """Everything in the coordinates of the picture."""

    width: int
    height: int
    axes: Sequence[Axis]
    lines: Sequence[Line]


def draw(found: Sequence[Row], runs: Sequence[tuple[str, str]]) -> Drawing:
    """Draw a line for each run (label and address) across an axis for each row."""
    axes, places = [], []
    labels = cut([row.label for row in found], _NAME)
    for number, (row, name) in enumerate(zip(found, labels, strict=True)):
        axis, ys = _axis(row, name, number * WIDTH)
        axes.append(axis)
        places.append(ys)
    lines = [
        Line(
            label=label,
            href=href,
            number=place % _PATTERNS + 1,
            path="M" + "L".join(f"{axis.x} {ys[place]:g}" for axis, ys in zip(axes, places, strict=True)),
            values=[f"{row.label} {write(row.values[place])}" for row in found],
        )
        for place, (label, href) in enumerate(runs)
    ]
    return Drawing(width=WIDTH * (len(axes) - 1), height=HEIGHT + _BELOW, axes=axes, lines=lines)


def write(value: Any) -> str:
    """Write a value briefly."""
    if value is None:
        return "–"
    if isinstance(value, (bool, list, dict)):
        return json.dumps(value, ensure_ascii=False)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def cut(words: Sequence[str], most: int) -> list[str]:
    """Cut what is longer at its end; what is told apart by its end alone, as addresses of one bucket are, at its front."""
    begins = Counter(word[: most - 1] for word in words)
    found = []
    for word in words:
        if len(word) <= most:
            found.append(word)
        elif begins[word[: most - 1]] > 1:
            found.append("…" + word[1 - most :])
        else:
            found.append(word[: most - 1] + "…")
    return found


def may_be_axis(row: Row) -> bool:
    """Whether a row says something on an axis: numbers, or not too many different words."""
    known = [value for value in row.values if value is not None]
    return _are_numbers(known) or len(set(map(write, known))) <= _MOST_WORDS


def _are_numbers(known: Sequence[Any]) -> bool:
    """Whether values are numbers, nan and the infinities among them."""
    return all(is_number(value) or isinstance(value, float) for value in known)


def _axis(row: Row, name: str, x: int) -> tuple[Axis, list[float]]:
    known = [value for value in row.values if value is not None]
    has_gaps = len(known) < len(row.values)
    numbers = [value for value in known if is_number(value)]
    if numbers and _are_numbers(known):
        has_gaps = len(numbers) < len(row.values)  # what diverged stands nowhere on the axis
        low, high = min(numbers), max(numbers)
        is_logarithmic = low > 0 and high / low >= _WIDE
        ys = [_number(value, low, high, is_logarithmic=is_logarithmic) for value in row.values]
        ticks = [(_number(value, low, high, is_logarithmic=is_logarithmic), write(value)) for value in {low, high}]
    else:
        is_logarithmic = False
        words = {word: place for place, word in enumerate(dict.fromkeys(write(value) for value in known))}
        step = HEIGHT / max(len(words) - 1, 1)
        ys = [HEIGHT + _BELOW if value is None else round(words[write(value)] * step, 1) for value in row.values]
        ticks = [(round(place * step, 1), word) for word, place in words.items()]
    briefly = cut([words for _, words in ticks], _TICK)
    return Axis(
        label=row.label,
        name=name,
        x=x,
        ticks=ticks,
        briefly=briefly,
        is_logarithmic=is_logarithmic,
        has_gaps=has_gaps,
    ), ys


def _number(value: float | None, low: float, high: float, *, is_logarithmic: bool) -> float:
    if value is None or not isfinite(value):
        return HEIGHT + _BELOW
    if high == low:
        return HEIGHT / 2
    share = (log10(value) - log10(low)) / (log10(high) - log10(low)) if is_logarithmic else (value - low) / (high - low)
    return round(HEIGHT * (1 - share), 1)
