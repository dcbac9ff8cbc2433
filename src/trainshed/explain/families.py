"""Reads what came of events, a generation at a time: however many there are, it takes a few statements."""

from collections.abc import Callable, Sequence
from functools import cache

from trainshed import names
from trainshed.errors import TrainshedError
from trainshed.explain.fate import Node
from trainshed.explain.features import Features
from trainshed.explain.sources import Sources
from trainshed.ledger import Receipt

_WIDE = 20  # of what followed one event

Hearers = Callable[[str], Sequence[str] | None]


class Families:
    """Reads receipts with what came of them."""

    def __init__(self, features: Features, sources: Sources) -> None:
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
        works = self._works([receipt.link for receipt in receipts])
        return [
            Node(
                receipt=receipt,
                deliveries=deliveries[receipt.receipt_id],
                children=found[receipt.receipt_id],
                hearers=None if children[receipt.receipt_id] else hearers(receipt.link),
                error=self._error(receipt),
                work=works.get(receipt.link, ""),
                is_cut=bool(depth) and len(children[receipt.receipt_id]) > _WIDE,
            )
            for receipt in receipts
        ]

    def _works(self, links: Sequence[str]) -> dict[str, str]:
        """Answer in which state the runs and builds are that these names are of."""
        of_runs = sorted({link for link in links if names.kind(link) == "run"})
        of_builds = {names.short(link): link for link in links if names.kind(link) == "build"}
        found = {name: run.state for name, run in self._features.runs.progress(of_runs).items()} if of_runs else {}
        if of_builds:
            known = self._features.builds.progress(sorted(of_builds))
            found |= {of_builds[build_id]: build.state for build_id, build in known.items()}
        return found

    def _error(self, receipt: Receipt) -> str:
        if receipt.state != "FAILED" or names.kind(receipt.link) != "invocation":
            return ""
        try:
            return self._features.functions.invocation(names.short(receipt.link)).error
        except TrainshedError:
            return ""
