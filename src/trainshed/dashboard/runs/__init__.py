"""Runs: the list, one run, several side by side.

- `listing`: the list and its filters. `words`: how runs are put in words.
- `one`: one run.
"""

from trainshed import runs
from trainshed.clock import Clock
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.page import Page
from trainshed.dashboard.runs import listing, one
from trainshed.dashboard.runs.listing import SECTION
from trainshed.dashboard.serve import Address


class Runs:
    """Pages over the runs feature."""

    def __init__(self, service: runs.Service, triggers: runs.Triggers, clock: Clock) -> None:
        self._service = service
        self._triggers = triggers
        self._clock = clock

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:
        """Show the runs that somebody looks for, and what starts runs by itself."""
        return listing.page(self._service, asked, self._triggers.list())

    def detail(self, asked: Asked) -> Page:
        """One run. Raises NotFound."""
        return one.page(self._service, asked.name, section=SECTION)
