"""What stands in a table's cell or beside a label: plain text, or one of these. `drawing` draws them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, kw_only=True)
class Link:
    """Text that leads somewhere."""

    text: str
    href: str
    depth: int = 0  # in a tree that is written as rows
    cell: str = "link"


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A state, with a word beside it where there is more to say."""

    state: str
    note: str = ""
    cell: str = "badge"


@dataclass(frozen=True, kw_only=True)
class Time:
    """A point in time. Written exactly; the browser says how long ago, and keeps saying it."""

    when: datetime
    zone: str = "UTC"  # that it is written in
    is_exact: bool = False  # stays as it is written
    cell: str = "time"


@dataclass(frozen=True, kw_only=True)
class Span:
    """How long something took; without an end it is still going on, and the browser counts."""

    start: datetime
    end: datetime | None = None
    paused: float = 0.0  # seconds of it in which nobody did anything: they do not count
    cell: str = "span"

    @property
    def lasted(self) -> float | None:
        """How long it took without the pauses; None while it goes on."""
        return None if self.end is None else (self.end - self.start).total_seconds() - self.paused


@dataclass(frozen=True, kw_only=True)
class Seconds:
    """A duration without a beginning."""

    seconds: float
    cell: str = "seconds"


@dataclass(frozen=True, kw_only=True)
class Size:
    """A number of bytes."""

    count: int
    cell: str = "size"


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """Words that stand in an order of their own in a column that is sorted."""

    text: str
    rank: float
    cell: str = "ranked"


@dataclass(frozen=True, kw_only=True)
class Code:
    """A name, a command, an address: as it is, and copied by a button where one would type it elsewhere."""

    text: str
    may_copy: bool = False
    cell: str = "code"


@dataclass(frozen=True, kw_only=True)
class Type:
    """The type of an artifact: as it is called everywhere, and in full where one points at it."""

    text: str
    title: str  # of its schema: system.Dataset
    cell: str = "type"


@dataclass(frozen=True, kw_only=True)
class Named:
    """A thing as people call it, and as it is called in commands where one points at it."""

    text: str
    title: str
    cell: str = "named"


@dataclass(frozen=True, kw_only=True)
class Several:
    """Cells, one after the other."""

    cells: Sequence["Cell"]
    cell: str = "several"


@dataclass(frozen=True, kw_only=True)
class Mark:
    """One of several that came one after the other: a sign for its state; the rest is its name."""

    state: str
    name: str  # everything about it, in words
    href: str = ""


@dataclass(frozen=True, kw_only=True)
class Marks:
    """What happened last, in one line, oldest first."""

    marks: Sequence[Mark]
    cell: str = "marks"


Cell = (
    str
    | int
    | float
    | Link
    | Badge
    | Time
    | Span
    | Seconds
    | Size
    | Ranked
    | Code
    | Type
    | Named
    | Several
    | Marks
    | None
)


def called(title: str) -> str:
    """Call a type by its schema's title: without the name of who thought of it."""
    return title.rpartition(".")[2]


def named(text: str, title: str) -> str | Named:
    """Make the cell of a thing that may be called by its own name."""
    return text if text == title else Named(text=text, title=title)


def schema(title: str) -> Type | None:
    """Make the cell of a type; None of what has none."""
    return Type(text=called(title), title=title) if title else None


def time(when: datetime | None, zone: str = "UTC") -> Time | None:
    """Make the cell of a time that may not have come."""
    return None if when is None else Time(when=when, zone=zone)


def span(start: datetime | None, end: datetime | None, paused: float = 0.0) -> Span | None:
    """Make the cell of something that may not have begun."""
    return None if start is None else Span(start=start, end=end, paused=paused)


def seconds(count: float | None) -> Seconds | None:
    """Make the cell of a duration that may not be known."""
    return None if count is None else Seconds(seconds=count)


def size(count: int | None) -> Size | None:
    """Make the cell of a number of bytes that may not be known."""
    return None if count is None else Size(count=count)
