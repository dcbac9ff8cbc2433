"""What became of events: of each the run or build that it led to, however many receipts lie between. Pure."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trainshed import names
from trainshed.dashboard import links, strips
from trainshed.dashboard.cells import Badge, Cell, Code, Mark, Several, Span, span
from trainshed.dashboard.wording import duration, exactly
from trainshed.ledger import Receipt, due_time, is_forced

_RESOURCE = re.compile(r"(?<![\w/])projects/[\w.:-]+(?:/[\w.:-]+)*/([\w.-]+)")
_FAILED = {"FAILED", "REFUSED"}


@dataclass(frozen=True, kw_only=True)
class Work:
    """A run or a build that an event led to."""

    name: str
    state: str
    start_time: datetime | None
    end_time: datetime | None
    paused: float = 0.0  # seconds in which nobody did anything, before it was retried

    @property
    def seconds(self) -> float | None:
        """How long it took, once it is over."""
        took = span(self.start_time, self.end_time, self.paused)
        return took.lasted if took else None


@dataclass(frozen=True, kw_only=True)
class Story:
    """An event with what became of it in the end."""

    receipt: Receipt
    last: Receipt  # of the chain of events that it began: the one that says what became of it
    work: Work | None

    @property
    def time(self) -> datetime:
        """When it was due, or came."""
        return due_time(self.receipt) or self.receipt.create_time

    @property
    def state(self) -> str:
        """The state of the work where there is some; else why there is none."""
        return self.work.state if self.work and self.last.has_begun else self.last.state

    @property
    def is_open(self) -> bool:
        """Tell whether its state may change by itself."""
        return self.last.state == "PENDING" or (self.work is not None and self.work.end_time is None)

    @property
    def outcome(self) -> Badge:
        """What became of it, and why."""
        return Badge(state=self.state, note=self.last.reason)

    @property
    def led_to(self) -> Cell:
        """A link to the work, or to what the event was handed to."""
        return links.link(self.work.name if self.work else self.last.link)

    @property
    def took(self) -> Span | None:
        """How long the work took, or how long it goes on."""
        return span(self.work.start_time, self.work.end_time, self.work.paused) if self.work else None

    @property
    def href(self) -> str:
        """Where one reads on: the work; without any, the receipt that says why."""
        found = links.link(self.work.name) if self.work else None
        return getattr(found, "href", "") or links.href("/receipts", self.last.receipt_id)

    def name(self, zone: str) -> str:
        """Everything in a line, as screen readers say it."""
        forced = " (by hand)" if is_forced(self.receipt) else ""
        words = [f"{exactly(self.time, zone)}{forced}: {self.state}"]
        if self.work is not None:
            words.append(names.short(self.work.name))
            words += [] if self.work.seconds is None else [duration(self.work.seconds)]
        if self.state == self.last.state or not self.work:
            words.append(self.last.reason)
        return ", ".join(word for word in words if word)


def event(receipt: Receipt) -> Cell:
    """Answer what happened, in a few words."""
    data = receipt.data
    match receipt.kind:
        case "commit":
            ref = str(data.get("ref", "")).removeprefix("refs/heads/").removeprefix("refs/")
            return Several(cells=("commit", Code(text=str(data.get("sha", ""))[:7]), f"of {ref}"))
        case "object":
            attributes = data.get("attributes") or {}
            return Several(
                cells=("object", Code(text=f"gs://{attributes.get('bucketId')}/{attributes.get('objectId')}"))
            )
        case "message":
            return message(receipt) or f"message {_number(receipt)}"
        case "firing":
            return (
                f"forced firing at {exactly(due)}"
                if is_forced(receipt) and (due := due_time(receipt))
                else f"firing at {exactly(due) if (due := due_time(receipt)) else receipt.stimulus}"
            )
    return f"{receipt.kind} {receipt.stimulus.removeprefix(f'{receipt.kind}#')}"


def message(receipt: Receipt) -> Cell:
    """Link the message that an event came by; None where it came by none."""
    topic = str(receipt.data.get("topic", ""))
    if not topic or "#" not in receipt.stimulus:
        return None
    number = _number(receipt)
    return links.message(topic, number, text=f"message {number} of {names.short(topic)}")


def _number(receipt: Receipt) -> str:
    return receipt.stimulus.rpartition("#")[2]


def in_short(text: str) -> str:
    """Answer words with each resource by its own name, without the project and the place that it is in."""
    return _RESOURCE.sub(r"\1", text)


def is_work(link: str) -> bool:
    """Tell a link to a run or a build from one to a topic or an endpoint."""
    return "/pipelineJobs/" in link or "/builds/" in link


def unfinished(receipts: Iterable[Receipt]) -> list[str]:
    """Answer the ids of receipts that only say whom the event was handed to: what follows tells more."""
    return [r.receipt_id for r in receipts if not is_work(r.link)]


def tell(receipts: Sequence[Receipt], followed: Sequence[Receipt], works: Mapping[str, Work]) -> list[Story]:
    """Put events together with what followed them, oldest first, and with the work that these receipts name."""
    by_parent: dict[str, list[Receipt]] = {}
    for receipt in followed:
        by_parent.setdefault(receipt.parent_id, []).append(receipt)
    found = [(receipt, _last(receipt, by_parent, set())) for receipt in receipts]
    return [Story(receipt=receipt, last=last, work=works.get(last.link)) for receipt, last in found]


def _last(receipt: Receipt, by_parent: Mapping[str, Sequence[Receipt]], seen: set[str]) -> Receipt:
    """Follow an event to the work that it led to; where there is none, to what failed, or the end of what is known."""
    seen.add(receipt.receipt_id)
    if is_work(receipt.link):
        return receipt
    children = [child for child in by_parent.get(receipt.receipt_id, ()) if child.receipt_id not in seen]
    ends = [_last(child, by_parent, seen) for child in children]
    return max(reversed(ends), key=lambda end: (is_work(end.link), end.state in _FAILED), default=receipt)


def marks(stories: Sequence[Story], zone: str = "UTC") -> list[Mark]:
    """Answer stories, given newest first, as marks in one line, oldest first."""
    return [Mark(state=s.state, name=s.name(zone), href=s.href) for s in reversed(stories)]


def bars(stories: Sequence[Story], zone: str = "UTC") -> list[strips.Mark]:
    """Answer stories, given newest first, as bars as high as their work took long, oldest first."""
    return [
        strips.Mark(label=s.name(zone), state=s.state, value=s.work.seconds if s.work else None, href=s.href)
        for s in reversed(stories)
    ]
