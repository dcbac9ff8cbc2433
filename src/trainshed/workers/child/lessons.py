"""What attempts of an environment imported, on disk: learned from those that ended, read by the next fork server."""

import json
import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from .preload import Lesson, is_framework


class Lessons:
    """One environment's file: frameworks with the variables they were imported under, and those that are not to be."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)

    def wanted(self) -> Lesson:
        """Answer what to import ahead: nothing before Python 3.10, which cannot tell what is its own."""
        if not hasattr(sys, "stdlib_module_names"):
            return {}
        values = self._read()
        return {name: how for name, how in values["frameworks"].items() if name not in values["banned"]}

    def take(self, line: bytes) -> None:
        """Learn from what an attempt said; nonsense is ignored, since its code could say anything."""
        try:
            said = json.loads(line)
            learned, banned = (
                _checked(said.get("frameworks", {})),
                [n for n in said.get("banned", ()) if is_framework(n)],
            )
        except (ValueError, AttributeError, TypeError, KeyError):
            return
        known = self._read()
        values = {
            "frameworks": {**learned, **known["frameworks"]},  # who was first stays
            "banned": sorted({*known["banned"], *banned}),
        }
        if values != known:
            self._write(values)

    def ban(self, names: "set[str]") -> None:
        """Note what is not to be imported ahead again."""
        self.take(json.dumps({"banned": sorted(names)}).encode())

    def _read(self) -> "dict[str, Any]":
        try:
            values = json.loads(self._path.read_text())
            return {"frameworks": _checked(values["frameworks"]), "banned": list(values["banned"])}
        except (OSError, ValueError, AttributeError, TypeError, KeyError):
            return {"frameworks": {}, "banned": []}

    def _write(self, values: "dict[str, Any]") -> None:
        with suppress(OSError):  # a full disk: learned another time
            self._path.parent.mkdir(parents=True, exist_ok=True)
            pending = self._path.with_suffix(f".{os.getpid()}")
            pending.write_text(json.dumps(values))
            pending.rename(self._path)


def _checked(said: "dict[str, Any]") -> Lesson:
    """Keep what names a framework of ours and maps names to values."""
    return {
        name: {part: {str(k): str(v) for k, v in how[part].items()} for part in ("variables", "given")}
        for name, how in said.items()
        if is_framework(name)
    }
