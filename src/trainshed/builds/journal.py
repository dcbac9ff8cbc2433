"""The log of a build: written to a file while it runs, secrets masked, floods cut off."""

import re
import threading
from collections.abc import Iterable
from pathlib import Path
from types import TracebackType
from typing import Self

_LINE = 16_384  # a longer line is broken
_LIMIT = 64 * 1024 * 1024
_MASK = "****"
_SHORTEST_SECRET = 3  # masking shorter values would blot out ordinary text


class Journal:
    """One build's log. Callable from several threads."""

    def __init__(self, path: Path, *, limit: int = _LIMIT) -> None:
        self.path = path
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = path.open("ab", buffering=0)
        self._lock = threading.Lock()
        self._left = limit
        self._limit = limit
        self._secrets: re.Pattern[str] | None = None
        self._longest_secret = 0

    def __enter__(self) -> Self:
        """Use as a context manager: closed at its end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close."""
        self.close()

    def hide(self, values: Iterable[str]) -> None:
        """Write `****` for these values, and for every line of one with several, from now on."""
        pieces = {p.strip() for v in values for p in (v, *v.splitlines()) if len(p.strip()) >= _SHORTEST_SECRET}
        if pieces:
            self._longest_secret = max(map(len, pieces))
            self._secrets = re.compile("|".join(re.escape(p) for p in sorted(pieces, key=len, reverse=True)))

    def say(self, text: str) -> None:
        """Write lines of our own; they are never cut."""
        self._write("".join(f"{self.masked(line)}\n" for line in text.split("\n")).encode())

    def output(self, prefix: str, lines: Iterable[str]) -> None:
        """Write what a step printed, until the limit is reached."""
        kept: list[str] = []
        for line in lines:
            if self._left <= 0:
                break
            kept.append(f"{prefix}{self.masked(line)}\n")
            self._left -= len(kept[-1])
        if kept:
            self._write("".join(kept).encode("utf-8", "replace"))
        if kept and self._left <= 0:
            self.say(f"The log has reached {self._limit} characters; what the steps print from here on is dropped.")

    def masked(self, text: str) -> str:
        """Replace secret values."""
        return self._secrets.sub(_MASK, text) if self._secrets else text

    @property
    def is_full(self) -> bool:
        """Whether nothing more of what steps print is kept."""
        return self._left <= 0

    @property
    def hold(self) -> int:
        """How much of a broken line must stay together, so that no secret is cut in two."""
        return self._longest_secret

    def close(self) -> None:
        """Let go of the file."""
        with self._lock:
            self._file.close()

    def _write(self, data: bytes) -> None:
        with self._lock:
            if not self._file.closed:
                self._file.write(data)


class StepOutput:
    """Breaks a step's bytes into prefixed lines."""

    def __init__(self, journal: Journal, label: str) -> None:
        self._journal = journal
        self._prefix = f"{label}: "
        self._rest = b""
        self.last = ""  # the last line that says something, as the log has it

    def feed(self, chunk: bytes) -> None:
        """Take bytes as they come."""
        if self._journal.is_full:
            self._rest = b""
            return
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if lines:
            self._write([piece for line in lines for piece in self._pieces(line)])
        keep = max(self._journal.hold, 1)
        while len(self._rest) > _LINE + keep:
            piece, self._rest = self._cut(self._rest, keep)
            self._write([piece])

    def line(self, text: str) -> None:
        """Write a line of the step that is ours."""
        self._journal.output(self._prefix, text.split("\n"))

    def finish(self) -> None:
        """Write a last line without an end."""
        if self._rest:
            self._write(self._pieces(self._rest))
            self._rest = b""

    def _write(self, lines: list[str]) -> None:
        self.last = next((line.strip() for line in reversed(lines) if line.strip()), self.last)
        self._journal.output(self._prefix, lines)

    def _cut(self, data: bytes, keep: int) -> tuple[str, bytes]:
        """Mask the whole, then break: what is behind the break has been seen together with what is before it."""
        text = self._journal.masked(data.decode("utf-8", "replace"))
        return text[:-keep], text[-keep:].encode()

    def _pieces(self, line: bytes) -> list[str]:
        """Keep what a terminal would show of a line rewritten by carriage returns; break long ones."""
        text = self._journal.masked(line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))
        return [text[i : i + _LINE] for i in range(0, len(text), _LINE)] or [""]
