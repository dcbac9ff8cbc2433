"""A function's log: JSON lines in a file, with time, severity and execution id; a second file when it is full."""

import json
from collections import deque
from collections.abc import Iterator
from datetime import datetime
from os import SEEK_END
from pathlib import Path
from typing import Any, BinaryIO

from trainshed.clock import rfc3339

SEVERITIES = ("DEFAULT", "DEBUG", "INFO", "NOTICE", "WARNING", "ERROR", "CRITICAL", "ALERT", "EMERGENCY")
_FILE_BYTES = 16 << 20
_LINE_CHARACTERS = 16_384


class Log:
    """Appends and reads. One writer (the event loop), any number of readers."""

    def __init__(self, folder: Path) -> None:
        self._file, self._older = folder / "log.jsonl", folder / "log.1.jsonl"
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def paths(self) -> tuple[Path, Path]:
        """Where it lies, the older part first; either may be missing."""
        return self._older, self._file

    def write(self, entries: list[dict[str, Any]]) -> None:
        """Append entries made by `entry`."""
        with self._file.open("a+b") as file:
            if not _ends_whole(file):  # the server was killed while it wrote
                file.write(b"\n")
            file.writelines(json.dumps(e, ensure_ascii=False).encode("utf-8", "replace") + b"\n" for e in entries)
            full = file.tell() > _FILE_BYTES
        if full:
            self._file.replace(self._older)

    def read(
        self, *, limit: int = 20, execution_id: str = "", least: str = "", since: str = ""
    ) -> list[dict[str, Any]]:
        """Answer the newest entries, oldest first; of one execution, of a severity or above, from a time on."""
        lowest = SEVERITIES.index(least) if least else 0
        chosen = (
            e
            for e in self.entries()
            if (not execution_id or e["executionId"] == execution_id)
            and (not since or e["time"] >= since)
            and (not lowest or SEVERITIES.index(e["severity"]) >= lowest)
        )
        return list(deque(chosen, maxlen=limit))

    def entries(self) -> Iterator[dict[str, Any]]:
        """Yield every entry, oldest first; what was left half written is passed over."""
        for path in (self._older, self._file):
            try:
                with path.open("rb") as file:
                    yield from filter(None, map(_read, file))
            except FileNotFoundError:
                continue


def entry(when: datetime, severity: str, text: str, *, execution_id: str = "", version: int = 0) -> dict[str, Any]:
    """Make one entry. A line of JSON with a message and a severity is taken apart, as Cloud Logging does."""
    if text.startswith("{"):
        severity, text = _structured(severity, text)
    if len(text) > _LINE_CHARACTERS:
        text = text[:_LINE_CHARACTERS] + "… (line cut)"
    return {
        "time": rfc3339(when),
        "severity": severity,
        "executionId": execution_id,
        "version": version,
        "text": text,
    }


def _structured(severity: str, text: str) -> tuple[str, str]:
    try:
        document = json.loads(text)
        if not isinstance(document, dict) or "message" not in document:
            return severity, text
        named, said = str(document.get("severity", severity)).upper(), str(document["message"])
    except (ValueError, RecursionError):
        return severity, text
    return (named if named in SEVERITIES else severity), said


def _ends_whole(file: BinaryIO) -> bool:
    if not file.seek(0, SEEK_END):
        return True
    file.seek(-1, SEEK_END)
    return file.read(1) == b"\n"


def _read(line: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return document if isinstance(document, dict) else None
