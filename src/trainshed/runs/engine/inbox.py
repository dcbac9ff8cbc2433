"""Facts on their way into a transaction: kept until they are on disk, in the order in which they came."""

import asyncio
import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from trainshed.runs.engine.ended import Ended
from trainshed.runs.facts import Fact

_BATCH = 200  # facts in one transaction


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A fact about a run, and for the end of an attempt what it gave."""

    run: str
    fact: Fact
    ended: Ended | None = None
    taken: "asyncio.Future[None] | None" = None  # done once the fact is on disk

    def settle(self) -> None:
        """Tell whoever waits that the fact is on disk."""
        if self.taken is not None and not self.taken.done():
            self.taken.set_result(None)


class Inbox:
    """Facts that came, and those in hand: taken, not on disk yet. Facts may be added from any thread."""

    def __init__(self) -> None:
        self._facts: deque[Entry] = deque()
        self._in_hand: list[Entry] = []
        self._lock = threading.Lock()

    def __bool__(self) -> bool:
        """Whether there is something to take."""
        return bool(self._facts)

    def add(self, entry: Entry) -> None:
        """Put a fact last."""
        with self._lock:
            self._facts.append(entry)

    def take(self) -> list[Entry]:
        """Take the next facts in hand."""
        with self._lock:
            self._in_hand = [self._facts.popleft() for _ in range(min(len(self._facts), _BATCH))]
            return self._in_hand

    def settle(self, entries: Sequence[Entry]) -> None:
        """Let go of facts that are on disk."""
        for entry in entries:
            entry.settle()
        self._in_hand = [kept for kept in self._in_hand if not any(kept is entry for entry in entries)]

    def put_back(self) -> None:
        """Put the facts in hand first again."""
        with self._lock:
            self._facts.extendleft(reversed(self._in_hand))
            self._in_hand = []

    def attempts(self) -> set[tuple[str, int]]:
        """Answer the attempts whose ends are in here."""
        kept = [*self._in_hand, *self._facts]
        return {(e.ended.report.task_id, e.ended.report.attempt) for e in kept if e.ended is not None}
