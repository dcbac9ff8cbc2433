"""Topics: the list with what waits, and one topic with its subscriptions and last messages."""

from collections.abc import Sequence

from trainshed import names, topics
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Seconds, Several, Size, Time, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Field, Filter, Filters, Form, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import messages, tabs
from trainshed.dashboard.triggers.led_to import LedTo, TriggerOf, ours
from trainshed.dashboard.triggers.schemas import SchemaPages
from trainshed.dashboard.triggers.sources import Sources
from trainshed.dashboard.triggers.subscription import SubscriptionPage, oldest, so_many
from trainshed.sql import changes
from trainshed.topics import Backlog, Looked, Subscribed, Topic

SECTION = "/topics"
_SHOWN = 50
_ADDED_UP = 10  # subscriptions of each topic in the list
_SUBSCRIPTIONS = 100
_MESSAGES = 20
_COLUMNS = ("Topic", "Subscriptions", "Waiting", "Handed out", "Oldest unacknowledged", "Dead letters", "Created")
_OF_TOPIC = ("Subscription", "Delivers to", "Waiting", "Handed out", "Oldest unacknowledged", "Dead letters")


_HANDED_TO = {
    topics.Kind.PULL: "whoever pulls",
    topics.Kind.PUSH: "a web address",
    topics.Kind.INTERNAL: "a function or trigger here",
}


class Topics:
    """Pages over the topics feature."""

    def __init__(self, service: topics.Service, project: str, sources: Sources, trigger_of: TriggerOf) -> None:
        self._service = service
        self._project = project
        self._led_to = LedTo(service, sources, trigger_of)
        self._subscription = SubscriptionPage(service, self._led_to)
        self._schemas = SchemaPages(service.schemas, project)

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("name", "after")),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=("after", "message")),
            Address(path="/subscriptions/{name:path}", make=self._subscription.page, words=(), instead=SECTION),
            *self._schemas.addresses(),
        ]

    def listing(self, asked: Asked) -> Page:
        """List topics by name, each with what waits at its subscriptions."""
        text = asked.word("name")
        prefix = f"projects/{self._project}/topics/"
        found = self._service.backlogs.topics(prefix, text=text, after=asked.word("after"), limit=_SHOWN + 1)
        shown = found[:_SHOWN]
        subscribed = self._service.backlogs.of_topics([t.name for t in shown], limit=_ADDED_UP + 1)
        rows = [_row(topic, mine) for topic, mine in zip(shown, subscribed, strict=True)]
        nothing = Empty(
            text=f"No topic {'fits' if text else 'yet'}. A topic hands each message to every subscription of it: a function, a trigger, a "
            "client that pulls.",
            command="trainshed pubsub topics create NAME",
        )
        more = asked.href(after=shown[-1].name) if len(found) > _SHOWN else ""
        table = Table(id="topics", columns=_COLUMNS, rows=rows, nothing=nothing, more=more, more_text="More topics")
        made = Form(
            id="new-topic",
            heading="Create a topic",
            is_folded=True,
            fields=(Field(name="name", label="Name", prefix=prefix, is_required=True),),
            action=Action(label="Create topic", path="/v1/{name}", method="PUT", then="/topics/{name}"),
        )
        filters = Filters(
            id="filters", action=SECTION, filters=(Filter(name="name", label="Name contains", value=text),)
        )
        return Page(
            title="Topics",
            section=ABOVE,
            tabs=tabs(SECTION),
            parts=(filters, table, made),
            follows=_follows([s for mine in subscribed for s in mine]),
        )

    def detail(self, asked: Asked) -> Page:
        """One topic. Raises NotFound."""
        topic = self._service.get_topic(asked.name)
        after = asked.word("after")
        subscribed = self._service.backlogs.of_topic(topic.name, limit=_SUBSCRIPTIONS + 1, after=after)
        shown = subscribed[:_SUBSCRIPTIONS]
        more = asked.href(after=shown[-1].name) if len(subscribed) > _SUBSCRIPTIONS else ""
        table = Table(
            id="subscriptions",
            heading="Subscriptions",
            columns=_OF_TOPIC,
            rows=[_subscription(s) for s in shown],
            nothing=Empty(
                text="Nobody is subscribed: what is published now reaches nobody.",
                command=f"trainshed pubsub subscriptions create NAME --topic {names.short(topic.name)}",
            ),
            more=more,
            more_text="More subscriptions",
        )
        parts = (
            _actions(topic),
            *self._one(topic, asked, subscribed),
            table,
            self._last(topic, subscribed),
            _publish(topic),
            _subscribe(topic, self._project),
            Facts(id="facts", heading="The topic", pairs=_facts(topic)),
        )
        return Page(
            title=names.short(topic.name),
            section=ABOVE,
            trail=(Link(text="Topics", href=SECTION),),
            parts=parts,
            follows=(*_follows(subscribed), changes("receipt")),
        )

    def _one(self, topic: Topic, asked: Asked, subscribed: Sequence[Subscribed]) -> tuple[Part, ...]:
        """Show the message that is asked for, and every receipt that it led to. Raises InvalidArgument."""
        if not (number := asked.number("message", 0, most=10**18)):
            return ()
        looked = self._service.backlogs.message(topic.name, number)
        return self._led_to.shown(ours(subscribed), number, looked)

    def _last(self, topic: Topic, subscribed: Sequence[Subscribed]) -> Table:
        found = self._service.backlogs.published(topic.name, limit=_MESSAGES)
        led = self._led_to.cells(ours(subscribed), [looked.message_id for looked in found])
        nothing = (
            "None of its messages is kept. A message is kept while a subscription, or the topic's retention, needs it."
        )
        return Table(
            id="messages",
            heading="Last messages published",
            columns=("Message id", "Published", "Led to", "Data", "Size", "Attributes", "Ordering key"),
            rows=[_message(topic, looked, led_to) for looked, led_to in zip(found, led, strict=True)],
            nothing=Empty(text=nothing),
        )


def _row(topic: Topic, mine: Sequence[Subscribed]) -> tuple[Cell, ...]:
    counted = mine[:_ADDED_UP]
    backlog = sum((s.backlog for s in counted), Backlog())
    is_part = len(mine) > len(counted)

    def said(count: int) -> Cell:
        found = so_many(count, backlog.bound)
        return f"{found} at the first {_ADDED_UP}" if is_part else found

    return (
        Link(text=names.short(topic.name), href=links.href(SECTION, topic.name)),
        f"more than {_ADDED_UP}" if is_part else len(mine),
        said(backlog.waiting),
        said(backlog.out),
        oldest(backlog, is_least=is_part),
        said(backlog.dead),
        time(topic.create_time),
    )


def _subscription(found: Subscribed) -> tuple[Cell, ...]:
    backlog = found.backlog
    return (
        Link(text=names.short(found.name), href=links.href("/subscriptions", found.name)),
        Badge(state="DETACHED") if found.is_detached else _HANDED_TO[found.kind],
        so_many(backlog.waiting, backlog.bound),
        so_many(backlog.out, backlog.bound),
        oldest(backlog),
        so_many(backlog.dead, backlog.bound),
    )


def _message(topic: Topic, looked: Looked, led_to: Cell) -> tuple[Cell, ...]:
    number = str(looked.message_id)
    return (
        links.message(topic.name, number, text=number),
        Time(when=looked.publish_time),
        led_to,
        Code(text=messages.readable(looked.data)),
        Size(count=len(looked.data)),
        messages.attributes_cell(looked.attributes),
        looked.ordering_key,
    )


def _actions(topic: Topic) -> Actions:
    gone = f"Delete the topic {names.short(topic.name)}? Its subscriptions stay, and get nothing more."
    delete = Action(label="Delete", path=f"/v1/{topic.name}", method="DELETE", confirm=gone, then=SECTION)
    return Actions(id="actions", actions=(delete,), copies_address=True)


def _publish(topic: Topic) -> Form:
    return Form(
        id="publish",
        heading="Publish a message",
        is_folded=True,
        fields=(
            Field(name="messages[0].data", label="Data", value="{}", type="bytes", help="Text, in UTF-8."),
            Field(
                name="messages[0].attributes", label="Attributes", type="json", help='A JSON object: {"key": "value"}.'
            ),
            Field(name="messages[0].orderingKey", label="Ordering key"),
        ),
        action=Action(label="Publish", path=f"/v1/{topic.name}:publish", body={"messages": [{}]}),
    )


def _subscribe(topic: Topic, project: str) -> Form:
    prefix = f"projects/{project}/subscriptions/"
    return Form(
        id="subscribe",
        heading="Create a subscription",
        is_folded=True,
        fields=(
            Field(name="name", label="Name", prefix=prefix, is_required=True),
            Field(name="filter", label="Filter", help='Such as attributes.kind = "new"; empty: every message.'),
            Field(name="ackDeadlineSeconds", label="Ack deadline in seconds", value="10", type="integer"),
            Field(name="retainAckedMessages", label="Keep acknowledged messages, for seeking back", type="boolean"),
        ),
        action=Action(
            label="Create subscription",
            path="/v1/{name}",
            method="PUT",
            body={"topic": topic.name},
            then="/subscriptions/{name}",
        ),
    )


def _facts(topic: Topic) -> list[tuple[str, Cell]]:
    options = topic.options
    schema = options.schema
    return [
        ("Name", Code(text=topic.name, may_copy=True)),
        ("Created", time(topic.create_time)),
        (
            "Keeps messages",
            Seconds(seconds=options.retention_seconds) if options.retention_seconds else "while they wait",
        ),
        ("Schema", Several(cells=(links.link(schema.schema), str(schema.encoding))) if schema else None),
        ("Labels", ", ".join(f"{key}={value}" for key, value in options.labels.items())),
    ]


def _follows(subscribed: Sequence[Subscribed]) -> list[str]:
    return [changes("delivery"), *topics.channels([(s.subscription_id, s.kind) for s in subscribed])]
