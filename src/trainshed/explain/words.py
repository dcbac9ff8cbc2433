"""How things are called in accounts. Pure."""

from collections.abc import Sequence
from datetime import UTC, datetime

from trainshed import names
from trainshed.explain.model import Commit, Named

_SHORT = 7
_NAMED = 3
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


def sentence(text: str, *, capital: bool = True) -> str:
    """Begin with a capital, but for addresses, and end with a full stop."""
    text = text.strip()
    if not text:
        return ""
    is_address = text.startswith("gs://")
    return (text[0].upper() if capital and not is_address else text[0]) + text[1:] + ("" if text[-1] in ".!?" else ".")
