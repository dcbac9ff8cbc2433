"""The page of one schedule, of either kind: each kind says what its schedule is, and both have the same views of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link
from trainshed.dashboard.page import Actions, Facts, Page, Part, Tab
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers.firings import Firings, coming
from trainshed.dashboard.triggers.months import Ahead
from trainshed.dashboard.triggers.sources import follows
from trainshed.schedules import firing
from trainshed.sql import changes

_TRAIL = (Link(text="Schedules", href="/schedules"),)
_VIEWS = (("", "Firings"), ("calendar", "Calendar"), ("edit", "Edit"))


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a schedule of either kind says of itself."""

    name: str  # the resource
    noun: str  # under which its changes are told
    title: str
    state: str
    ahead: Ahead
    nothing: str  # said where nothing is ahead
    actions: Actions
    facts: Sequence[tuple[str, Cell]]
    forms: Sequence[Part]


def page(found: Described, firings: Firings, asked: Asked, *, now: datetime) -> Page:
    """Show a schedule: its firings, a calendar of them, or its forms. Raises InvalidArgument."""
    view = asked.choice("view", [word for word, _ in _VIEWS if word])
    parts, channels = _view(view, found, firings, asked, now=now)
    cron = found.ahead.cron
    return Page(
        title=found.title,
        section=ABOVE,
        state=Badge(state=found.state),
        about=(cron.words, cron.time_zone),
        trail=_TRAIL,
        tabs=_tabs(asked, view),
        parts=(found.actions, *parts),
        follows=(changes(found.noun, found.name), firing.CHANGED, *channels),
    )


def _view(
    view: str, found: Described, firings: Firings, asked: Asked, *, now: datetime
) -> tuple[Sequence[Part], Sequence[str]]:
    """Answer the parts of a view, and the channels that tell of changes to them."""
    if view == "edit":
        return found.forms, ()
    if view == "calendar":
        return [firings.calendar(found.name, found.ahead, asked, now=now)], (changes("receipt"), changes("run"))
    told, zone = firings.last(found.name), found.ahead.cron.time_zone
    parts = [
        firings.strip(told, zone),
        firings.listing(found.name, asked, zone),
        coming(found.ahead, nothing=found.nothing),
        Facts(id="facts", heading="What it does", pairs=found.facts),
    ]
    return parts, follows(told)


def _tabs(asked: Asked, view: str) -> list[Tab]:
    clear = {"view": None, "month": None, "page": None, "day": None}
    return [
        Tab(label=label, href=asked.href(**{**clear, "view": word}), is_current=word == view) for word, label in _VIEWS
    ]
