"""An event in a few words, for the reasons of receipts: the first event of a chain is what people know."""

from sqlalchemy import Connection

from trainshed import names
from trainshed.clock import parse_rfc3339
from trainshed.ledger.model import Receipt
from trainshed.ledger.store import get_receipt

_LONGEST_CHAIN = 20  # a chain may be a circle: a run's output may start a run


def event(conn: Connection, receipt: Receipt) -> str:
    """Name the event that a receipt accounts for; of a message that a firing or an object sent, that."""
    for _ in range(_LONGEST_CHAIN):
        if not receipt.parent_id:
            break
        receipt = get_receipt(conn, receipt.parent_id)
    return _words(receipt)


def _clock(text: str) -> str:
    try:
        return parse_rfc3339(text).strftime("%Y-%m-%d %H:%M:%S UTC")
    except ValueError:  # as somebody recorded it
        return text


def _words(receipt: Receipt) -> str:
    data, name = receipt.data, names.short(receipt.trigger)
    match receipt.kind:
        case "message":
            topic = names.short(str(data.get("topic", ""))) or name
            return f"message {receipt.stimulus.rpartition('#')[2]} of {topic}"
        case "firing":
            how = "forced firing" if receipt.stimulus.startswith("forced/") else f"firing at {_clock(receipt.stimulus)}"
            return f"the {how} of {name}"
        case "object":
            attributes = data.get("attributes") or {}
            return f"the object gs://{attributes.get('bucketId', '')}/{attributes.get('objectId', '')}"
        case "commit":
            return f"commit {str(data.get('sha', ''))[:7]}"
        case kind:
            return f"a {kind} of {name}"
