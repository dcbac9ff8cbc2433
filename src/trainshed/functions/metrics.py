"""Figures of functions, computed from what is kept of each minute. Nothing here does I/O.

A minute keeps how many calls ended in it, well or not, and how often each duration and each amount of memory occurred.
These are kept to three digits: a percentile is off by at most half a percent, and a week of a busy function is read as
quickly as that of a quiet one. Instances are known by the calls that they served: one that only waits is not seen.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
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
class Minute:
    """What is known of the calls of one version in one minute."""

    start_time: datetime
    version: int
    ok: int = 0
    crash: int = 0
    millis: Mapping[str, int] = field(default_factory=dict)  # how often each duration occurred
    mebibytes: Mapping[str, int] = field(default_factory=dict)  # likewise
    instances: Sequence[str] = ()  # that served a call in it

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


def percentile(counts: Mapping[float, int], rank: float) -> float | None:
    """Answer the percentile of counted values by linear interpolation between closest ranks; None of nothing."""
    total = sum(counts.values())
    if not total:
        return None
    position = (total - 1) * rank / 100
    below = int(position)
    ordered = sorted(counts.items())
    first, second = _at(ordered, below), _at(ordered, min(below + 1, total - 1))
    return first + (second - first) * (position - below)


def figures(minutes: Iterable[Minute], *, seconds: float) -> dict[str, Any]:
    """Summarise minutes that last so many seconds together."""
    chosen = list(minutes)
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


def series(minutes: Iterable[Minute], *, since: datetime, until: datetime, step: timedelta) -> list[dict[str, Any]]:
    """Summarise per step of time, oldest first."""
    by_step: dict[int, list[Minute]] = {}
    for minute in minutes:
        by_step.setdefault((minute.start_time - since) // step, []).append(minute)
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
    total: Counter[float] = Counter()
    for counts in counted:
        for value, count in counts.items():
            total[float(value)] += count
    found = {f"p{rank}": percentile(total, rank) for rank in PERCENTILES}
    return {name: None if value is None else value * unit for name, value in found.items()}


def _at(ordered: Sequence[tuple[float, int]], position: int) -> float:
    for value, count in ordered:
        position -= count
        if position < 0:
            return value
    raise AssertionError("the position lies within what was counted")
