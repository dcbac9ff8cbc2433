"""Which line stands where: how many lines begin up to the end of each block, counted once and kept in memory.

A line's number is then the count of its block and of the line ends in front of it there; 1 GB takes 33 kB.
"""

from array import array
from bisect import bisect_left
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from threading import Lock

from trainshed.clock import monotonic
from trainshed.dashboard.logs.text import BLOCK, Text

_KEPT = 64  # logs that somebody looked at last


class Index:
    """The counts of one log. Callable from several threads."""

    def __init__(self, identity: object) -> None:
        self.identity = identity
        self._counts = array("Q", [0])  # of lines that begin behind the first one, up to the end of each whole block
        self._lock = Lock()

    @property
    def reach(self) -> int:
        """Answer how many bytes are counted."""
        return (len(self._counts) - 1) * BLOCK

    def grow(self, text: Text, seconds: float) -> bool:
        """Count for so long at most, a block at least; tell whether everything is counted."""
        begun, until = self.reach, monotonic() + seconds
        while (block := len(self._counts) - 1) < text.size // BLOCK:
            if self.reach > begun and monotonic() > until:
                return False
            count = text.read(block * BLOCK, (block + 1) * BLOCK).count(b"\n") or 1  # a block without one is broken
            with self._lock:
                if block == len(self._counts) - 1:  # nobody else counted it meanwhile
                    self._counts.append(self._counts[block] + count)
        return True

    def number_of(self, text: Text, offset: int) -> int | None:
        """Answer the number of the line that begins at `offset`, or None while that is not counted."""
        block = offset // BLOCK
        if block >= len(self._counts):
            return None
        return 1 + self._counts[block] + text.read(block * BLOCK, offset).count(b"\n")

    def offset_of(self, text: Text, number: int) -> int:
        """Answer where a line begins, as far as lines are counted; the last one where there are fewer."""
        wanted = number - 1
        if wanted <= 0:
            return 0
        block = bisect_left(self._counts, wanted) - 1
        data, place = text.read(block * BLOCK, (block + 1) * BLOCK), -1
        for _ in range(wanted - self._counts[block]):
            place = data.find(b"\n", place + 1)
            if place < 0:
                is_broken = len(data) == BLOCK and b"\n" not in data
                return (block + 1) * BLOCK if is_broken else text.line_start(max(0, text.size - 1))
        return min(block * BLOCK + place + 1, text.line_start(max(0, text.size - 1)))


class Indexes:
    """The counts of the logs that were looked at last."""

    def __init__(self) -> None:
        self._found: OrderedDict[tuple[Path, ...], Index] = OrderedDict()
        self._lock = Lock()

    def of(self, paths: Sequence[Path], text: Text) -> Index:
        """Answer a log's counts; new ones where other files have its names now, or it has become shorter."""
        key = tuple(paths)
        with self._lock:
            index = self._found.get(key)
            if index is None or index.identity != text.identity or index.reach > text.size:
                index = self._found[key] = Index(text.identity)
            self._found.move_to_end(key)
            while len(self._found) > _KEPT:
                self._found.popitem(last=False)
            return index
