"""The steps of a build on one axis of time, so that one sees which ran at the same time. Nothing here does I/O."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import ClassVar

from trainshed.builds import Build, StepRecord
from trainshed.clock import parse_rfc3339
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.builds.words import called, command
from trainshed.dashboard.cells import Badge, Span, span
from trainshed.dashboard.page import Part

WIDTH = 1000  # of a bar's own coordinates
_LEAST_WIDTH = 6  # so that the shortest one is seen
_LEAST_SECONDS = 0.001
_DIGITS = 6  # behind the point, of seconds: what lies between two of them is written as exactly as anywhere else
_BROKEN = frozenset({"FAILURE", "INTERNAL_ERROR", "TIMEOUT", "CANCELLED", "EXPIRED"})


@dataclass(frozen=True, kw_only=True)
class Bar:
    """When something was at work, in seconds from the beginning; without an end it still is."""

    name: str
    state: str
    start: float
    end: float | None
    x: float
    width: float


@dataclass(frozen=True, kw_only=True)
class Step:
    """One row."""

    number: int
    name: str
    image: str
    command: str
    state: Badge
    duration: Span | None
    href: str
    is_selected: bool
    bars: Sequence[Bar]


@dataclass(frozen=True, kw_only=True)
class Steps(Part):
    """All steps, in order, below the phases of the whole; each leads to its part of the log."""

    steps: Sequence[Step]
    phases: Sequence[Bar]
    duration: Span | None
    origin: datetime | None  # where the axis begins
    length: float | None  # seconds; None: still growing
    href: str  # of the whole
    is_whole: bool
    kind: ClassVar[str] = "steps"
    module: ClassVar[str] = "steps.js"


@dataclass(frozen=True, kw_only=True)
class Axis:
    """From the start of a build to its end, or to the last thing that is known of it."""

    origin: datetime
    seconds: float

    def bar(self, name: str, state: str, start: datetime, end: datetime | None) -> Bar:
        """Lay out one bar; one that has not ended reaches to the end of the axis."""
        begin, over = self._at(start), self.seconds if end is None else self._at(end)
        x = WIDTH * begin / self.seconds
        width = max(WIDTH * (over - begin) / self.seconds, _LEAST_WIDTH)
        x = max(0.0, min(x, WIDTH - width))
        ended = None if end is None else round(over, _DIGITS)
        return Bar(name=name, state=state, start=round(begin, _DIGITS), end=ended, x=round(x, 1), width=round(width, 1))

    def _at(self, when: datetime) -> float:
        return min(max((when - self.origin).total_seconds(), 0.0), self.seconds)


def part(build: Build, asked: Asked, selected: int | None) -> Steps:
    """Make the part."""
    axis = axis_of(build)
    return Steps(
        id="steps",
        beside=True,
        heading="Build summary",
        steps=[_step(build, step, axis, asked, selected) for step in build.steps],
        phases=[] if axis is None else phases(build, axis),
        duration=span(build.start_time, build.end_time),
        origin=build.start_time,
        length=axis.seconds if axis is not None and build.is_final else None,
        href=asked.href(step=None, line=None),
        is_whole=selected is None,
    )


def axis_of(build: Build) -> Axis | None:
    """Answer the axis of a build that has begun; nothing on it depends on the clock of now."""
    if build.start_time is None:
        return None
    known = [build.start_time, *(t for s in build.steps for t in (s.start_time, s.end_time) if t is not None)]
    last = build.end_time or max(known)
    return Axis(origin=build.start_time, seconds=max((last - build.start_time).total_seconds(), _LEAST_SECONDS))


def phases(build: Build, axis: Axis) -> list[Bar]:
    """Lay out FETCHSOURCE, BUILD and PUSH: those that are over, and the one that goes on."""
    times = [(parse_rfc3339(at["startTime"]), parse_rfc3339(at["endTime"]), name) for name, at in build.timing.items()]
    bars = [axis.bar(name, name, start, end) for start, end, name in sorted(times)]
    if bars and build.state in _BROKEN:  # the last of them is where it broke
        bars[-1] = replace(bars[-1], state=build.state)
    now = None if build.is_final else _phase_of_now(build)
    return bars if now is None else [*bars, axis.bar(now[0], now[0], now[1], None)]


def _phase_of_now(build: Build) -> tuple[str, datetime] | None:
    """Tell which phase a build is in, and since when; None between two of them."""
    begun = [step.start_time for step in build.steps if step.start_time is not None]
    ended = [step.end_time for step in build.steps if step.end_time is not None]
    if not begun:
        has_source = bool(build.resolved.get("source")) and "FETCHSOURCE" not in build.timing
        return ("FETCHSOURCE", build.start_time) if has_source and build.start_time else None
    if len(ended) < len(build.steps):
        return "BUILD", min(begun)
    return ("PUSH", max(ended)) if build.resolved.get("images") and "PUSH" not in build.timing else None


def _step(build: Build, step: StepRecord, axis: Axis | None, asked: Asked, selected: int | None) -> Step:
    bars = []
    if axis is not None and step.start_time is not None:
        bars.append(axis.bar(called(step), step.state, step.start_time, step.end_time))
    return Step(
        number=step.number,
        name=called(step),
        image=step.name,
        command=command(build, step.number),
        state=Badge(state=step.state, note=f"exit code {step.exit_code}" if step.exit_code else ""),
        duration=span(step.start_time, step.end_time),
        href=asked.href(step=str(step.number), line=None),
        is_selected=step.number == selected,
        bars=bars,
    )
