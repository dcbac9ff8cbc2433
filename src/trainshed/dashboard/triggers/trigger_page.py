"""The page of one trigger, of either kind: each kind says what its trigger is, and both show what came to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from trainshed import ledger
from trainshed.dashboard import links, strips
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, Time
from trainshed.dashboard.page import Actions, Empty, Facts, Notice, Page, Part, Tab, Table
from trainshed.dashboard.triggers import SECTION, stories
from trainshed.dashboard.triggers.sources import Sources, follows
from trainshed.dashboard.triggers.stories import Story

_TRAIL = (Link(text="Triggers", href=SECTION),)
_STRIP = 50
_SHOWN = 50
_VIEWS = (("", "Events"), ("edit", "Edit"))
_NOTHING = Empty(text="Nothing has come to it yet.")


@dataclass(frozen=True, kw_only=True)
class Described:
    """What a trigger of either kind says of itself."""

    name: str  # the resource
    kind: str  # as people call it
    title: str
    is_disabled: bool
    watched: Cell
    channel: str  # on which changes to triggers of its kind are told
    error: str = ""  # of its last look, or of its last event
    trouble: str = "Last error"  # what the error is
    actions: Actions
    by_hand: Sequence[Part] = ()  # forms that let it do its work now
    facts: Sequence[tuple[str, Cell]]
    forms: Sequence[Part] = ()  # that change it
    document: Sequence[Part] = ()  # all of it, as Google has it


def page(found: Described, sources: Sources, asked: Asked) -> Page:
    """Show a trigger: its last events, how it is set off by hand, what it does; or its forms. Raises InvalidArgument."""
    view = asked.choice("view", [word for word, _ in _VIEWS if word])
    told = [] if view else sources.last(found.name, limit=_STRIP)
    return Page(
        title=found.title,
        section=SECTION,
        state=state(is_disabled=found.is_disabled),
        about=(found.kind, found.watched),
        trail=_TRAIL,
        tabs=[
            Tab(label=label, href=asked.href(view=word, page=None), is_current=word == view) for word, label in _VIEWS
        ],
        parts=(found.actions, *_wrong(found), *(found.forms if view else _events_of(found, told, sources, asked))),
        follows=(found.channel, *follows(told)),
    )


def _wrong(found: Described) -> Sequence[Part]:
    return [Notice(id="error", heading=found.trouble, text=found.error, state="FAILED")] if found.error else []


def _events_of(found: Described, told: Sequence[Story], sources: Sources, asked: Asked) -> Sequence[Part]:
    return (
        _strip(told),
        _events(found.name, sources, asked),
        *found.by_hand,
        Facts(id="facts", heading="What it does", pairs=found.facts),
        *found.document,
    )


def state(*, is_disabled: bool) -> Badge:
    """Say whether a trigger starts anything."""
    return Badge(state="DISABLED" if is_disabled else "ENABLED")


def _strip(told: Sequence[Story]) -> Part:
    heading = f"Last {_STRIP} events: the higher, the longer what they started took"
    return strips.Strip(id="strip", heading=heading, marks=stories.bars(told), nothing=_NOTHING)


def _events(name: str, sources: Sources, asked: Asked) -> Table:
    """List events, newest first, a page at a time."""
    found = sources.receipts.search(ledger.Search(trigger=name, page_size=_SHOWN, page_token=asked.word("page")))
    return Table(
        id="events",
        heading="Events",
        columns=("Event", "When", "What became of it", "Led to", "Duration", "Receipt"),
        rows=[_event(story) for story in sources.tell(found.receipts)],
        nothing=_NOTHING,
        more=asked.href(page=found.token) if found.token else "",
    )


def _event(story: Story) -> tuple[Cell, ...]:
    receipt = story.receipt
    return (
        stories.event(receipt),
        Time(when=receipt.create_time),
        story.outcome,
        story.led_to,
        story.took,
        Link(text=receipt.receipt_id, href=links.href("/receipts", receipt.receipt_id)),
    )
