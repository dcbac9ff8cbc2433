"""Records of the ledger."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trainshed.ledger.lifecycle import RECEIPT


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why something is asked for: travels from the event to the run that it starts.

    `key` identifies the event at its trigger, equal for every redelivery of it; with the digest of the request it
    makes the run key.
    """

    key: str  # projects/p/subscriptions/s#1234, a schedule's firing, a commit, an object generation
    kind: str  # message, firing, commit, object, webhook, call, user
    receipt_id: str = ""  # the receipt to settle; empty when nobody is accountable (a user's own command)
    time: datetime | None = None  # the logical time of the event, the same for every attempt
    trigger: str = ""  # resource name of what stands at the beginning, where no receipt to settle says so


@dataclass(frozen=True, kw_only=True)
class Delivery:
    """One time that a stimulus reached its trigger."""

    receipt_id: str
    number: int  # 1 for the first
    time: datetime
    outcome: str  # acked, nacked, started, joined, …
    reason: str
    link: str


@dataclass(frozen=True, kw_only=True)
class Receipt:
    """What became of one stimulus at one trigger."""

    receipt_id: str
    trigger: str  # resource name of what reacts: a function, a schedule, a build trigger, a run trigger
    kind: str  # message, firing, commit, object, call
    stimulus: str  # identifies the event: topic and message id, due time, commit, object generation
    state: str
    reason: str
    link: str  # resource name of what it led to; empty when it led to nothing
    parent_id: str  # the receipt of the event that led to this one
    data: Mapping[str, Any]  # the event itself, enough to send it again
    create_time: datetime
    update_time: datetime

    @classmethod
    def from_row(cls, row: Any) -> "Receipt":
        """Read a row of `receipts`."""
        return cls(
            receipt_id=row.id,
            trigger=row.trigger,
            kind=row.kind,
            stimulus=row.stimulus,
            state=row.state,
            reason=row.reason,
            link=row.link,
            parent_id=row.parent_id or "",
            data=row.data or {},
            create_time=row.create_time,
            update_time=row.update_time,
        )

    @property
    def has_begun(self) -> bool:
        """Whether the event has led to work: it starts no more unless somebody replays it."""
        return not RECEIPT.allows("start", self.state)

    def log_context(self) -> dict[str, str]:
        """Answer the identifiers for log lines."""
        return {"receipt_id": self.receipt_id, "trigger": self.trigger}
