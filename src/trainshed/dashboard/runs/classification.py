"""Curves and matrices of classifiers, as `system.ClassificationMetrics` holds them. Pure.

The metadata were written by somebody's task: what is not what it should be is left out, never an error.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isfinite
from typing import Any

_ENDS = ((0.0, 0.0), (1.0, 1.0))  # every ROC curve begins and ends there
_LEVELS = 9  # of shading


@dataclass(frozen=True, kw_only=True)
class Roc:
    """A receiver operating characteristic."""

    label: str  # of its slice; empty: of all data
    points: Sequence[tuple[float, float, float | None]]  # false positive rate, true positive rate, threshold

    @property
    def area(self) -> float:
        """The area under the curve, its two ends included."""
        line = sorted({*((x, y) for x, y, _ in self.points), *_ENDS})
        return sum((right - left) * (low + high) / 2 for (left, low), (right, high) in pairwise(line))

    def line(self, size: int) -> str:
        """Answer the path of the curve in a square, its ends included."""
        points = sorted({*((x, y) for x, y, _ in self.points), *_ENDS})
        return "M" + "L".join(f"{x * size:.1f} {(1 - y) * size:.1f}" for x, y in points)


@dataclass(frozen=True, kw_only=True)
class Matrix:
    """How often each class was taken for each."""

    label: str
    classes: Sequence[str]
    rows: Sequence[Sequence[float]]  # by what it was; in each, by what was predicted

    @property
    def accuracy(self) -> float | None:
        """The share that was predicted right."""
        total = sum(map(sum, self.rows))
        return sum(row[place] for place, row in enumerate(self.rows)) / total if total else None

    def shade(self, row: int, column: int) -> int:
        """Answer how dark a cell is, from 0 to 9: its share of its row."""
        total = sum(self.rows[row])
        return round(self.rows[row][column] / total * _LEVELS) if total else 0

    def recall(self, place: int) -> float | None:
        """Of what was this class, the share that was predicted as it."""
        total = sum(self.rows[place])
        return self.rows[place][place] / total if total else None

    def precision(self, place: int) -> float | None:
        """Of what was predicted as this class, the share that was it."""
        total = sum(row[place] for row in self.rows)
        return self.rows[place][place] / total if total else None


def slices(metadata: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Answer the metrics of each slice under its name; those of all data under none."""
    found = metadata.get("evaluationSlices")
    if not isinstance(found, list):
        yield "", metadata
        return
    for number, part in enumerate(found, start=1):
        if isinstance(part, Mapping) and isinstance(part.get("sliceClassificationMetrics"), Mapping):
            yield str(part.get("slice") or f"slice {number}"), part["sliceClassificationMetrics"]


def roc(label: str, metrics: Mapping[str, Any]) -> Roc | None:
    """Read a curve."""
    points = []
    for reading in _list(metrics.get("confidenceMetrics")):
        if not isinstance(reading, Mapping):
            continue
        x, y = _share(reading.get("falsePositiveRate")), _share(reading.get("recall"))
        if x is not None and y is not None:
            points.append((x, y, _number(reading.get("confidenceThreshold"))))
    points.sort(key=lambda point: point[:2])
    return Roc(label=label, points=points) if points else None


def matrix(label: str, metrics: Mapping[str, Any]) -> Matrix | None:
    """Read a confusion matrix; None where it is not a square of numbers with a name for each class."""
    found = metrics.get("confusionMatrix")
    if not isinstance(found, Mapping):
        return None
    specs = _list(found.get("annotationSpecs"))
    classes = [str(spec.get("displayName", "")) if isinstance(spec, Mapping) else str(spec) for spec in specs]
    rows = [_row(row) for row in _list(found.get("rows"))]
    if not classes or len(rows) != len(classes) or any(len(row) != len(classes) for row in rows):
        return None
    return Matrix(label=label, classes=classes, rows=rows)


def _row(row: Any) -> list[float]:
    numbers = [_number(value) for value in _list(row.get("row") if isinstance(row, Mapping) else row)]
    return [number for number in numbers if number is not None and number >= 0]


def _share(value: Any) -> float | None:
    number = _number(value)
    return number if number is not None and 0 <= number <= 1 else None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not isfinite(value):
        return None
    return value


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()
