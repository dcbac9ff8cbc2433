"""Receipts: why each event did, or did not, start something. One per (stimulus, trigger), for ever.

- `model`: Receipt, Delivery, Cause.
- `message`: Message, whose data a receipt keeps.
- `lifecycle`: what can become of a receipt.
- `store`: `open_receipt`, `settle`, `record_delivery`, both as `conclude`, inside the caller's transaction; queries.
- `search`: what people look for in it, however long it is.
- `families`: the same of many triggers, or events, at once.
- `words`: what a receipt's event is called.
- `service`: read the ledger, send an event again.
"""

from trainshed.ledger.lifecycle import RECEIPT
from trainshed.ledger.message import Message
from trainshed.ledger.model import Cause, Delivery, Receipt
from trainshed.ledger.search import Found, Search, due_time, is_forced
from trainshed.ledger.service import Account, Replay, Service
from trainshed.ledger.store import (
    children,
    conclude,
    deliveries,
    find_receipt,
    first_commit,
    first_trigger,
    get_receipt,
    latest_stimulus,
    open_receipt,
    open_settled,
    pending,
    record_delivery,
    settle,
)
from trainshed.ledger.words import event

__all__ = [
    "RECEIPT",
    "Account",
    "Cause",
    "Delivery",
    "Found",
    "Message",
    "Receipt",
    "Replay",
    "Search",
    "Service",
    "children",
    "conclude",
    "deliveries",
    "due_time",
    "event",
    "find_receipt",
    "first_commit",
    "first_trigger",
    "get_receipt",
    "is_forced",
    "latest_stimulus",
    "open_receipt",
    "open_settled",
    "pending",
    "record_delivery",
    "settle",
]
