"""When each task waited and ran, attempt by attempt, on the time axis of its run."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from trainshed import runs
from trainshed.dashboard import scales
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Span
from trainshed.dashboard.page import Empty, Part
from trainshed.dashboard.runs.tasks import address, counted_tasks, in_order, label
from trainshed.dashboard.runs.words import part_took
from trainshed.dashboard.scales import SECONDS
from trainshed.dashboard.wording import duration
from trainshed.quantities import of_pauses
from trainshed.sql.lifecycle import Change

PAGE = 100
_WAITING, _WORKING = {"QUEUED"}, {"RUNNING", "CANCELLING"}
_THIN = 0.15  # per cent of the axis; nothing is thinner
_HOW = {
    "succeeded": "succeeded", "failed_final": "failed", "failed_retry": "failed", "lease_expired": "cancelled",
    "stopped": "cancelled",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Segment:
    """A stretch of a task's time: in per cent of the axis, and in words."""

    kind: str  # wait, run, group, moment
    state: str  # that it ended with; running while it goes on
    left: float
    width: float
    words: str


@dataclass(frozen=True, kw_only=True)
class Row:
    """A task."""

    label: str
    name: str  # which no other row has
    href: str
    depth: int
    state: str
    took: Span | None
    segments: Sequence[Segment]


@dataclass(frozen=True, kw_only=True)
class Timeline(Part):
    """The Gantt chart of a run."""

    ticks: Sequence[tuple[float, str]]  # per cent of the axis, label
    rows: Sequence[Row]
    nothing: Empty
    count: str  # of what
    more: str = ""
    kind: ClassVar[str] = "timeline"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """The time from one moment to another."""

    start: datetime
    end: datetime
    pauses: Sequence[tuple[datetime, datetime]] = ()  # within it, that are cut out

    @property
    def seconds(self) -> float:
        """How long it is; never nothing."""
        return max(self._until(self.end), 0.001)

    def place(self, when: datetime) -> float:
        """Answer where a moment is, in per cent."""
        return round(min(100.0, max(0.0, 100 * self._until(when) / self.seconds)), 3)

    def _until(self, when: datetime) -> float:
        paused = sum(max(0.0, (min(end, when) - begin).total_seconds()) for begin, end in self.pauses)
        return (when - self.start).total_seconds() - paused


def part(service: runs.Service, found: runs.Marks, asked: Asked) -> Timeline:
    """Make a page of the chart: tasks that did something, in the order of the plan. Raises InvalidArgument."""
    run = found.run
    start = asked.number("from", 0, most=1_000_000)
    marks = [mark for mark in in_order(found.tasks) if mark.state not in {"PENDING", "NOT_TRIGGERED"}]
    shown = marks[start : start + PAGE]
    pauses = runs.pauses(run)
    axis = Axis(start=run.create_time, end=run.end_time or service.clock.now(), pauses=pauses)
    cut = sum((end - begin).total_seconds() for begin, end in pauses)
    changes = service.changes_of_tasks([mark.id for mark in shown])
    tasks = dict(found.plan.walk())
    return Timeline(
        id="timeline",
        heading=f"Timeline, without {of_pauses(cut)}" if cut else "Timeline",
        ticks=[(round(100 * at / axis.seconds, 3), label) for at, label in scales.axis(0, axis.seconds, SECONDS) if at <= axis.seconds],
        rows=[
            Row(
                label=label(mark.name, mark.iteration, tasks),
                name=mark.name,
                href=address(run.name, mark.name),
                depth=mark.name.count("."),
                state=mark.state,
                took=part_took(run, mark.start_time, mark.end_time),
                segments=list(segments(changes[mark.id], axis, is_group=mark.is_dag)),
            )
            for mark in shown
        ],
        nothing=Empty(text="No task of this run has begun."),
        count=counted_tasks(marks),
        more=asked.href(**{"from": str(start + PAGE)}) if start + PAGE < len(marks) else "",
    )  # fmt: skip


def segments(changes: Sequence[Change], axis: Axis, *, is_group: bool) -> Iterator[Segment]:
    """Answer the stretches of a task's time out of what happened to it."""
    attempt = 0
    for place, change in enumerate(changes):
        later = changes[place + 1 :]
        if change.state in _WAITING:
            end = later[0].time if later else axis.end
            yield _segment("wait", "", axis, change.time, end, f"waited {_between(change.time, end)}")
        elif change.transition == "cache_hit":
            yield _segment("moment", "skipped", axis, change.time, change.time, "its outputs were reused")
        elif change.state in _WORKING and change.transition != "cancel_running":  # which goes on until it is stopped
            attempt += 1
            after = next((c for c in later if c.state not in _WORKING), None)
            end = after.time if after else axis.end
            how = f"{_HOW.get(after.transition, after.state.lower())} after" if after else "running for"
            words = "" if is_group else f"attempt {attempt}: "
            kind = "group" if is_group else "run"
            yield _segment(
                kind, how.split(maxsplit=1)[0], axis, change.time, end, f"{words}{how} {_between(change.time, end)}"
            )


def _between(since: datetime, until: datetime) -> str:
    return duration((until - since).total_seconds())


def _segment(kind: str, state: str, axis: Axis, since: datetime, until: datetime, words: str) -> Segment:
    left, right = axis.place(since), axis.place(until)
    return Segment(
        kind=kind, state=state, left=min(left, 100 - _THIN), width=max(round(right - left, 3), _THIN), words=words
    )
