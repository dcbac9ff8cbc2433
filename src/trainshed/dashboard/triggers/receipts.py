"""The ledger: every event with what became of it and why, and one receipt with everything around it."""

from collections.abc import Mapping, Sequence

from trainshed import ledger
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Time, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Filter, Filters, Notice, Page, Part, Table, Text
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import messages, stories
from trainshed.dashboard.triggers.sources import Sources, follows
from trainshed.dashboard.triggers.stories import Story
from trainshed.dashboard.wording import exactly
from trainshed.errors import FailedPrecondition
from trainshed.ledger import RECEIPT, Receipt
from trainshed.sql import changes

SECTION = "/receipts"
_WORDS = ("state", "kind", "trigger", "text", "since", "until", "page")  # of the query
_SHOWN = 50
_KINDS = ("message", "firing", "commit", "object", "webhook", "call", "user")
_COLUMNS = ("Receipt", "When", "What became of it", "Event", "Trigger", "Led to")


class Receipts:
    """Pages over the ledger."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._service = sources.receipts

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=_WORDS),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=()),
        ]

    def listing(self, asked: Asked) -> Page:
        """List receipts, newest first, as far as they fit. Raises InvalidArgument."""
        found = self._service.search(
            ledger.Search(
                state=asked.choice("state", RECEIPT.states),
                kind=asked.choice("kind", _KINDS),
                trigger=asked.word("trigger"),
                text=asked.word("text"),
                since=asked.moment("since"),
                until=asked.moment("until"),
                page_size=_SHOWN,
                page_token=asked.word("page"),
            )
        )
        triggers = self._sources.triggers(found.receipts)
        table = Table(
            id="receipts",
            columns=(*_COLUMNS, "Account"),
            rows=[(*_row(r, triggers), links.why(f"receipts/{r.receipt_id}")) for r in found.receipts],
            nothing=_nothing(asked),
            more=asked.href(page=found.token) if found.token else "",
            more_text="Look further back" if found.looked_until else "Older ones",
        )
        parts: list[Part] = [_filters(asked), table]
        if found.looked_until:
            text = f"Looked through the receipts back to {exactly(found.looked_until)}; older ones may fit as well."
            further = Link(text="Look further back", href=asked.href(page=found.token))
            parts.insert(1, Notice(id="further", text=text, next=further))
        return Page(title="Receipts", section=SECTION, parts=parts, follows=(changes("receipt"),))

    def detail(self, asked: Asked) -> Page:
        """One receipt. Raises NotFound."""
        account = self._service.describe(asked.name)
        (story,) = self._sources.tell([account.receipt])
        told = self._sources.tell(account.children)
        parent = (
            self._sources.tell([self._service.describe(account.receipt.parent_id).receipt])
            if account.receipt.parent_id
            else []
        )
        triggers = self._sources.triggers([account.receipt, *(s.receipt for s in (*parent, *told))])
        deliveries = Table(
            id="deliveries",
            heading="Deliveries",
            columns=("#", "When", "Outcome", "Why", "Led to"),
            rows=[
                (d.number, time(d.time), Badge(state=d.outcome.upper()), d.reason, links.link(d.link))
                for d in account.deliveries
            ],
            nothing=Empty(text="It was delivered once, when it was received."),
        )
        return Page(
            title=f"Receipt {account.receipt.receipt_id}",
            section=SECTION,
            state=Badge(state=account.receipt.state),
            about=(
                Several(cells=(stories.event(account.receipt), "at", triggers[account.receipt.trigger])),
                links.why(f"receipts/{account.receipt.receipt_id}", "the whole account"),
            ),
            trail=(Link(text="Receipts", href=SECTION),),
            parts=(
                *self._replay(account.receipt),
                Facts(id="account", heading="What became of it", pairs=_account(story, triggers)),
                _chain("because-of", "Because of", parent, triggers, "Nothing before it: this is where it began."),
                _chain("what-followed", "What followed", told, triggers, "It led to no further event."),
                deliveries,
                *_event(account.receipt),
            ),
            follows=(changes("receipt", account.receipt.receipt_id), *follows([story, *told])),
        )

    def _replay(self, receipt: Receipt) -> tuple[Part, ...]:
        """Say first what a replay would do; offer it where it can be done."""
        button = Actions(id="actions", actions=(), copies_address=True)
        try:
            would = self._service.replay(receipt.receipt_id, dry_run=True)
        except FailedPrecondition as error:
            return button, Notice(id="replay", heading="Replay:", text=error.message)
        action = Action(
            label="Replay",
            path=f"/trainshed/v1/receipts/{receipt.receipt_id}:replay",
            confirm=f"Send the event again? This {stories.in_short(would)}.",
        )
        shown = Actions(id="actions", actions=(action,), copies_address=True)
        return shown, Notice(id="replay", heading="Replay", text=f"{stories.in_short(would)}.")


def _filters(asked: Asked) -> Filters:
    def choices(known: Sequence[str]) -> tuple[tuple[str, str], ...]:
        return (("", "any"), *((word, word) for word in known))

    def one(name: str, label: str, type: str = "search") -> Filter:  # noqa: A002  (as inputs have it)
        return Filter(name=name, label=label, value=asked.word(name), type=type)

    return Filters(
        id="filters",
        action=SECTION,
        filters=(
            Filter(name="state", label="What became of it", value=asked.word("state"), choices=choices(RECEIPT.states)),
            Filter(name="kind", label="Kind of event", value=asked.word("kind"), choices=choices(_KINDS)),
            one("trigger", "Trigger"),
            one("text", "Words of the reason"),
            one("since", "Since (UTC)", type="datetime-local"),
            one("until", "Until (UTC)", type="datetime-local"),
        ),
    )


def _nothing(asked: Asked) -> Empty:
    if asked.query:
        return Empty(text="No receipt fits. Every event has one: take a filter away to see more of them.")
    return Empty(
        text="No receipt yet. Every message, firing, commit or new object at a trigger gets exactly one: it says what "
        "became of the event, and why. Publish a message to a topic that a function or a trigger listens to:",
        command="trainshed pubsub topics publish TOPIC --message '{}'",
    )


def _row(receipt: Receipt, triggers: Mapping[str, Cell]) -> tuple[Cell, ...]:
    return (
        Link(text=receipt.receipt_id, href=links.href(SECTION, receipt.receipt_id)),
        Time(when=receipt.create_time),
        Badge(state=receipt.state, note=receipt.reason),
        stories.event(receipt),
        triggers[receipt.trigger],
        links.link(receipt.link),
    )


def _chain(part_id: str, heading: str, told: Sequence[Story], triggers: Mapping[str, Cell], nothing: str) -> Table:
    rows = [
        (*_row(story.receipt, triggers), Badge(state=story.state) if story.work else None, story.took) for story in told
    ]
    columns = (*_COLUMNS, "Work", "Duration")
    return Table(id=part_id, heading=heading, columns=columns, rows=rows, nothing=Empty(text=nothing))


def _account(story: Story, triggers: Mapping[str, Cell]) -> list[tuple[str, Cell]]:
    receipt, work = story.receipt, story.work
    found: list[tuple[str, Cell]] = [
        ("Outcome", Badge(state=receipt.state, note=receipt.reason)),
        *([("Led to", links.link(receipt.link))] if work is None or work.name != receipt.link else []),
    ]
    if story.last is not receipt:
        last = Link(text=story.last.receipt_id, href=links.href(SECTION, story.last.receipt_id))
        found += [("In the end", Badge(state=story.last.state, note=story.last.reason)), ("Its receipt", last)]
    if work is not None:
        kind = "Build" if "/builds/" in work.name else "Run"
        found += [(kind, links.link(work.name)), ("State", Badge(state=work.state)), ("Duration", story.took)]
    return [
        *found,
        ("Trigger", triggers[receipt.trigger]),
        ("Kind", receipt.kind),
        ("Event", stories.event(receipt)),
        *([("Came by", stories.message(receipt))] if receipt.kind == "object" else []),
        ("Event id", Code(text=receipt.stimulus)),
        ("Received", time(receipt.create_time)),
        ("Updated", time(receipt.update_time)),
    ]


def _event(receipt: Receipt) -> list[Part]:
    """Show the event itself; the data of a message as what it says."""
    found: list[Part] = []
    if (data := receipt.data.get("data")) and isinstance(data, str):
        found.append(Text(id="message", heading="The message", text=messages.indented(messages.decoded(data))))
    if receipt.data:
        found.append(
            Text(id="the-event", heading="The event as it is kept", text=messages.document(dict(receipt.data)))
        )
    return found
