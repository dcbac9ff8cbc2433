"""How a build ended, written beside its log before its rows say so: the store may take nothing, and the server may end."""

import json
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from trainshed.clock import parse_rfc3339, rfc3339

_FILE = "ended.json"


@dataclass(frozen=True, kw_only=True)
class StepNote:
    """What became of a step that began."""

    number: int
    start_time: datetime
    transition: str = ""  # how it ended; empty while it works
    end_time: datetime | None = None
    exit_code: int | None = None
    output: str = ""  # first bytes of $BUILDER_OUTPUT/output, base64


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How a build ended, with all that its rows are to say."""

    transition: str
    when: datetime
    detail: str = ""
    failure: Mapping[str, str] = field(default_factory=dict)
    results: Mapping[str, Any] = field(default_factory=dict)
    timing: Mapping[str, Any] = field(default_factory=dict)  # of its phases
    steps: Sequence[StepNote] = ()


def save(folder: Path, ending: Ending) -> None:
    """Write an ending, whole and on disk. Raises OSError."""
    pending = folder / f"{_FILE}.new"
    with pending.open("w") as file:
        json.dump(asdict(ending), file, default=_time)
        file.flush()
        os.fsync(file.fileno())
    pending.replace(folder / _FILE)


def read(folder: Path) -> Ending | None:
    """Read the ending of a build; None where there is none."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads((folder / _FILE).read_text())
        steps = tuple(
            StepNote(**{**step, "start_time": _read(step["start_time"]), "end_time": _read(step["end_time"])})
            for step in found["steps"]
        )
        return Ending(**{**found, "when": parse_rfc3339(found["when"]), "steps": steps})
    return None


def remove(folder: Path) -> None:
    """Remove the ending of a build whose rows say it."""
    with suppress(OSError):
        (folder / _FILE).unlink(missing_ok=True)


def _time(value: Any) -> str:
    assert isinstance(value, datetime)
    return rfc3339(value)


def _read(text: str | None) -> datetime | None:
    return parse_rfc3339(text) if text else None
