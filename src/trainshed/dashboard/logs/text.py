"""The bytes of a log, and where its lines begin. Nothing here reads more than it is asked for.

A line that fills a whole block is broken at the block's end, so that every line's beginning is found by looking at one
block, or two: a log without any line end costs no more than another.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

BLOCK = 1 << 18


class Text:
    """What stands in one file, or in several one after the other, up to their sizes of now. A context manager."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self._files: list[tuple[int, int]] = []  # descriptor and size
        found: list[tuple[int, int]] = []
        for path in paths:
            with suppress(FileNotFoundError):
                descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                about = os.fstat(descriptor)
                self._files.append((descriptor, about.st_size))
                found.append((about.st_dev, about.st_ino))
        self.identity = tuple(found)  # other files of the same names have another
        self.size = sum(size for _, size in self._files)

    def __enter__(self) -> Self:
        """Use as a context manager: the files are closed at its end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close."""
        for descriptor, _size in self._files:
            os.close(descriptor)

    def read(self, start: int, stop: int) -> bytes:
        """Answer the bytes from `start` to `stop`; less where the log has become shorter."""
        found = []
        for descriptor, size in self._files:
            if start < size and stop > 0:
                found.append(os.pread(descriptor, min(stop, size) - max(start, 0), max(start, 0)))
            start, stop = start - size, stop - size
        return b"".join(found)

    def line_start(self, offset: int) -> int:
        """Answer the last place at or before `offset` where a line begins."""
        high = min(offset, self.size)
        while high > 0:
            low = (high - 1) // BLOCK * BLOCK
            place = self.read(low, high).rfind(b"\n")
            if place >= 0:
                return low + place + 1
            if high == low + BLOCK:
                return high
            high = low
        return 0

    def lines(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        """Yield the lines between two beginnings of lines (or the end): where each begins, and it without its end."""
        begin, begun, place = start, b"", start
        while place < stop:
            end = min((place // BLOCK + 1) * BLOCK, stop)
            first, *others = self.read(place, end).split(b"\n")
            if others:
                yield begin, begun + first
                begin = place + len(first) + 1
                for line in others[:-1]:
                    yield begin, line
                    begin += len(line) + 1
                begun = others[-1]
            elif len(first) == BLOCK:
                yield begin, begun + first
                begin, begun = end, b""
            else:
                begun += first
            place = end
        if begun:
            yield begin, begun
