"""One subscription: what it is, what waits, what is out; looking at messages takes none."""

from collections.abc import Sequence

from trainshed import names, topics
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Time, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Field, Figures, Form, Notice, Page, Part, Table
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import messages
from trainshed.dashboard.triggers.led_to import LedTo
from trainshed.sql import changes
from trainshed.topics import DELETED_TOPIC, Backlog, Kind, Looked, Subscription

_PEEKED = 20
_SNAPSHOTS = 100
_FAR_OFF = "9999-12-31T00:00:00Z"  # seeking there acknowledges everything that is there now
_LED_TO = "Led to"
_COLUMNS = ("Message", "Published", "Attempts", "{}", _LED_TO, "Data", "Attributes", "Ordering key")


class SubscriptionPage:
    """Makes the page of one subscription."""

    def __init__(self, service: topics.Service, led_to: LedTo) -> None:
        self._service = service
        self._led_to = led_to

    def page(self, asked: Asked) -> Page:
        """Show one subscription. Raises NotFound."""
        found = self._service.get_subscription(asked.name)
        backlog = self._service.backlogs.of(found)
        waiting = self._service.backlogs.peek(found, "PENDING", limit=_PEEKED)
        out = self._service.backlogs.peek(found, "OUTSTANDING", limit=_PEEKED)
        dead = self._service.backlogs.peek(found, "DEAD_LETTERED", limit=_PEEKED)
        parts: list[Part] = [
            _actions(found),
            _figures(backlog),
            self._messages(found, "waiting", "Waiting, next first", "May go out", waiting, "Nothing waits."),
            self._messages(found, "out", "Handed out", "Deadline", out, "None: no subscriber has a message that it has not acknowledged."),
            self._messages(found, "dead", "Dead letters", "Kept until", dead, "None was given up."),
            *self._seeking(found),
            Facts(id="facts", heading="The subscription", pairs=_facts(found)),
        ]  # fmt: skip
        is_gone = found.topic == DELETED_TOPIC
        above = () if is_gone else (Link(text=names.short(found.topic), href=links.href("/topics", found.topic)),)
        return Page(
            title=names.short(found.name),
            section=ABOVE,
            state=Badge(state="DETACHED") if found.is_detached else None,
            about=(f"{found.options.kind} subscription", *(() if is_gone else (links.link(found.topic),))),
            trail=(Link(text="Topics", href="/topics"), *above),
            parts=parts,
            follows=(changes("delivery"), *topics.channels([(found.subscription_id, found.options.kind)])),
        )

    def _messages(
        self, of: Subscription, part_id: str, heading: str, due: str, found: Sequence[Looked], nothing: str
    ) -> Table:
        is_ours = of.options.kind is Kind.INTERNAL
        led = self._led_to.cells([of.name], [looked.message_id for looked in found]) if is_ours else []
        rows = [
            (
                _number(of, looked),
                Time(when=looked.publish_time),
                looked.attempt,
                time(looked.due_time),
                *([led[place]] if is_ours else []),
                Code(text=messages.readable(looked.data)),
                messages.attributes_cell(looked.attributes),
                looked.ordering_key,
            )
            for place, looked in enumerate(found)
        ]
        columns = [due if column == "{}" else column for column in _COLUMNS if is_ours or column != _LED_TO]
        return Table(id=part_id, heading=heading, columns=columns, rows=rows, nothing=Empty(text=nothing))

    def _seeking(self, found: Subscription) -> Sequence[Part]:
        if found.options.kind is Kind.INTERNAL:
            text = "What it hands over comes again by a replay of the receipt that says what became of it."
            return (Notice(id="seek", text=text, next=Link(text="Receipts", href="/receipts")),)
        if found.is_detached or found.topic == DELETED_TOPIC:
            return ()
        snapshots, _ = self._service.snapshots.of_topic(found.topic, page_size=_SNAPSHOTS)
        return (_seek_to_time(found), *([_seek_to_snapshot(found, snapshots)] if snapshots else ()), _snapshot(found))


def so_many(count: int, bound: int) -> Cell:
    """Answer a count that stops at a bound."""
    return f"{count:,} or more" if count >= bound else count


def oldest(backlog: Backlog, *, is_least: bool = False) -> Cell:
    """Answer when the oldest that is not acknowledged was published, as far as was looked."""
    when = time(backlog.oldest_time)
    return Several(cells=(when, "or earlier")) if when and (backlog.may_be_older or is_least) else when


def _figures(backlog: Backlog) -> Figures:
    return Figures(
        id="backlog",
        figures=(
            ("Waiting", so_many(backlog.waiting, backlog.bound), "to be handed out"),
            ("Handed out", so_many(backlog.out, backlog.bound), "not acknowledged yet"),
            (
                "Oldest unacknowledged",
                oldest(backlog),
                "published" if backlog.oldest_time else "nothing waits",
            ),
            ("Dead letters", so_many(backlog.dead, backlog.bound), "given up after too many attempts"),
        ),
    )


def _number(of: Subscription, looked: Looked) -> Cell:
    number = str(looked.message_id)
    return number if of.topic == DELETED_TOPIC else links.message(of.topic, number, text=number)


def _actions(found: Subscription) -> Actions:
    path, short = f"/v1/{found.name}", names.short(found.name)
    if found.options.kind is Kind.INTERNAL:
        return Actions(id="actions", actions=(), copies_address=True)
    after = "seeking back brings it again" if _keeps(found) else "it is not kept, and nothing brings it back"
    purge = f"Acknowledge everything that waits at {short}? Nobody gets it; {after}."
    gone = f"Delete the subscription {short}, with everything that waits there?"
    return Actions(
        id="actions",
        actions=(
            Action(label="Purge", path=f"{path}:seek", body={"time": _FAR_OFF}, confirm=purge),
            Action(label="Delete", path=path, method="DELETE", confirm=gone, then="/topics"),
        ),
        copies_address=True,
    )


def _keeps(found: Subscription) -> bool:
    return found.options.retain_acked or found.topic_retention_seconds is not None


def _seek_to_time(found: Subscription) -> Form:
    asks = f"Move {names.short(found.name)}? What was published before that time counts as acknowledged, the rest not."
    kept = "" if _keeps(found) else " What was acknowledged does not come again: the subscription does not keep it."
    when = Field(name="time", label="Time", is_required=True, help=f"Such as 2026-01-31T12:00:00Z.{kept}")
    return Form(
        id="seek",
        heading="Seek to a time",
        is_folded=True,
        fields=(when,),
        action=Action(label="Seek", path=f"/v1/{found.name}:seek", confirm=asks),
    )


def _seek_to_snapshot(found: Subscription, snapshots: Sequence[topics.Snapshot]) -> Form:
    asks = f"Move {names.short(found.name)}? Exactly what the snapshot holds, and what came since, is handed out again."
    return Form(
        id="seek-to-snapshot",
        heading="Seek to a snapshot",
        is_folded=True,
        fields=(Field(name="snapshot", label="Snapshot", choices=[s.name for s in snapshots], is_required=True),),
        action=Action(label="Seek", path=f"/v1/{found.name}:seek", confirm=asks),
    )


def _snapshot(found: Subscription) -> Form:
    prefix = found.name.rpartition("/subscriptions/")[0] + "/snapshots/"
    return Form(
        id="snapshot",
        heading="Create a snapshot",
        is_folded=True,
        fields=(Field(name="name", label="Name", prefix=prefix, is_required=True),),
        action=Action(label="Create snapshot", path="/v1/{name}", method="PUT", body={"subscription": found.name}),
    )


def _facts(found: Subscription) -> list[tuple[str, Cell]]:
    options = found.options
    retry, dead = options.retry_policy, options.dead_letter_policy
    return [
        ("Name", Code(text=found.name, may_copy=True)),
        ("Topic", found.topic if found.topic == DELETED_TOPIC else links.link(found.topic)),
        ("Delivers to", _target(options)),
        ("Filter", Code(text=options.filter) if options.filter else "every message"),
        ("Ack deadline", f"{options.ack_deadline_seconds} s"),
        ("Tries again", f"after {retry.minimum_seconds:g} to {retry.maximum_seconds:g} s" if retry else "at once"),
        ("Dead letters go to", links.link(dead.topic) if dead else "nowhere: it is tried until it expires"),
        ("Attempts before that", dead.max_delivery_attempts if dead else "any number"),
        ("Order", "messages of one key in their order" if options.is_ordered else "any"),
        ("Delivery", "exactly once" if options.is_exactly_once else "at least once"),
        ("Keeps messages", f"{options.retention_seconds / 86400:g} days"),
        ("Keeps acknowledged ones", "yes" if options.retain_acked else "no"),
        ("Expires", f"after {options.expiration_seconds / 86400:g} days unused" if options.expiration_seconds else "never"),
        ("Labels", ", ".join(f"{key}={value}" for key, value in options.labels.items())),
        ("Created", time(found.create_time)),
    ]  # fmt: skip


def _target(options: topics.Options) -> Cell:
    if options.kind is Kind.PUSH:
        return Code(text=options.push_endpoint)
    kind, _, name = options.target.partition(":")
    return (links.link(name) if kind == "function" else options.target) if options.target else "whoever pulls"
