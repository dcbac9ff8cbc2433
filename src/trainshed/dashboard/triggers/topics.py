"""Topics: the list, and one topic with its subscriptions."""

from trainshed import topics
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link, time
from trainshed.dashboard.page import Empty, Facts, Page, Table
from trainshed.dashboard.serve import Address

SECTION = "/topics"


class Topics:
    """Pages over the topics feature."""

    def __init__(self, service: topics.Service, project: str) -> None:
        self._service = service
        self._project = project

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All topics of the default project."""
        found, _ = self._service.list_topics(f"projects/{self._project}")
        rows = [
            (
                Link(text=t.name.rsplit("/", 1)[-1], href=links.href(SECTION, t.name)),
                len(self._service.topic_subscriptions(t.name)),
                time(t.create_time),
            )
            for t in found
        ]
        nothing = "No topic yet: trainshed pubsub topics create NAME makes one."
        columns = ("Topic", "Subscriptions", "Created")
        return Page(
            title="Topics",
            section=SECTION,
            parts=(Table(id="part-1", columns=columns, rows=rows, nothing=Empty(text=nothing)),),
        )

    def detail(self, asked: Asked) -> Page:
        """One topic. Raises NotFound."""
        name = asked.name
        topic = self._service.get_topic(name)
        rows = [self._subscription(s) for s in self._service.topic_subscriptions(name)]
        return Page(
            title=name.rsplit("/", 1)[-1],
            section=SECTION,
            parts=(
                Facts(id="part-2", pairs=(("Name", topic.name), ("Created", time(topic.create_time)))),
                Table(
                    id="subscriptions",
                    heading="Subscriptions",
                    columns=("Subscription", "Kind", "Delivers to", "Ack deadline", "Deliveries"),
                    rows=rows,
                    nothing=Empty(text="Nobody is subscribed: what is published now reaches nobody."),
                ),
            ),
        )

    def _subscription(self, name: str) -> tuple[str, ...]:
        found = self._service.get_subscription(name)
        counts = ", ".join(f"{n} {state.lower()}" for state, n in sorted(self._service.counts(name).items()))
        options = found.options
        return (
            name.rsplit("/", 1)[-1],
            str(options.kind),
            options.target or options.push_endpoint or "whoever pulls",
            f"{options.ack_deadline_seconds} s",
            counts or "none",
        )
