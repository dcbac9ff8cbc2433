"""The part of a page that shows a log. Its lines never travel with the page: its script asks the log's address."""

from dataclasses import dataclass
from typing import ClassVar

from trainshed.dashboard.page import Part


@dataclass(frozen=True, kw_only=True)
class Log(Part):
    """A log, live while it grows."""

    address: str  # one of `logs.Address`, with the words of the query that choose what of it
    label: str = "Log"  # what a screen reader calls it
    nothing: str = "Nothing has been written yet."
    kind: ClassVar[str] = "log"
    module: ClassVar[str] = "log.js"
