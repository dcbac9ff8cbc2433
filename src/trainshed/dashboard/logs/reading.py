"""Pieces of a log, from its end, from a place, around a line; and the lines that hold a text.

Each look takes a moment at most, and gets on by a block at least.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from trainshed.clock import monotonic
from trainshed.dashboard.logs import ansi
from trainshed.dashboard.logs.index import Index
from trainshed.dashboard.logs.text import BLOCK, Text

_PIECE_SECONDS = 0.1  # for the lines that a filter lets through; then what there is
_NUMBER_SECONDS = 0.03  # for counting on the way
_SEARCH_SECONDS = 0.15
_SEARCH_BYTES = 1 << 20  # at a time
_MATCHES = 2_000  # of one answer
_BEHIND = 64 * 1024  # of a last line that has no end yet


@dataclass(frozen=True, kw_only=True)
class Source:
    """One log: where it stands, and what of it is shown."""

    paths: Sequence[Path]  # one after the other: an older one, and the one that is written
    is_over: Callable[[], bool] = lambda: True  # whether nothing is written any more; asked when `follows` says so
    follows: Sequence[str] = ()  # channels of the store
    prefixes: tuple[bytes, ...] = ()  # only lines that begin like this,
    wholes: frozenset[bytes] = frozenset()  # and these
    shows: Callable[[bytes], bytes | None] | None = None  # what a line is shown as; None: not at all
    name: str = "log.txt"  # when it is downloaded

    def shown(self, line: bytes) -> bytes | None:
        """Answer what is shown of a line, if anything."""
        if self.prefixes and not line.startswith(self.prefixes) and line not in self.wholes:
            return None
        return line if self.shows is None else self.shows(line)

    def may_show(self, data: bytes) -> bool:
        """Tell without a look at its lines whether anything of a stretch can be shown."""
        return not self.prefixes or any(text in data for text in (*self.prefixes, *self.wholes))

    @property
    def is_filtered(self) -> bool:
        """Whether not every line is shown as it is."""
        return bool(self.prefixes) or self.shows is not None


@dataclass(frozen=True, kw_only=True)
class Line:
    """A line as a page shows it."""

    offset: int
    number: int | None  # None while lines are not counted that far
    text: str | ansi.Spans


@dataclass(frozen=True, kw_only=True)
class Piece:
    """Lines that stand together, and the stretch of the log that was looked at for them."""

    start: int
    end: int
    size: int
    lines: list[Line] = field(default_factory=list)
    partial: str | ansi.Spans = ""  # what has been written of the line behind the last one
    target: int | None = None  # place of the line that was asked for
    is_last: bool = False  # nothing follows yet


@dataclass(frozen=True, kw_only=True)
class Found:
    """Places of lines that hold a text, the last one first."""

    matches: list[int]
    before: int  # where to go on; 0: everything was looked at
    size: int


class Reader:
    """Reads one log that is open. `is_over`: its last line needs no end."""

    def __init__(self, source: Source, text: Text, index: Index, *, is_over: bool) -> None:
        self._source = source
        self._text = text
        self._index = index
        self._end = text.size if is_over else text.line_start(text.size)

    def tail(self, count: int) -> Piece:
        """Answer the last lines."""
        return self.earlier(self._end, count)

    def earlier(self, before: int, count: int) -> Piece:
        """Answer the lines in front of a place."""
        end = self._within(before)
        start, found, until = end, list[tuple[int, bytes]](), monotonic() + _PIECE_SECONDS
        while start > 0 and len(found) < count and (start == end or monotonic() < until):
            stop, start = start, self._text.line_start(max(0, start - BLOCK))
            found = [*self._shown(start, stop), *found]
        if len(found) > count:
            found = found[-count:]
            start = found[0][0]
        return self._piece(start, end, found)

    def later(self, after: int, count: int) -> Piece:
        """Answer the lines behind a place."""
        start = self._within(after)
        end, found, until = start, list[tuple[int, bytes]](), monotonic() + _PIECE_SECONDS
        while end < self._end and len(found) < count and (end == start or monotonic() < until):
            begin, end = end, self._next(end)
            found.extend(self._shown(begin, end))
        if len(found) > count:
            end = found[count][0]
            found = found[:count]
        return self._piece(start, end, found)

    def around(self, offset: int, count: int) -> Piece:
        """Answer the lines on both sides of a place."""
        target = self._within(min(offset, max(0, self._end - 1)))
        later = self.later(target, count // 2)
        earlier = self.earlier(target, count - count // 2)
        return Piece(
            start=earlier.start, end=later.end, size=later.size, lines=[*earlier.lines, *later.lines],
            partial=later.partial, target=target, is_last=later.is_last,
        )  # fmt: skip

    def search(self, wanted: str, before: int | None) -> Found:
        """Answer the places of lines that hold a text, without regard to case, from the end, for a moment."""
        stop = self._end if before is None else self._within(before)
        if "\n" in wanted:  # no line holds one
            return Found(matches=[], before=0, size=self._end)
        begun, matches, until = stop, list[int](), monotonic() + _SEARCH_SECONDS
        while stop > 0 and len(matches) < _MATCHES and (stop == begun or monotonic() < until):
            start = self._text.line_start(max(0, stop - _SEARCH_BYTES))
            matches.extend(reversed(self._matches(wanted.lower(), start, stop)))
            stop = start
        return Found(matches=matches, before=stop, size=self._end)

    def everything(self) -> Iterator[bytes]:
        """Yield what is shown, as it was written, a block at a time."""
        end = 0
        while end < self._end:
            start, end = end, self._next(end)
            if self._source.is_filtered:
                yield b"".join(line + b"\n" for _, line in self._shown(start, end))
            else:
                yield self._text.read(start, end)

    def _within(self, offset: int) -> int:
        return self._end if offset >= self._end else self._text.line_start(offset)

    def _next(self, place: int) -> int:
        """Answer where the lines about one block further on begin."""
        far = place + 2 * BLOCK
        return self._end if far >= self._end else self._text.line_start(far)

    def _shown(self, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
        if not self._source.may_show(self._text.read(start, stop)):
            return
        for offset, line in self._text.lines(start, stop):
            if (shown := self._source.shown(line)) is not None:
                yield offset, shown

    def _piece(self, start: int, end: int, found: Sequence[tuple[int, bytes]]) -> Piece:
        self._index.grow(self._text, _NUMBER_SECONDS)
        numbers = self._numbers(start, end, [offset for offset, _ in found])
        lines = [
            Line(offset=offset, number=number, text=ansi.shown(ansi.decoded(line)))
            for (offset, line), number in zip(found, numbers, strict=True)
        ]
        is_last = end >= self._end
        partial = self._partial() if is_last else ""
        return Piece(start=start, end=end, size=self._text.size, lines=lines, partial=partial, is_last=is_last)

    def _numbers(self, start: int, end: int, offsets: Sequence[int]) -> list[int | None]:
        if not self._source.is_filtered:
            first = self._index.number_of(self._text, start)
            return [None if first is None else first + place for place in range(len(offsets))]
        if len(offsets) * BLOCK > end - start:  # lines stand thick: count once along them
            return self._counted(start, end, offsets)
        return [self._index.number_of(self._text, offset) for offset in offsets]

    def _counted(self, start: int, end: int, offsets: Sequence[int]) -> list[int | None]:
        first = self._index.number_of(self._text, start)
        if first is None:
            return [None] * len(offsets)
        wanted = set(offsets)
        return [first + place for place, (at, _) in enumerate(self._text.lines(start, end)) if at in wanted]

    def _partial(self) -> str | ansi.Spans:
        rest = self._text.read(max(self._end, self._text.size - _BEHIND), self._text.size)
        shown = self._source.shown(rest) if rest else None
        return ansi.shown(ansi.decoded(shown)) if shown is not None else ""

    def _matches(self, wanted: str, start: int, stop: int) -> list[int]:
        data = self._text.read(start, stop)
        is_plain = wanted.isascii() and b"\x1b" not in data and b"\r" not in data
        if self._source.is_filtered or not is_plain:
            return [offset for offset, line in self._shown(start, stop) if wanted in _plain(line)]
        data, needle = data.lower(), wanted.encode()
        found, place = [], data.find(needle)
        while place >= 0:
            found.append(start + data.rfind(b"\n", 0, place) + 1)
            line_end = data.find(b"\n", place)
            place = data.find(needle, line_end) if line_end >= 0 else -1
        return found


def _plain(line: bytes) -> str:
    return ansi.plain(ansi.decoded(line)).lower()
