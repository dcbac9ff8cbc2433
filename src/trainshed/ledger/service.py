"""Verbs on receipts: read them, and send an event again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from trainshed import names
from trainshed.clock import Clock
from trainshed.errors import FailedPrecondition
from trainshed.ledger import ends, families, search, store
from trainshed.ledger.model import Delivery, Receipt
from trainshed.ledger.search import Found, Search
from trainshed.sql import Database

Replay = Callable[[Receipt], str]  # sends the event again; answers in words what it did


@dataclass(frozen=True, kw_only=True)
class Account:
    """A receipt with everything under it."""

    receipt: Receipt
    deliveries: list[Delivery]
    children: list[Receipt]  # receipts of what this event led to


class Service:
    """Reads the ledger and replays events; `replays` has one way of sending again per kind of event."""

    def __init__(self, db: Database, clock: Clock, replays: Mapping[str, Replay]) -> None:
        self._db = db
        self._clock = clock
        self._replays = dict(replays)

    def search(self, wanted: Search) -> Found:
        """Read a page of the receipts that somebody looks for, newest first. Raises InvalidArgument."""
        return self._db.read(lambda conn: search.page(conn, wanted))

    def failed_last(self, *, limit: int) -> list[Receipt]:
        """Read the receipts of what failed or was refused last, in no order."""
        return self._db.read(lambda conn: search.failed_last(conn, limit=limit))

    def latest(self, triggers: Sequence[str], *, limit: int) -> dict[str, list[Receipt]]:
        """Read the newest receipts of each trigger, newest first."""
        return self._db.read(lambda conn: families.latest(conn, triggers, limit=limit))

    def of_stimuli(self, wanted: Mapping[str, Sequence[str]]) -> list[Receipt]:
        """Read the receipts of some stimuli at each trigger, oldest first."""
        return self._db.read(lambda conn: families.of_stimuli(conn, wanted))

    def children_of(self, receipt_ids: Sequence[str]) -> list[Receipt]:
        """Read the receipts of what these events led to, oldest first."""
        return self._db.read(lambda conn: families.children_of(conn, receipt_ids))

    def followed(
        self, receipt_ids: Sequence[str], *, limit: int
    ) -> tuple[dict[str, list[Delivery]], dict[str, list[Receipt]]]:
        """Read the deliveries under each of some receipts, and the first receipts of what each led to, oldest first."""
        return self._db.read(
            lambda conn: (
                families.deliveries_of(conn, receipt_ids),
                families.first_children(conn, receipt_ids, limit=limit),
            )
        )

    def due(self, trigger: str, since: datetime, until: datetime, *, limit: int) -> list[Receipt]:
        """Read the receipts of a schedule's firings that were due, or forced, in a stretch of time, newest first."""
        return self._db.read(lambda conn: search.due(conn, trigger, since, until, limit=limit))

    def due_ends(self, trigger: str, stretches: Sequence[tuple[datetime, datetime]]) -> list[list[tuple[str, str]]]:
        """Answer what became of a schedule's firings in each stretch of time: state and link of the receipt that tells."""
        return self._db.read(lambda conn: ends.due_ends(conn, trigger, stretches))

    def cause_of(self, link: str) -> Receipt | None:
        """Find the receipt of the event that started what `link` names."""
        return self._db.read(lambda conn: store.find_receipt(conn, link=link))

    def that_begin(self, text: str) -> Sequence[str]:
        """Answer a few of the receipts whose identifier begins with a text, if that is long enough to mean one."""
        if not names.is_beginning(text):
            return []
        return self._db.read(lambda conn: store.that_begin(conn, text, most=names.MOST_CANDIDATES))

    def describe(self, receipt_id: str) -> Account:
        """Read one receipt with its deliveries and what it led to. Raises NotFound."""
        return self._db.read(
            lambda conn: Account(
                receipt=store.get_receipt(conn, receipt_id),
                deliveries=store.deliveries(conn, receipt_id),
                children=store.children(conn, receipt_id),
            )
        )

    def replay(self, receipt_id: str, *, dry_run: bool = False) -> str:
        """Send the event again to the trigger that it was for; answer in words what was, or would be, done.

        Raises NotFound, or FailedPrecondition for an event that cannot be sent again.
        """
        receipt = self._db.read(lambda conn: store.get_receipt(conn, receipt_id))
        send = self._replays.get(receipt.kind)
        if send is None:
            raise FailedPrecondition(
                f"Receipt {receipt_id} is of kind {receipt.kind!r}, which cannot be sent again; "
                f"{' and '.join(sorted(self._replays))} can.",
                reason="KIND_NOT_REPLAYABLE",
            )
        if dry_run:
            return f"would send {receipt.kind} {receipt.stimulus} to {receipt.trigger} again"
        return send(receipt)
