"""A calendar of firings: one month in a schedule's own time zone. Pure."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from typing import ClassVar
from zoneinfo import ZoneInfo

from trainshed.dashboard.page import Part
from trainshed.errors import InvalidArgument
from trainshed.schedules import Cron

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTH = re.compile(r"(\d{4})-(\d\d)")
_YEARS = (1970, 9000)
_INSTANT = timedelta(microseconds=1)
GOES_ON = ("STARTED", "JOINED")  # what became of it is told by the work


@dataclass(frozen=True, kw_only=True)
class Month:
    """A month of a time zone."""

    first: date
    zone: str

    @classmethod
    def parse(cls, word: str, zone: str, now: datetime) -> "Month":
        """Read `2026-11`; without a word it is the month of now. Raises InvalidArgument."""
        if not word:
            return cls(first=now.astimezone(ZoneInfo(zone)).date().replace(day=1), zone=zone)
        found = _MONTH.fullmatch(word)
        try:
            first = date(int(found[1]), int(found[2]), 1) if found else None
        except ValueError:
            first = None
        if first is None or not _YEARS[0] <= first.year <= _YEARS[1]:
            raise InvalidArgument.field("month", f"{word!r} is no month such as 2026-11")
        return cls(first=first, zone=zone)

    @property
    def word(self) -> str:
        """The month as `parse` reads it."""
        return f"{self.first:%Y-%m}"

    @property
    def next(self) -> "Month":
        """The month after this one."""
        return Month(first=(self.first + timedelta(days=32)).replace(day=1), zone=self.zone)

    @property
    def previous(self) -> "Month":
        """The month before this one."""
        return Month(first=(self.first - timedelta(days=1)).replace(day=1), zone=self.zone)

    @property
    def days(self) -> list[date]:
        """Every day of it."""
        return [self.first + timedelta(days=n) for n in range((self.next.first - self.first).days)]

    @property
    def stretch(self) -> tuple[datetime, datetime]:
        """When it begins and ends."""
        return stretch(self.first, self.zone)[0], stretch(self.next.first, self.zone)[0]


def stretch(day: date, zone: str) -> tuple[datetime, datetime]:
    """Answer when a day of a zone begins and ends; on two days of a year that is not 24 hours."""
    begin, end = (
        datetime.combine(d, datetime.min.time(), ZoneInfo(zone)).astimezone(UTC) for d in (day, day + timedelta(days=1))
    )
    return begin, end


def parse_day(word: str) -> date:
    """Read `2026-11-23`. Raises InvalidArgument."""
    try:
        found = date.fromisoformat(word)
    except ValueError:
        found = None
    if found is None or not _YEARS[0] <= found.year <= _YEARS[1]:
        raise InvalidArgument.field("day", f"{word!r} is no day such as 2026-11-23")
    return found


def came_of(ended: Iterable[tuple[str, str]], states: Mapping[str, str]) -> dict[str, int]:
    """Count what became of firings: each by the receipt at the end of its chain, or by the run or build that was started.

    What was started and is neither (a call), or is gone, stays as it is. A firing counts on the day on which it was
    due, whenever its work began.
    """
    return Counter(states.get(link, state) if state in GOES_ON else state for state, link in ended)


def by_day(times: Iterable[datetime], zone: str) -> Mapping[date, int]:
    """Count times by their day in a zone."""
    tz = ZoneInfo(zone)
    return Counter(time.astimezone(tz).date() for time in times)


@dataclass(frozen=True, kw_only=True)
class Ahead:
    """What is still to come of a schedule."""

    cron: Cron
    after: datetime | None  # None: nothing comes while it is as it is
    until: datetime | None = None
    most: int | None = None

    def due(self, begin: datetime | None = None, end: datetime | None = None) -> Iterator[datetime]:
        """Answer the due times to come, of a stretch of time or all: from its beginning, and before its end."""
        if self.after is None:
            return
        last = min((time for time in (self.until, end) if time is not None), default=None)
        skips = self.most is None and begin is not None  # else the ones before count against the most
        after = max(self.after, begin - _INSTANT) if skips and begin is not None else self.after
        for due in islice(self.cron.due_times(after, until=last), self.most):
            if (begin is None or due >= begin) and (end is None or due < end):
                yield due


@dataclass(frozen=True, kw_only=True)
class Day:
    """One day: what fired, what became of it, what is to come."""

    date: date
    href: str = ""  # where its firings are; empty: there are none
    is_today: bool = False
    came: Mapping[str, int]  # firings, by what became of them
    planned: int = 0

    @property
    def number(self) -> int:
        """The day of the month."""
        return self.date.day

    @property
    def count(self) -> int:
        """How many firings there were."""
        return sum(self.came.values())


@dataclass(frozen=True, kw_only=True)
class Calendar(Part):
    """A month, a week a line."""

    title: str
    word: str
    zone: str
    weeks: Sequence[Sequence[Day | None]]
    previous: str  # address of the month before
    next: str
    weekdays: Sequence[str] = WEEKDAYS
    kind: ClassVar[str] = "calendar"


def weeks(days: Sequence[Day]) -> list[list[Day | None]]:
    """Put the days of a month into weeks that begin on Monday."""
    found: list[Day | None] = [None] * days[0].date.weekday() + list(days)
    found += [None] * (-len(found) % len(WEEKDAYS))
    return [found[n : n + len(WEEKDAYS)] for n in range(0, len(found), len(WEEKDAYS))]
