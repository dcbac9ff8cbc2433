"""Buckets: the list, and one bucket with its objects."""

from trainshed import buckets
from trainshed.dashboard import links
from trainshed.dashboard.page import Link, Page, Table
from trainshed.dashboard.render import size, time

SECTION = "/buckets"


class Buckets:
    """Pages over the buckets feature."""

    def __init__(self, service: buckets.Service) -> None:
        self._service = service

    def listing(self) -> Page:
        """All buckets."""
        rows = [
            (Link(text=f"gs://{b.name}", href=links.href(SECTION, b.name)), time(b.create_time))
            for b in self._service.list_buckets()
        ]
        nothing = "No bucket yet: trainshed storage buckets create gs://NAME makes one."
        return Page(
            title="Buckets", section=SECTION, parts=(Table(columns=("Bucket", "Created"), rows=rows, nothing=nothing),)
        )

    def detail(self, name: str) -> Page:
        """One bucket. Raises NotFound."""
        self._service.get_bucket(name)
        page = self._service.list(name, limit=500)
        rows = [(o.name, size(o.size), str(o.generation), time(o.update_time)) for o in page.items]
        notifications = [(n.topic, n.prefix or "every object") for n in self._service.list_notifications(name)]
        return Page(
            title=f"gs://{name}",
            section=SECTION,
            parts=(
                Table(
                    heading="Objects",
                    columns=("Object", "Size", "Generation", "Updated"),
                    rows=rows,
                    nothing="This bucket is empty.",
                ),
                Table(
                    heading="Notifications",
                    columns=("Topic", "Prefix"),
                    rows=notifications,
                    nothing="Nobody is told of its changes.",
                ),
            ),
        )
