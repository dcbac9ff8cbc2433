"""Buckets: the list, and one bucket with its objects."""

from trainshed import buckets
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link, size, time
from trainshed.dashboard.page import Empty, Page, Table
from trainshed.dashboard.serve import Address

SECTION = "/buckets"


class Buckets:
    """Pages over the buckets feature."""

    def __init__(self, service: buckets.Service) -> None:
        self._service = service

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All buckets."""
        rows = [
            (Link(text=f"gs://{b.name}", href=links.href(SECTION, b.name)), time(b.create_time))
            for b in self._service.list_buckets()
        ]
        nothing = "No bucket yet: trainshed storage buckets create gs://NAME makes one."
        return Page(
            title="Buckets",
            section=SECTION,
            parts=(Table(id="part-1", columns=("Bucket", "Created"), rows=rows, nothing=Empty(text=nothing)),),
        )

    def detail(self, asked: Asked) -> Page:
        """One bucket. Raises NotFound."""
        name = asked.name
        self._service.get_bucket(name)
        page = self._service.list(name, limit=500)
        rows = [(o.name, size(o.size), str(o.generation), time(o.update_time)) for o in page.items]
        notifications = [(n.topic, n.prefix or "every object") for n in self._service.list_notifications(name)]
        return Page(
            title=f"gs://{name}",
            section=SECTION,
            parts=(
                Table(
                    id="objects",
                    heading="Objects",
                    columns=("Object", "Size", "Generation", "Updated"),
                    rows=rows,
                    nothing=Empty(text="This bucket is empty."),
                ),
                Table(
                    id="notifications",
                    heading="Notifications",
                    columns=("Topic", "Prefix"),
                    rows=notifications,
                    nothing=Empty(text="Nobody is told of its changes."),
                ),
            ),
        )
