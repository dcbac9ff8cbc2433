"""What the page of a trigger shows of its events: the strip, the list."""

from collections.abc import Sequence

from trainshed import ledger
from trainshed.dashboard import charts, links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link, Time
from trainshed.dashboard.page import Empty, Part, Table
from trainshed.dashboard.triggers import SECTION, stories
from trainshed.dashboard.triggers.sources import Sources
from trainshed.dashboard.triggers.stories import Story

TRAIL = (Link(text="Triggers", href=SECTION),)
_STRIP = 50
_SHOWN = 50
_NOTHING = Empty(text="Nothing has come to it yet.")


class Happened:
    """Parts over the events of one trigger at a time."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    def last(self, trigger: str) -> list[Story]:
        """Answer the last events, newest first."""
        return self._sources.last(trigger, limit=_STRIP)

    def strip(self, told: Sequence[Story]) -> Part:
        """Draw the last events in a line."""
        heading = f"Last {_STRIP} events: the higher, the longer what they started took"
        return charts.Strip(id="strip", heading=heading, marks=stories.bars(told), nothing=_NOTHING)

    def events(self, trigger: str, asked: Asked) -> Table:
        """List events, newest first, a page at a time."""
        wanted = ledger.Search(trigger=trigger, page_size=_SHOWN, page_token=asked.word("page"))
        found = self._sources.receipts.search(wanted)
        return Table(
            id="events",
            heading="Events",
            columns=("Event", "When", "What became of it", "Led to", "Took", "Receipt"),
            rows=[_event(story) for story in self._sources.tell(found.receipts)],
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
