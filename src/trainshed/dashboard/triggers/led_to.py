"""What messages led to: their receipts, at each function and trigger here that a topic is handed to."""

from collections import defaultdict
from collections.abc import Callable, Sequence

from trainshed import topics
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Link, Several, Size, time
from trainshed.dashboard.page import Empty, Facts, Notice, Part, Table, Text
from trainshed.dashboard.triggers import messages
from trainshed.dashboard.triggers.sources import Sources
from trainshed.errors import NotFound
from trainshed.ledger import Receipt
from trainshed.topics import Kind, Looked, Subscribed

TriggerOf = Callable[[str], str]  # target of deliveries → what receipts call the function or trigger there
_COLUMNS = ("Receipt", "What became of it", "At", "Led to", "Received")


class LedTo:
    """Reads the receipts of messages."""

    def __init__(self, service: topics.Service, sources: Sources, trigger_of: TriggerOf) -> None:
        self._service = service
        self._sources = sources
        self._trigger_of = trigger_of

    def cells(self, subscriptions: Sequence[str], numbers: Sequence[int]) -> list[Cell]:
        """Link the receipts of each message at some subscriptions."""
        found = defaultdict[str, list[Receipt]](list)
        for receipt in self._receipts(subscriptions, numbers):
            found[receipt.stimulus.rpartition("#")[2]].append(receipt)
        return [_cell(found[str(number)]) for number in numbers]

    def shown(self, subscriptions: Sequence[str], number: int, looked: Looked | None) -> tuple[Part, ...]:
        """Show one message, what published it and what it led to."""
        found = self._receipts(subscriptions, [number])
        heading = f"Message {number}"
        text = "Its content is not kept: no subscription, and no retention of its topic, needs it any more."
        gone = Notice(id="message", heading=heading, text=text)
        return (*([gone] if looked is None else _content(heading, looked)), self._table(found))

    def _table(self, found: Sequence[Receipt]) -> Part:
        triggers = self._sources.triggers(found)
        return Table(
            id="message-receipts",
            heading="What it led to",
            columns=_COLUMNS,
            rows=[
                (
                    _link(receipt),
                    Badge(state=receipt.state, note=receipt.reason),
                    triggers[receipt.trigger],
                    links.link(receipt.link),
                    time(receipt.create_time),
                )
                for receipt in found
            ],
            nothing=Empty(text="No function and no trigger here has a receipt for it."),
        )

    def _receipts(self, subscriptions: Sequence[str], numbers: Sequence[int]) -> list[Receipt]:
        wanted: dict[str, list[str]] = {}
        for name in subscriptions if numbers else ():
            if trigger := self._trigger(name):
                wanted.setdefault(trigger, []).extend(f"{name}#{number}" for number in numbers)
        return self._sources.receipts.of_stimuli(wanted)

    def _trigger(self, subscription: str) -> str:
        try:
            target = self._service.get_subscription(subscription).options.target
        except NotFound:  # it was deleted a moment ago
            return ""
        return self._trigger_of(target) if target else ""


def ours(subscribed: Sequence[Subscribed]) -> list[str]:
    """Answer the subscriptions of a function or a trigger here."""
    return [each.name for each in subscribed if each.kind is Kind.INTERNAL]


def _content(heading: str, looked: Looked) -> list[Part]:
    pairs: list[tuple[str, Cell]] = [
        ("Published", time(looked.publish_time)),
        ("Because of", _cause(looked.parent_receipt_id)),
        ("Size", Size(count=len(looked.data))),
        ("Attributes", messages.attributes_cell(looked.attributes)),
        ("Ordering key", looked.ordering_key),
    ]
    text = Text(id="message-data", heading="What it says", text=messages.indented(looked.data))
    return [Facts(id="message", heading=heading, pairs=pairs), *([text] if looked.data else [])]


def _cause(receipt_id: str) -> Cell:
    return Link(text=f"receipt {receipt_id}", href=links.href("/receipts", receipt_id)) if receipt_id else None


def _cell(receipts: Sequence[Receipt]) -> Cell:
    cells = [cell for receipt in receipts for cell in (Badge(state=receipt.state), _link(receipt))]
    return Several(cells=tuple(cells)) if cells else None


def _link(receipt: Receipt) -> Link:
    return Link(text=receipt.receipt_id, href=links.href("/receipts", receipt.receipt_id))
