"""Cron in wall-clock time: which instants an expression names in a time zone. Pure.

Parsing and the choice of days are `cronsim`'s, always without a zone; what a daylight-saving switch does to a
wall-clock time is decided here, by the schedule's own policy. A day without a switch is expanded with one offset, so
a year of a minute-by-minute schedule is a matter of milliseconds.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from itertools import islice
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from trainshed.errors import InvalidArgument

_FIELDS = (
    "minute (0-59)",
    "hour (0-23)",
    "day of month (1-31)",
    "month (1-12 or JAN-DEC)",
    "day of week (0-7 or SUN-SAT)",
)
_TERM = re.compile(r"(\*|\d+(-\d+)?|[A-Za-z]{3}(-[A-Za-z]{3})?)(/\d+)?")
_MACROS = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}
_DAY = timedelta(days=1)
_SEARCHED_DAYS = 366 * 41  # the rarest date, 29 February on a given weekday across 2100, comes within 40 years
_START = datetime(2000, 1, 1)  # noqa: DTZ001  (wall-clock time; cronsim only parses with it)


class Gap(StrEnum):
    """What becomes of a wall-clock time that does not exist, in spring."""

    SKIP = "skip"  # it does not fire
    RUN_NEXT = "run_next"  # it fires as soon as the clock has jumped


class Fold(StrEnum):
    """What becomes of a wall-clock time that exists twice, in autumn."""

    BOTH = "both"  # it fires both times
    FIRST_ONLY = "first_only"  # it fires the first time


@dataclass(frozen=True, kw_only=True)
class DaylightSaving:
    """A schedule's policy for both switches. The default is plain wall-clock time, as Google documents it."""

    gap: Gap = Gap.SKIP
    fold: Fold = Fold.BOTH

    @classmethod
    def parse(cls, text: str) -> "DaylightSaving":
        """Read `skip`, `run_next`, `both`, `first_only`, or one of each pair joined by a comma."""
        gap: Gap | None = None
        fold: Fold | None = None
        for word in filter(None, (w.strip().lower().replace("-", "_") for w in text.split(","))):
            if word in tuple(Gap) and gap is None:
                gap = Gap(word)
            elif word in tuple(Fold) and fold is None:
                fold = Fold(word)
            else:
                raise InvalidArgument.field(
                    "daylightSaving",
                    f"{text!r}: use skip or run_next for the hour that is missing in spring, both or first_only for "
                    "the hour that comes twice in autumn, or one of each as in 'run_next,first_only'",
                )
        return cls(gap=gap or Gap.SKIP, fold=fold or Fold.BOTH)

    def __str__(self) -> str:
        """Both halves, as `parse` reads them."""
        return f"{self.gap},{self.fold}"


@dataclass(frozen=True)
class Cron:
    """A checked expression in a zone with a policy."""

    expression: str
    time_zone: str = "Etc/UTC"
    daylight_saving: DaylightSaving = DaylightSaving()

    def __post_init__(self) -> None:
        _parse(self.expression)
        zone(self.time_zone)

    @property
    def zone(self) -> ZoneInfo:
        """The time zone."""
        return zone(self.time_zone)

    @property
    def words(self) -> str:
        """The expression as people say it."""
        return _words(self.expression)

    def next_due(self, after: datetime) -> datetime | None:
        """Answer the first due time later than `after`, or None when there is none within forty years."""
        return next(self.due_times(after), None)

    def preview(self, after: datetime, *, until: datetime | None = None, limit: int = 10) -> list[datetime]:
        """Answer the next due times, at most `limit`, none later than `until`."""
        times = self.due_times(after, until=until)
        return list(islice(times, limit))

    def due_times(self, after: datetime, *, until: datetime | None = None) -> Iterator[datetime]:
        """Answer due times later than `after` in order, up to and with `until`, in UTC."""
        last = date.max if until is None else (until + 2 * _DAY).date()
        for batch in _days(_parse(self.expression), zone(self.time_zone), self.daylight_saving, after, last):
            if until is not None and batch and batch[-1] > until:
                yield from (due for due in batch if due <= until)
                return
            yield from batch

    def count(self, after: datetime, until: datetime) -> int:
        """Answer how many due times are later than `after` and not later than `until`."""
        return sum(1 for _ in self.due_times(after, until=until))


@lru_cache(maxsize=512)
def zone(name: str) -> ZoneInfo:
    """Find an IANA time zone. Raises InvalidArgument."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InvalidArgument.field(
            "timeZone",
            f"{name!r} is not a time zone of the IANA database; write it like Europe/Berlin or Etc/UTC",
            reason="TIME_ZONE_UNKNOWN",
        ) from error


@dataclass(frozen=True)
class _Plan:
    """What one day that matches holds, and how to tell which day matches."""

    sim: CronSim
    offsets: tuple[timedelta, ...]  # since midnight

    def matches(self, day: date) -> bool:
        return day.month in self.sim.months and bool(self.sim.match_day(day))


@lru_cache(maxsize=1024)
def _words(expression: str) -> str:
    return str(_parse(expression).sim.explain())


@lru_cache(maxsize=4096)
def _parse(expression: str) -> _Plan:
    text = expression.strip()
    if text.startswith("@"):
        known = _MACROS.get(text.lower())
        advice = f"write {known!r}" if known else "write five fields, as in '*/3 * * * *'"
        raise InvalidArgument.field("schedule", f"{text!r} is a macro, which Cloud Scheduler has not; {advice}")
    fields = text.split()
    if len(fields) != len(_FIELDS):
        raise InvalidArgument.field(
            "schedule",
            f"{expression!r} has {len(fields)} fields; write five: minute, hour, day of month, month, day of week",
        )
    for part, name in zip(fields, _FIELDS, strict=True):
        _check_field(expression, part, name)
    try:
        sim = CronSim(text, _START)
    except CronSimError as error:
        raise _never(expression) from error
    plan = _Plan(sim, tuple(timedelta(hours=h, minutes=m) for h in sorted(sim.hours) for m in sorted(sim.minutes)))
    if not any(plan.matches(_START.date() + n * _DAY) for n in range(_SEARCHED_DAYS)):
        raise _never(expression)
    return plan


def _check_field(expression: str, part: str, name: str) -> None:
    if not all(_TERM.fullmatch(term) for term in part.split(",")):
        raise InvalidArgument.field(
            "schedule", f"{expression!r}: {part!r} cannot be the {name}; use *, a number, a-b, a list a,b or a step */n"
        )
    fields = ["*"] * len(_FIELDS)
    fields[_FIELDS.index(name)] = part
    try:
        CronSim(" ".join(fields), _START)
    except CronSimError as error:
        raise InvalidArgument.field("schedule", f"{expression!r}: {part!r} cannot be the {name}") from error


def _never(expression: str) -> InvalidArgument:
    return InvalidArgument.field(
        "schedule",
        f"{expression!r} never fires: no such day of month exists in the months given; change either",
        reason="SCHEDULE_NEVER_FIRES",
    )


def _days(plan: _Plan, tz: ZoneInfo, policy: DaylightSaving, after: datetime, last: date) -> Iterator[list[datetime]]:
    """Answer due times in sorted batches.

    Days with a switch, and the days beside them, may overlap in time (a switch just after midnight takes the clock back
    to the day before), so their times are held until no later day can come before them.
    """
    first = after.astimezone(tz).date() - _DAY
    held: set[datetime] = set()
    for number in range(_SEARCHED_DAYS):
        try:
            day = datetime.combine(first + number * _DAY, datetime.min.time())
            if not held and not plan.matches(day.date()):
                if day.date() > last:
                    return
                continue
            times, is_regular = _expand(plan, tz, policy, day)
        except OverflowError:  # the calendar ends
            return
        if is_regular and not held:
            yield times if not times or times[0] > after else [t for t in times if t > after]
            continue
        held |= {t for t in times if t > after}
        floor = min(_utc(day + _DAY, tz, 0), _utc(day + _DAY, tz, 1))
        ready = sorted(t for t in held if t < floor)
        held -= set(ready)
        yield ready


def _expand(plan: _Plan, tz: ZoneInfo, policy: DaylightSaving, day: datetime) -> tuple[list[datetime], bool]:
    edges = (_utc(day, tz, 0), _utc(day, tz, 1), _utc(day + _DAY, tz, 0), _utc(day + _DAY, tz, 1))
    is_regular = edges[0] == edges[1] and edges[2] == edges[3] == edges[0] + _DAY
    if not plan.matches(day.date()):
        return [], is_regular
    if is_regular:
        start = edges[0]
        return [start + offset for offset in plan.offsets], True
    return sorted({due for offset in plan.offsets for due in _instants(day + offset, tz, policy)}), False


def _instants(wall: datetime, tz: ZoneInfo, policy: DaylightSaving) -> list[datetime]:
    first, second = _utc(wall, tz, 0), _utc(wall, tz, 1)
    if first == second:
        return [first]
    if first < second:  # the wall-clock time comes twice
        return [first, second] if policy.fold is Fold.BOTH else [first]
    return [] if policy.gap is Gap.SKIP else [_switch(second, first, tz)]


def _switch(before: datetime, after: datetime, tz: ZoneInfo) -> datetime:
    """Find the instant, to the second, at which the offset changes between two times."""
    old = before.astimezone(tz).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before).total_seconds() // 2)
        if middle.astimezone(tz).utcoffset() == old:
            before = middle
        else:
            after = middle
    return after


def _utc(wall: datetime, tz: ZoneInfo, fold: int) -> datetime:
    return wall.replace(tzinfo=tz, fold=fold).astimezone(UTC)
