"""How long a run, or a part of one, was at work: without the pauses between an end and the retry that went on from it. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.runs.model import Run


class Timed(Protocol):
    """As much of a run as says how long it worked."""

    @property
    def start_time(self) -> datetime | None:
        """When it began for the first time."""

    @property
    def end_time(self) -> datetime | None:
        """When it ended for the last time."""

    @property
    def pauses(self) -> Sequence[Sequence[str]] | None:
        """What `Run.pauses` says."""


def worked_seconds(run: Timed) -> float | None:
    """Answer how long a run was at work; None while it goes on, and of one that never began."""
    if run.start_time is None or run.end_time is None:
        return None
    return (run.end_time - run.start_time).total_seconds() - paused_seconds(run, run.start_time, run.end_time)


def paused_seconds(run: Timed, start: datetime | None = None, end: datetime | None = None) -> float:
    """Answer how long nobody did anything of a run, in all or between two times."""
    total = 0.0
    for begin, until in pauses(run):
        first, last = max(begin, start or begin), min(until, end or until)
        total += max(0.0, (last - first).total_seconds())
    return total


def pauses(run: Timed) -> list[tuple[datetime, datetime]]:
    """Answer from when to when nobody did anything of a run, the first pause first."""
    return [(parse_rfc3339(begin), parse_rfc3339(until)) for begin, until in run.pauses or ()]


def with_pause(run: Run, until: datetime) -> list[Sequence[str]] | None:
    """Answer the pauses of a run that ended and goes on now; what never began was not interrupted."""
    known = list(run.pauses or ())
    if run.start_time is not None and run.end_time is not None:
        known.append((rfc3339(run.end_time), rfc3339(until)))
    return known or None
