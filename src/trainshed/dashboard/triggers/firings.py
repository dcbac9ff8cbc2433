"""What a schedule of either kind shows of its firings: the strip, the list, the next ones, a calendar."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import islice
from zoneinfo import ZoneInfo

from trainshed import ledger
from trainshed.dashboard import links, strips
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link, Several, Time, time
from trainshed.dashboard.page import Empty, Part, Table
from trainshed.dashboard.triggers import months, stories
from trainshed.dashboard.triggers.months import Ahead, Calendar, Day, Month
from trainshed.dashboard.triggers.sources import Sources
from trainshed.dashboard.triggers.stories import Story

STRIP = 50
_SHOWN = 50
_OF_A_DAY = 500
_COMING = 10
_COLUMNS = ("When", "What became of it", "Led to", "Duration", "Receipt")
_NOTHING = Empty(text="It has not fired yet. Run now fires it once, whatever its cron says.")


class Firings:
    """Parts over the firings of one schedule at a time."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def last(self, name: str) -> list[Story]:
        """Answer the last firings, newest first."""
        return self._sources.last(name, limit=STRIP)

    def strip(self, told: Sequence[Story], zone: str) -> Part:
        """Draw the last firings in a line."""
        heading = f"Last {STRIP} firings: the higher, the longer the run took"
        return strips.Strip(id="strip", heading=heading, marks=stories.bars(told, zone), nothing=_NOTHING)

    def listing(self, name: str, asked: Asked, zone: str) -> Table:
        """List firings, newest first, a page at a time, or those of a day."""
        if word := asked.word("day"):
            return self._of_day(name, months.parse_day(word), zone)
        wanted = ledger.Search(trigger=name, page_size=_SHOWN, page_token=asked.word("page"))
        found = self._sources.receipts.search(wanted)
        more = asked.href(page=found.token) if found.token else ""
        return _table("Periodic runs", self._sources.tell(found.receipts), zone, nothing=_NOTHING, more=more)

    def _of_day(self, name: str, day: date, zone: str) -> Table:
        begin, end = months.stretch(day, zone)
        found = self._sources.receipts.due(name, begin, end, limit=_OF_A_DAY)
        said = f"Firings of {day} in {zone}" + (f", the last {_OF_A_DAY}" if len(found) == _OF_A_DAY else "")
        nothing = Empty(text=f"It did not fire on {day}.")
        return _table(said, self._sources.tell(found), zone, nothing=nothing)

    def calendar(self, name: str, ahead: Ahead, asked: Asked, *, now: datetime) -> Calendar:
        """Draw a month of firings, those to come among them. Raises InvalidArgument."""
        zone = ahead.cron.time_zone
        month = Month.parse(asked.word("month"), zone, now)
        stretches = [months.stretch(day, zone) for day in month.days]
        fired = self._sources.receipts.due_ends(name, stretches)
        states = self._sources.states([link for ended in fired for state, link in ended if state in months.GOES_ON])
        planned = months.by_day(ahead.due(*month.stretch), zone)
        today = now.astimezone(ZoneInfo(zone)).date()
        days = [
            Day(
                date=day,
                href=asked.href(view=None, month=None, page=None, day=str(day)) if ended else "",
                is_today=day == today,
                came=months.came_of(ended, states),
                planned=planned.get(day, 0),
            )
            for day, ended in zip(month.days, fired, strict=True)
        ]
        return Calendar(
            id="calendar",
            title=f"{month.first:%B %Y}",
            word=month.word,
            zone=zone,
            weeks=months.weeks(days),
            previous=asked.href(month=month.previous.word),
            next=asked.href(month=month.next.word),
        )


def coming(ahead: Ahead, *, nothing: str) -> Table:
    """List the next due times in their zone, and in UTC where that is another one."""
    shown, zone = list(islice(ahead.due(), _COMING)), ahead.cron.time_zone
    columns = ["Next firing", f"In {zone}"]
    rows: list[list[Cell]] = [[time(due, zone), Time(when=due, zone=zone, is_exact=True)] for due in shown]
    if not all(_is_utc(due, zone) for due in shown):
        columns.append("In UTC")
        rows = [[*row, Time(when=due, is_exact=True)] for row, due in zip(rows, shown, strict=True)]
    return Table(id="next-firings", heading="Next firings", columns=columns, rows=rows, nothing=Empty(text=nothing))


def _is_utc(when: datetime, zone: str) -> bool:
    return not when.astimezone(ZoneInfo(zone)).utcoffset()


def next_of(due: datetime | None, zone: str) -> Cell:
    """Answer how long it is to a next firing, and when it is in the zone of its schedule; in UTC where that is another."""
    if due is None:
        return None
    exactly = [Time(when=due, zone=zone, is_exact=True)]
    if not _is_utc(due, zone):
        exactly.append(Time(when=due, is_exact=True))
    return Several(cells=(Time(when=due, zone=zone), *exactly))


def _table(heading: str, told: Sequence[Story], zone: str, *, nothing: Empty, more: str = "") -> Table:
    """List firings by when they were due: in the zone of their schedule, and in UTC where that is another one."""
    is_utc = all(_is_utc(story.time, zone) for story in told)
    due = ("Due",) if is_utc else (f"Due in {zone}", "In UTC")
    return Table(
        id="firings",
        heading=heading,
        columns=(*due, *_COLUMNS),
        rows=[
            (
                *(Time(when=story.time, zone=z, is_exact=True) for z in ((zone,) if is_utc else (zone, "UTC"))),
                Time(when=story.time, zone=zone),
                story.outcome,
                story.led_to,
                story.took,
                Link(text=story.receipt.receipt_id, href=links.href("/receipts", story.receipt.receipt_id)),
            )
            for story in told
        ],
        nothing=nothing,
        more=more,
    )
