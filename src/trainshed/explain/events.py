"""The steps of an account that tell of events: what happened, its receipt, its deliveries. Pure."""

import base64
import binascii
from collections.abc import Sequence

from trainshed import names
from trainshed.explain import words
from trainshed.explain.fate import Node
from trainshed.explain.model import Commit, Named, Step, Value
from trainshed.ledger import Receipt
from trainshed.quantities import counted

_LONGEST = 400  # characters of a message


def event(receipt: Receipt, commit: Commit | None = None) -> Step:
    """Tell what happened first."""
    says, facts = _told(receipt)
    if commit is not None:
        facts = [*facts, *_of_commit(commit)]
    return Step(
        id=f"event-{receipt.receipt_id}",
        heading="The event",
        says=words.sentence(says),
        when=receipt.create_time,
        about=words.named(_origin(receipt)),
        facts=facts,
    )


def asked(kind: str) -> Step:
    """Tell of something that nobody but a person, or a program of theirs, asked for."""
    return Step(
        id="event",
        heading="The event",
        says="Somebody asked for it, by the command line, the dashboard or a client; no trigger was involved.",
        facts=[("Cause", "by hand" if kind in {"", "user"} else kind)],
    )


def receipt(node: Node) -> Step:
    """Tell what a trigger made of an event."""
    found = node.receipt
    trigger = names.called(found.trigger)
    return Step(
        id=f"receipt-{found.receipt_id}",
        heading=f"What {trigger} made of it",
        says=words.sentence(found.reason or f"{trigger}: {found.state.lower()}"),
        state=found.state,
        when=found.update_time,
        about=Named(text=f"receipt {found.receipt_id}", name=f"receipts/{found.receipt_id}"),
        facts=[
            ("Trigger", words.named(found.trigger)),
            ("Led to", words.named(found.link)),
            *([("Error", node.error.strip())] if node.error and found.state == "FAILED" else []),
        ],
        columns=("Delivery", "Time", "Outcome", "Reason") if node.deliveries else (),
        rows=[(d.number, d.time, d.outcome, d.reason or None) for d in node.deliveries],
    )


def followed(node: Node) -> Step | None:
    """Tell what an event led to, further events and what they led to among it."""
    rows = list(_below(node.children, 0))
    if not rows:
        return None
    return Step(
        id="followed",
        heading="What followed",
        says=words.sentence(
            f"{counted(len(rows), 'event')} followed from it" + ("; there were more" if node.is_cut else "")
        ),
        columns=("Receipt", "Event", "Trigger", "What became of it", "Led to"),
        rows=rows,
    )


def _below(children: Sequence[Node], depth: int) -> list[tuple[Value, ...]]:
    rows: list[tuple[Value, ...]] = []
    for child in children:
        found = child.receipt
        rows.append(
            (
                Named(text=found.receipt_id, name=f"receipts/{found.receipt_id}"),
                f"{'· ' * depth}{found.kind}",
                words.named(found.trigger),
                f"{found.state}: {found.reason}" if found.reason else found.state,
                words.named(found.link),
            )
        )
        rows += _below(child.children, depth + 1)
    return rows


def _clock(text: str) -> str:
    when = words.moment(text)
    return when if isinstance(when, str) else words.exactly(when)


def _told(receipt: Receipt) -> tuple[str, list[tuple[str, Value]]]:
    data, short = receipt.data, names.short(receipt.trigger)
    match receipt.kind:
        case "message":
            topic = str(data.get("topic", ""))
            number = receipt.stimulus.rpartition("#")[2]
            facts: list[tuple[str, Value]] = [("Message", text_of(str(data.get("data", ""))))]
            facts += [(f"Attribute {key}", str(value)) for key, value in (data.get("attributes") or {}).items()]
            return f"message {number} was published to topic {names.short(topic)}", facts
        case "firing":
            is_forced = receipt.stimulus.startswith("forced/")
            how = "was fired by hand" if is_forced else f"was due at {_clock(receipt.stimulus)}"
            return f"schedule {short} {how}", []
        case "object":
            attributes = data.get("attributes") or {}
            uri = f"gs://{attributes.get('bucketId', '')}/{attributes.get('objectId', '')}"
            generation = str(attributes.get("objectGeneration", ""))
            return f"{uri} was written", [("Object", Named(text=uri, name=uri)), ("Generation", generation)]
        case "commit":
            ref = str(data.get("ref", "")).removeprefix("refs/heads/").removeprefix("refs/tags/")
            return f"commit {str(data.get('sha', ''))[:7]} came to {ref}", [
                ("Repository", str(data.get("repository", "")))
            ]
        case kind:
            return f"{short} got a {kind}", [("Event", receipt.stimulus)]


def _origin(receipt: Receipt) -> str:
    if receipt.kind == "message":
        return str(receipt.data.get("topic", ""))
    return receipt.trigger if receipt.kind == "firing" else ""


def _of_commit(commit: Commit) -> list[tuple[str, Value]]:
    facts: list[tuple[str, Value]] = [("Commit", commit.sha)]
    if commit.message:
        facts += [("Says", commit.message), ("By", commit.author), ("On", words.moment(commit.time))]
    if commit.files:
        since = f" since {commit.since[:7]}" if commit.since else ""
        facts.append((f"Files changed{since}", ", ".join(commit.files)))
    return facts


def text_of(data: str) -> str:
    """Read a message's base64 as text, or say how long it is."""
    try:
        content = base64.b64decode(data, validate=True)
        text = content.decode()
    except (binascii.Error, UnicodeDecodeError, ValueError):
        return f"{len(data) * 3 // 4} bytes"
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
