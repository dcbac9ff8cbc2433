"""Figures of functions, computed from what is kept of each minute. Nothing here does I/O.

A minute keeps how many calls ended in it, well or not, and how often each duration and each amount of memory occurred.
These are kept to three digits: a percentile is off by at most half a percent, and a week of a busy function is read as
quickly as that of a quiet one. Instances are known by the calls that they served: one that only waits is not seen.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from math import floor, log10
from typing import Any

from trainshed.functions.model import Ended, Invocation

PERCENTILES = (50, 95, 99)
MINUTE = timedelta(minutes=1)
_DIGITS = 3
_MOST_STEPS = 96
_STEPS = tuple(timedelta(minutes=m) for m in (1, 2, 5, 10, 15, 30, 60, 120, 360, 720, 1440))
_MOST_MINUTES = 24 * 60  # that a call is looked for: none runs longer


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """What is known of the calls in a stretch of time."""

    start_time: datetime
    ok: int = 0
    crash: int = 0
    millis: Mapping[str, int] = field(default_factory=dict)  # how often each duration occurred
    mebibytes: Mapping[str, int] = field(default_factory=dict)  # likewise
    instances: Collection[str] = ()  # that served a call in it


@dataclass(frozen=True, kw_only=True)
class Minute(Stretch):
    """What is known of the calls of one version in one minute."""

    version: int

    @classmethod
    def from_row(cls, row: Any) -> "Minute":
        """Read a row of `function_minutes`."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    def having(self, instance: str) -> "Minute":
        """Add an instance that served."""
        instances = self.instances if not instance or instance in self.instances else (*self.instances, instance)
        return Minute(**{**vars(self), "instances": instances})

    def with_call(self, ended: Ended) -> "Minute":
        """Add a call that ended in it."""
        counted = {"ok": self.ok + ended.ok, "crash": self.crash + (not ended.ok)}
        millis = _counted(self.millis, ended.duration_seconds * 1000)
        mebibytes = _counted(self.mebibytes, ended.memory_bytes / (1 << 20))
        return Minute(**{**vars(self), **counted, "millis": millis, "mebibytes": mebibytes})


def minutes_of(invocation: Invocation, end: datetime) -> list[datetime]:
    """Answer the minutes in which a call was under way; it is counted in the last one."""
    first, last = floored(invocation.start_time, MINUTE), floored(end, MINUTE)
    count = min(int((last - first) / MINUTE), _MOST_MINUTES)
    return [last - MINUTE * back for back in range(max(count, 0), -1, -1)]


def percentiles(counts: Mapping[float, int], ranks: Iterable[float]) -> list[float | None]:
    """Answer percentiles of counted values by linear interpolation between closest ranks; None of nothing."""
    values = sorted(counts)
    ends = list(accumulate(counts[value] for value in values))  # how many are that great, or less
    return [_percentile(values, ends, rank) for rank in ranks]


def figures(stretches: Iterable[Stretch], *, seconds: float) -> dict[str, Any]:
    """Summarise stretches that last so many seconds together."""
    chosen = list(stretches)
    ok, crash = sum(m.ok for m in chosen), sum(m.crash for m in chosen)
    return {
        "invocations": ok + crash,
        "ok": ok,
        "crash": crash,
        "okPerSecond": ok / seconds,
        "crashPerSecond": crash / seconds,
        "executionMillis": _percentiles([m.millis for m in chosen], 1),
        "memoryBytes": _percentiles([m.mebibytes for m in chosen], 1 << 20),
        "activeInstances": len({instance for m in chosen for instance in m.instances}),
    }


def series(stretches: Iterable[Stretch], *, since: datetime, until: datetime, step: timedelta) -> list[dict[str, Any]]:
    """Summarise per step of time, oldest first; no stretch is longer than a step."""
    by_step: dict[int, list[Stretch]] = {}
    for stretch in stretches:
        by_step.setdefault((stretch.start_time - since) // step, []).append(stretch)
    return [
        {"time": since + step * number, **figures(by_step.get(number, ()), seconds=step.total_seconds())}
        for number in range(-(-(until - since) // step))
    ]


def window_of(now: datetime, length: timedelta) -> tuple[datetime, datetime, timedelta]:
    """Answer since, until and step of the window of that length that holds now: whole steps, so that it stands still."""
    step = next((s for s in _STEPS if length / s <= _MOST_STEPS), _STEPS[-1])
    until = floored(now, step) + step
    return until - step * -(-length // step), until, step


def floored(when: datetime, step: timedelta) -> datetime:
    """Answer the beginning of the step that a time lies in."""
    seconds = step.total_seconds()
    return datetime.fromtimestamp(when.timestamp() // seconds * seconds, UTC)


def _counted(counts: Mapping[str, int], value: float) -> dict[str, int]:
    if value <= 0:  # not measured: it never ran
        return dict(counts)
    digits = _DIGITS - 1 - floor(log10(value))
    key = f"{round(value, digits):g}" if digits > 0 else str(int(round(value, digits)))
    return {**counts, key: counts.get(key, 0) + 1}


def _percentiles(counted: Iterable[Mapping[str, int]], unit: float) -> dict[str, float | None]:
    total: Counter[str] = Counter()
    for counts in counted:
        total.update(counts)
    found = percentiles({float(value): count for value, count in total.items()}, PERCENTILES)
    return {f"p{rank}": None if value is None else value * unit for rank, value in zip(PERCENTILES, found, strict=True)}


def _percentile(values: Sequence[float], ends: Sequence[int], rank: float) -> float | None:
    if not values:
        return None
    position = (ends[-1] - 1) * rank / 100
    below = int(position)
    first, second = (values[bisect_right(ends, place)] for place in (below, min(below + 1, ends[-1] - 1)))
    return first + (second - first) * (position - below)
