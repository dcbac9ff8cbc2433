"""The part of a page that shows a log. Its lines never travel with the page: its script asks the log's address."""

from dataclasses import dataclass
from typing import ClassVar

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.page import Part

LAST_LINE = 10**9 - 1  # that can be asked for


@dataclass(frozen=True, kw_only=True)
class Log(Part):
    """A log, live while it grows."""

    address: str  # one of `logs.Address`, with the words of the query that choose what of it
    label: str = "Log"  # what a screen reader calls it
    nothing: str = "Nothing has been written yet."
    line: int | None = None  # that it opens at; None: its end
    pin: str = ""  # word of the query, as `attempt=3`, without which the address of a line would soon mean another log
    kind: ClassVar[str] = "log"
    module: ClassVar[str] = "log.js"


def wanted_line(asked: Asked) -> int | None:
    """Answer the line that the page is to open its log at. Raises InvalidArgument."""
    return asked.number("line", 0, most=LAST_LINE) or None
