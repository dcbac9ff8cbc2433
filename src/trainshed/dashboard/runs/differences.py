"""What differs between several things that have the same kinds of values. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import Any, NamedTuple

from trainshed.floats import is_number

_NEAR = 1.1  # durations within ten percent of each other are alike
_SHORT = 0.5  # seconds, within which they are alike in any case
NEARLY = "within a tenth or half a second of each other"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One value of each; None where a thing has none."""

    label: str
    values: Sequence[Any]
    title: str = ""  # the label by the own name of its task, where that is another


class OfTask(NamedTuple):
    """What names a row that is about a task: the same by its own name in all things, however it is called."""

    task: str
    lead: str = ""
    rest: str = ""

    def said(self, called: Callable[[str], str]) -> str:
        """Say it with what a task is called."""
        return f"{self.lead}{called(self.task)}{self.rest}"


Same = Callable[[Sequence[Any]], bool]


def equal(values: Sequence[Any]) -> bool:
    """Whether all are the same: 1 and 1.0 are, 1 and true are not."""
    return all(
        (before == after or (_is_nan(before) and _is_nan(after)))
        and isinstance(before, bool) == isinstance(after, bool)
        for before, after in pairwise(values)
    )


def near(values: Sequence[float | None]) -> bool:
    """Whether durations are alike, as far as durations ever are."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return not known
    return max(known) - min(known) <= _SHORT or max(known) <= min(known) * _NEAR


def rows(sides: Sequence[Mapping[Any, Any]], called: Callable[[str], str] = str) -> list[Row]:
    """Put values of the same name beside each other, in the order in which the names first come."""
    keys: dict[str | OfTask, None] = dict.fromkeys(key for side in sides for key in side)
    return [_row(key, [side.get(key) for side in sides], called) for key in keys]


def _row(key: str | OfTask, values: Sequence[Any], called: Callable[[str], str]) -> Row:
    if isinstance(key, str):
        return Row(label=key, values=values)
    label, title = key.said(called), key.said(str)
    return Row(label=label, values=values, title=title if title != label else "")


def split(found: Iterable[Row], same: Same = equal) -> tuple[list[Row], list[Row]]:
    """Answer the rows that differ, and those that do not."""
    different: list[Row] = []
    alike: list[Row] = []
    for row in found:
        (alike if same(row.values) else different).append(row)
    return different, alike


def amount(value: float) -> str:
    """Write how much a number without a unit changed."""
    return f"{value:.4g}"


def change(before: Any, after: Any, write: Callable[[float], str] = amount) -> str:
    """Say by how much a number changed; nothing of what is no number, or did not change."""
    if not is_number(before) or not is_number(after) or before == after:
        return ""
    by = after - before
    sign = "+" if by > 0 else "−"
    share = f" ({sign}{abs(by / before) * 100:.1f} %)" if before else ""
    return f"{sign}{write(abs(by))}{share}"


def _is_nan(value: Any) -> bool:
    return isinstance(value, float) and isnan(value)
