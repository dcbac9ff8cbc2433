"""The overview: what one sees first."""

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.page import Empty, Page, Table
from trainshed.dashboard.serve import Address


class Overview:
    """The page at the root."""

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [Address(path="/", make=self.page)]

    def page(self, asked: Asked) -> Page:  # noqa: ARG002  (no word of the query counts)
        """Make the page."""
        nothing = Empty(text="Nothing has run yet.", command="trainshed demo --keep")
        return Page(title="Overview", section="/", parts=(Table(id="recent", columns=(), rows=(), nothing=nothing),))
