"""What became of an event in the end, why it did nothing where it did nothing, and what to do next. Pure.

One event may send others: a firing publishes a message, a message calls a function, a function starts a run. What the
first one led to is what stands at the ends of that tree.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from trainshed import names
from trainshed.explain import words
from trainshed.explain.model import Advice
from trainshed.ledger import Delivery, Receipt
from trainshed.quantities import counted

_BAD_FIRST = ("FAILED", "REFUSED", "PENDING", "STARTED", "JOINED", "SKIPPED")
_WORK = ("/pipelineJobs/", "/builds/")
_LOST = ("FAILED", "FAILURE", "INTERNAL_ERROR", "TIMEOUT", "EXPIRED")  # states of work


@dataclass(frozen=True, kw_only=True)
class Node:
    """A receipt with what came of it. `hearers`: subscriptions of the topic that it published to; None: not a topic."""

    receipt: Receipt
    deliveries: Sequence[Delivery] = ()
    children: Sequence["Node"] = ()
    hearers: Sequence[str] | None = None
    error: str = ""  # of the function that took it, in full
    is_cut: bool = False  # more came of it than was read
    work: str = ""  # state of the run or build that it started; empty: none, or gone


@dataclass(frozen=True, kw_only=True)
class Fate:
    """What became of an event: whether work came of it, in one sentence, and what to do next."""

    did_something: bool
    state: str
    says: str
    receipt_id: str  # the one that decided it
    link: str = ""
    advice: Sequence[Advice] = ()

    @property
    def has_failed(self) -> bool:
        """Tell whether work came of it that did not come to a good end."""
        return self.did_something and self.state in _LOST


@dataclass(frozen=True, kw_only=True)
class Source:
    """What makes events: a schedule or a trigger, as it is now."""

    name: str
    state: str = "ENABLED"  # or PAUSED, DISABLED, UPDATE_FAILED, …
    next_due: datetime | None = None
    error: str = ""  # why its repository, its target cannot be reached
    topic: str = ""  # that it publishes to, or listens to
    hearers: Sequence[str] | None = None
    options: Mapping[str, str] = field(default_factory=dict)


def of(node: Node) -> Fate:
    """Judge an event by what stands at its ends: a failure counts before work that was started, that before nothing."""
    return _end(min(_ends(node), key=_rank))


def _rank(end: Node) -> tuple[int, bool]:
    state = "FAILED" if end.work in _LOST else end.receipt.state
    return _BAD_FIRST.index(state), not any(work in end.receipt.link for work in _WORK)


def of_source(source: Source, last: Node | None) -> Fate:
    """Judge a schedule or a trigger: why nothing comes of it now, or what came of its last event."""
    if source.state in _RESTING:
        return _resting(source, last)
    if source.error:
        return Fate(
            did_something=False,
            state="FAILED",
            says=words.sentence(f"{names.called(source.name)} cannot do its work: {source.error}"),
            receipt_id="",
        )
    if last is None:
        due = f"; its next due time is {words.exactly(source.next_due)}" if source.next_due else ""
        return Fate(
            did_something=False,
            state="PENDING",
            says=words.sentence(f"nothing has reached {names.called(source.name)} yet{due}"),
            receipt_id="",
            advice=_first(source),
        )
    return of(last)


_RESTING = {"PAUSED", "DISABLED", "UPDATE_FAILED", "COMPLETED"}


def _resting(source: Source, last: Node | None) -> Fate:
    what, short = names.called(source.name), names.short(source.name)
    before = f" Its last event: {of(last).says}" if last is not None else ""
    advice: tuple[Advice, ...] = ()
    if source.state == "COMPLETED":
        said = f"{what} is completed: no run comes any more"
    elif "/jobs/" in source.name:
        said = f"{what} is paused, so it does not fire"
        advice = (Advice(text="Let it fire again", command=f"trainshed scheduler jobs resume {short}"),)
    elif source.state == "DISABLED" and "/runTriggers/" in source.name:
        said = f"{what} is disabled, so it takes events and starts nothing"
        advice = (Advice(text="Enable it", command=f"trainshed pipelines triggers enable {short}"),)
    elif source.state == "DISABLED":
        said = f"{what} is disabled, so it takes events and builds nothing"
        advice = (Advice(text="Enable it: set `disabled` to false", about=words.named(source.name)),)
    else:
        said, advice = (
            f"{what} is paused, so it starts no run",
            (Advice(text="Resume it", command=f"trainshed pipelines schedules resume {short}"),),
        )
    return Fate(
        did_something=False,
        state=source.state,
        says=words.sentence(said) + before,
        receipt_id=last.receipt.receipt_id if last else "",
        advice=advice,
    )


def _first(source: Source) -> tuple[Advice, ...]:
    short = names.short(source.name)
    if "/jobs/" in source.name:
        return (Advice(text="Fire it now", command=f"trainshed scheduler jobs run {short}"),)
    if "/triggers/" in source.name:
        return (Advice(text="Build without waiting for an event", command=f"trainshed builds triggers run {short}"),)
    return ()


def _ends(node: Node) -> Iterator[Node]:
    if not node.children or any(work in node.receipt.link for work in _WORK):
        yield node
        return
    for child in node.children:
        yield from _ends(child)


def _end(node: Node) -> Fate:
    receipt = node.receipt
    judge = {
        "PENDING": _pending, "STARTED": _started, "JOINED": _joined,
        "SKIPPED": _skipped, "REFUSED": _refused, "FAILED": _failed,
    }[receipt.state]  # fmt: skip
    did_something, says, advice = judge(node)
    return Fate(
        did_something=did_something,
        state=node.work if node.work and receipt.has_begun else receipt.state,
        says=words.sentence(says),
        receipt_id=receipt.receipt_id,
        link=receipt.link if names.kind(receipt.link) in {"run", "build"} else "",
        advice=advice,
    )


Judged = tuple[bool, str, tuple[Advice, ...]]


def _pending(node: Node) -> Judged:
    what = names.called(node.receipt.trigger)
    tries = len(node.deliveries)
    tried = f", tried {counted(tries, 'time')} so far" if tries else ""
    return False, f"nothing is decided yet: {what} has it in hand{tried}", ()


def _started(node: Node) -> Judged:
    receipt = node.receipt
    kind = names.kind(receipt.link)
    if kind in {"run", "build"}:
        started = receipt.reason or f"it started {names.called(receipt.link)}"
        return True, started + (f"; the {kind} {words.became(node.work)}" if node.work else ""), ()
    if kind == "topic" and node.hearers is not None:
        return _unheard(node)
    if kind == "invocation":
        function = names.short(receipt.trigger)
        log = _log_of(function, receipt)
        return (
            False,
            f"function {function} was called, returned, and started no run",
            (Advice(text="Read what it wrote in that call", command=log),),
        )
    return True, receipt.reason or "it was handed on", ()


def _unheard(node: Node) -> Judged:
    topic = names.short(node.receipt.link)
    if not node.hearers:
        return (
            False,
            f"{node.receipt.reason or 'published'}, but nothing is subscribed to topic {topic}: nobody heard it",
            (
                Advice(text="Start runs for its messages", command=_RUN_TRIGGER.format(topic=topic)),
                Advice(
                    text="Or call a function for them",
                    command=f"trainshed functions deploy NAME --trigger-topic {topic} …",
                ),
            ),
        )
    heard = words.some([names.short(name) for name in node.hearers])
    return (
        False,
        f"{node.receipt.reason}; {heard} has the message, and what came of it there is not recorded here",
        (Advice(text="See whether somebody takes it", about=words.named(node.receipt.link)),),
    )


_TRACE_LINES = 200
_RUN_TRIGGER = "trainshed pipelines triggers create NAME --topic {topic} --spec gs://…"


def _joined(node: Node) -> Judged:
    receipt = node.receipt
    what = names.called(receipt.link) or "what it asks for"
    return (
        False,
        f"it started nothing new: {receipt.reason or f'{what} had been started already'}",
        ((Advice(text="See what had been started", about=words.named(receipt.link)),) if receipt.link else ()),
    )


def _skipped(node: Node) -> Judged:
    receipt = node.receipt
    reason = receipt.reason or "there was rightly nothing to do"
    return False, _said_of_skip(reason), tuple(_after_skip(receipt))


def _said_of_skip(reason: str) -> str:
    """Say why something was skipped; a reason may begin with a word for its kind, which is part of the sentence."""
    kind, _, rest = reason.partition(": ")
    begins = {"missed": "it was missed", "overlap": "it was skipped for an overlap"}
    if rest and kind in begins:
        return f"{begins[kind]}: {rest}"
    return f"it was skipped{',' if rest else ':'} {reason}"


def _after_skip(receipt: Receipt) -> Iterator[Advice]:
    short, reason = names.short(receipt.trigger), receipt.reason
    is_cron = "/jobs/" in receipt.trigger
    if "nothing changed" in reason and receipt.link:
        yield Advice(text="See which earlier results it used", about=words.named(receipt.link))
        yield Advice(
            text="Run every task all the same",
            command=f"trainshed pipelines clone {names.short(receipt.link)} --no-caching",
        )
    elif reason.startswith("overlap") and is_cron:
        yield Advice(
            text="Let due times wait instead",
            command=f"trainshed scheduler jobs update pubsub {short} --overlap wait",
        )
    elif reason.startswith("missed") and is_cron:
        yield Advice(
            text="Catch up after an outage from now on",
            command=f"trainshed scheduler jobs update pubsub {short} --catch-up 1",
        )
        yield Advice(text="Fire now", command=f"trainshed scheduler jobs run {short}")
    elif "/triggers/" in receipt.trigger:
        yield Advice(text="Build it all the same", command=f"trainshed builds triggers run {short}")


def _refused(node: Node) -> Judged:
    receipt = node.receipt
    return (
        False,
        f"{names.called(receipt.trigger)} refused it: {receipt.reason}",
        (
            Advice(
                text="Mend what it says, then send the event again",
                command=f"trainshed receipts replay {receipt.receipt_id}",
            ),
        ),
    )


def _failed(node: Node) -> Judged:
    receipt = node.receipt
    error = _first_line(node.error) or receipt.reason
    tries = len(node.deliveries)
    tried = f" {counted(tries, 'time')}" if tries > 1 else ""
    replay = Advice(text="Then send the event again", command=f"trainshed receipts replay {receipt.receipt_id}")
    if names.kind(receipt.trigger) == "function":
        function = names.short(receipt.trigger)
        log = Advice(text="Read what the function wrote", command=_log_of(function, receipt))
        return False, f"function {function} failed{tried}: {error}", (log, replay)
    return False, f"{names.called(receipt.trigger)} failed{tried}: {error}", (replay,)


def _log_of(function: str, receipt: Receipt) -> str:
    """Answer the command that shows a call's log, the whole trace of an exception included."""
    command = f"trainshed functions logs read {function}"
    if names.kind(receipt.link) != "invocation":
        return command
    return f"{command} --execution-id {names.short(receipt.link)} --limit {_TRACE_LINES}"


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0]
