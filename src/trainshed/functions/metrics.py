"""Figures of a function's dashboard, computed from its invocations. Nothing here does I/O."""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from trainshed.functions.model import Invocation

PERCENTILES = (50, 95, 99)


def percentile(values: Sequence[float], rank: float) -> float | None:
    """Answer the percentile by linear interpolation between closest ranks; None of nothing."""
    if not values:
        return None
    ordered = sorted(values)
    position = (len(ordered) - 1) * rank / 100
    below = int(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def figures(invocations: Iterable[Invocation], *, since: datetime, until: datetime) -> dict[str, Any]:
    """Summarise the invocations that started in [since, until)."""
    chosen = [i for i in invocations if since <= i.start_time < until]
    ended = [i for i in chosen if i.end_time is not None]
    ok = sum(1 for i in ended if i.state == "OK")
    seconds = (until - since).total_seconds()
    return {
        "invocations": len(chosen),
        "ok": ok,
        "crash": len(ended) - ok,
        "okPerSecond": ok / seconds,
        "crashPerSecond": (len(ended) - ok) / seconds,
        "executionMillis": _percentiles([1000 * i.duration_seconds for i in ended if i.duration_seconds is not None]),
        "memoryBytes": _percentiles([float(i.memory_bytes) for i in ended if i.memory_bytes]),
        "activeInstances": len({i.instance for i in chosen if i.instance}),
    }


def series(
    invocations: Iterable[Invocation], *, since: datetime, until: datetime, step: timedelta
) -> list[dict[str, Any]]:
    """Summarise per step of time, oldest first; an instance is active in a step when it serves in it."""
    known = list(invocations)
    points = []
    start = since
    while start < until:
        end = min(start + step, until)
        points.append({"time": start, **figures(known, since=start, until=end)})
        start = end
    return points


def _percentiles(values: Sequence[float]) -> dict[str, float | None]:
    return {f"p{rank}": percentile(values, rank) for rank in PERCENTILES}
