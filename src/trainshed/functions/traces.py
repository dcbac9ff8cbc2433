"""The exception that a process printed, told from the lines of its output as they come. Pure."""

import re

_START = re.compile(r"(  \+ Exception Group |)Traceback \(most recent call last\):$")
_GROUP_BAR = "  | "  # what Python prints before every line of a group of exceptions
_MOST_LINES = 20  # of a message of several lines
_LONGEST = 2000


class LastException:
    """Follows output line by line, however much of it there is; the last exception counts, as it is the one raised."""

    def __init__(self) -> None:
        """Start with nothing seen."""
        self._found: list[str] = []  # the lines of its message
        self._last = ""
        self._in_frames = self._is_open = False

    def see(self, line: str) -> None:
        """Take the next line that was printed."""
        if _START.match(line):
            self._in_frames, self._is_open = True, False
            return
        if self._is_open:
            self._go_on(line)
        shown = line.removeprefix(_GROUP_BAR)
        if not shown.strip() or shown.startswith((" ", "127.0.0.1", "+")):
            return
        self._last = shown
        if self._in_frames:
            self._found, self._in_frames, self._is_open = [shown], False, True

    def text(self) -> str:
        """Answer class and message in one line; without an exception the last line that was said."""
        if not self._found:
            return _folded([self._last])
        first, *rest = self._found
        if first.rstrip().endswith(":"):  # `ValidationError: 2 are wrong:`: what it announces is the message
            return _folded([first, *rest])
        opened = first.rfind(" [")
        if rest and opened > 0 and "]" not in first[opened:]:  # details, of which the end is on another line
            first = first[:opened]
        return _folded([first])

    def _go_on(self, line: str) -> None:
        if line.strip() and len(self._found) < _MOST_LINES:
            self._found.append(line)


def _folded(lines: list[str]) -> str:
    return " ".join(" ".join(lines).split())[:_LONGEST]
