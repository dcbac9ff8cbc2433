"""Receipts: why each event did, or did not, start something. One per (stimulus, trigger), for ever.

- `model`: Receipt, Delivery, Cause.
- `lifecycle`: what can become of a receipt.
- `store`: `open_receipt`, `settle`, `record_delivery` inside the caller's transaction; queries.
- `words`: what a receipt's event is called.
- `service`: read the ledger, send an event again.
"""

from trainshed.ledger.lifecycle import RECEIPT
from trainshed.ledger.model import Cause, Delivery, Receipt
from trainshed.ledger.service import Account, Replay, Service
from trainshed.ledger.store import (
    children,
    deliveries,
    find_receipt,
    get_receipt,
    latest_stimulus,
    list_receipts,
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
    "Receipt",
    "Replay",
    "Service",
    "children",
    "deliveries",
    "event",
    "find_receipt",
    "get_receipt",
    "latest_stimulus",
    "list_receipts",
    "open_receipt",
    "open_settled",
    "pending",
    "record_delivery",
    "settle",
]
