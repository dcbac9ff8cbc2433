"""Reads what came of events, a generation at a time: however many there are, it takes a few statements."""

from collections.abc import Callable, Sequence
from functools import cache
from typing import TYPE_CHECKING

from trainshed import names
from trainshed.errors import TrainshedError
from trainshed.explain import words
from trainshed.explain.fate import Node
from trainshed.explain.sources import Sources
from trainshed.ledger import Receipt

if TYPE_CHECKING:
    from trainshed.explain.service import Features

_WIDE = 20  # of what followed one event

Hearers = Callable[[str], Sequence[str] | None]


class Families:
    """Reads receipts with what came of them."""

    def __init__(self, features: "Features", sources: Sources) -> None:
        self._features = features
        self._sources = sources

    def nodes(self, receipts: Sequence[Receipt], depth: int) -> list[Node]:
        """Answer each event with so many generations of what followed."""
        hearers = cache(self._sources.hearers)  # several events may go to one topic
        return self._nodes(receipts, depth, hearers)

    def _nodes(self, receipts: Sequence[Receipt], depth: int, hearers: Hearers) -> list[Node]:
        if not receipts:
            return []
        ids = [receipt.receipt_id for receipt in receipts]
        deliveries, children = self._features.ledger.followed(ids, limit=_WIDE + 1)
        below = [child for mine in children.values() for child in mine[:_WIDE]] if depth else []
        found: dict[str, list[Node]] = {receipt_id: [] for receipt_id in ids}
        for node in self._nodes(below, depth - 1, hearers):
            found[node.receipt.parent_id].append(node)
        return [
            Node(
                receipt=receipt,
                deliveries=deliveries[receipt.receipt_id],
                children=found[receipt.receipt_id],
                hearers=None if children[receipt.receipt_id] else hearers(receipt.link),
                error=self._error(receipt),
                is_cut=bool(depth) and len(children[receipt.receipt_id]) > _WIDE,
            )
            for receipt in receipts
        ]

    def _error(self, receipt: Receipt) -> str:
        if receipt.state != "FAILED" or words.kind_of(receipt.link) != "invocation":
            return ""
        try:
            return self._features.functions.invocation(names.short(receipt.link)).error
        except TrainshedError:
            return ""
