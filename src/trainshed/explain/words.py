"""How things are called in accounts. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime
from math import isfinite

from trainshed import names
from trainshed.explain.model import Commit, Named

_SHORT = 7
_NAMED = 3
_MINUTE, _HOUR, _DAY = 60, 3600, 86400
_BECAME = {
    "SUCCEEDED": "succeeded",
    "SUCCESS": "succeeded",
    "FAILED": "failed",
    "FAILURE": "failed",
    "INTERNAL_ERROR": "failed for a reason of the server",
    "TIMEOUT": "took too long and was ended",
    "EXPIRED": "waited too long and expired",
    "CANCELLED": "was cancelled",
    "CANCELLING": "is being cancelled",
    "RUNNING": "is running",
    "WORKING": "is running",
    "PENDING": "is about to begin",
    "QUEUED": "waits for its turn",
}


def named(name: str) -> Named | None:
    """Call a resource by its kind and the last part of its name."""
    return Named(text=names.called(name), name=name) if name else None


def exactly(when: datetime) -> str:
    """Write a time."""
    return when.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def moment(text: str) -> datetime | str:
    """Read a time that git wrote; anything else stays as it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return text
    return found if found.tzinfo is not None else text


def duration(seconds: float | None) -> str:
    """Write how long something took."""
    if seconds is None:
        return ""
    if round(seconds, 3) < 1:
        return f"{seconds * 1000:.0f} ms"
    if round(seconds, 1) < _MINUTE:
        return f"{seconds:.1f} s"
    seconds = max(seconds, _MINUTE)
    if seconds < _HOUR:
        return f"{int(seconds // _MINUTE)} min {int(seconds % _MINUTE)} s"
    if seconds < _DAY:
        return f"{int(seconds // _HOUR)} h {int(seconds % _HOUR // _MINUTE)} min"
    return f"{int(seconds // _DAY)} d {int(seconds % _DAY // _HOUR)} h"


def some(items: Sequence[str]) -> str:
    """Name a few of many."""
    shown = ", ".join(items[:_NAMED])
    return shown + (f" and {len(items) - _NAMED} more" if len(items) > _NAMED else "")


def sha(commit: Commit) -> str:
    """Call a commit."""
    return commit.sha[:_SHORT]


def became(state: str) -> str:
    """Say in which state a run or a build is, after its name."""
    return _BECAME.get(state, f"is {state.lower()}")


def counted(count: int, one: str) -> str:
    """Write `1 task`, `2 tasks`."""
    return f"{count} {one}" if count == 1 else f"{count} {one}s"


def number(value: float) -> str:
    """Write a measure: as many digits as say something; nan and inf as they are."""
    if isfinite(value) and value == int(value) and abs(value) < 1e6:  # noqa: PLR2004  (above, an exponent is easier to read)
        return str(int(value))
    return f"{value:.4g}"


def sentence(text: str, *, capital: bool = True) -> str:
    """Begin with a capital, but for addresses, and end with a full stop."""
    text = text.strip()
    if not text:
        return ""
    is_address = text.startswith("gs://")
    return (text[0].upper() if capital and not is_address else text[0]) + text[1:] + ("" if text[-1] in ".!?" else ".")
