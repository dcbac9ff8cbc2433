"""The strip of what happened last: a bar each. `templates/parts/strip.html` draws it. Nothing here does I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import ClassVar

from trainshed.dashboard import scales
from trainshed.dashboard.page import Empty, Part
from trainshed.dashboard.scales import SECONDS
from trainshed.dashboard.wording import duration

_LEAST_BAR = 4  # percent, so that the shortest one is seen


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One bar of a strip."""

    label: str  # everything about it, in words
    state: str
    value: float | None  # its height; None where it is not known
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Strip(Part):
    """What happened last, oldest first: a bar each, as high as its value, in the colour of its state."""

    marks: Sequence[Mark]
    nothing: Empty
    unit: str = SECONDS
    kind: ClassVar[str] = "strip"

    @cached_property
    def bars(self) -> Sequence[tuple[Mark, float, float, float]]:
        """Marks with where they begin, how wide they are and how high, in percent."""
        highest = max((mark.value or 0 for mark in self.marks), default=0) or 1
        width = 100 / max(len(self.marks), 20)
        return [
            (mark, round(place * width, 3), round(width * 0.8, 3), _height(mark.value, highest))
            for place, mark in enumerate(self.marks)
        ]

    @property
    def summary(self) -> str:
        """How many of each state, and the longest."""
        states = {
            state: sum(1 for mark in self.marks if mark.state == state) for state in (m.state for m in self.marks)
        }
        counts = ", ".join(f"{count} {state}" for state, count in states.items())
        known = [mark.value for mark in self.marks if mark.value is not None]
        longest = duration if self.unit == SECONDS else partial(scales.write, unit=self.unit)  # as the table has it
        return f"{counts}; at most {longest(max(known))}" if known else counts


def _height(value: float | None, highest: float) -> float:
    return round(max((value or 0) / highest * 100, _LEAST_BAR), 2)
