"""Findings while they are collected: where each is as a trail of keys, which becomes text only when something is wrong."""

from typing import Any

from trainshed.errors import Finding

Trail = tuple[Any, Any]  # (the trail before, or None at the top; the key or index)
_MOST = 100  # said one by one; then they are counted
_LONG_KEY = 80


class Findings:
    """What is wrong with a document, each with its path."""

    def __init__(self) -> None:
        self._said: dict[tuple[str, str], Finding] = {}
        self._unsaid = 0
        self.is_torn = False  # something that other parts of the document refer to could not be read

    @property
    def is_full(self) -> bool:
        """Whether further findings are only counted."""
        return len(self._said) >= _MOST

    def add(self, trail: Trail | None, message: str) -> None:
        """Say one thing; the same thing is said once."""
        if self.is_full:
            self._unsaid += 1
            return
        finding = Finding(severity="error", path=path_of(trail), message=message)
        self._said.setdefault((finding.path, message), finding)

    def take(self, finding: Finding) -> None:
        """Say what was found elsewhere."""
        self._said.setdefault((finding.path, finding.message), finding)

    def tear(self, trail: Trail | None, message: str) -> None:
        """Say that a part with parts of its own could not be read."""
        self.is_torn = True
        self.add(trail, message)

    def listed(self) -> tuple[Finding, ...]:
        """Answer the findings, and how many more there are."""
        return limited(list(self._said.values()), unsaid=self._unsaid)


def limited(findings: list[Finding], *, unsaid: int = 0) -> tuple[Finding, ...]:
    """Answer as many findings as a reader can use, and the number of the others."""
    unsaid += max(0, len(findings) - _MOST)
    more = [Finding(severity="error", path="spec", message=f"{unsaid} more of these")] if unsaid else []
    return (*findings[:_MOST], *more)


def path_of(trail: Trail | None) -> str:
    """Write a trail as a path: `root.dag.tasks.a.dependentTasks[0]`."""
    parts: list[str] = []
    while trail is not None:
        trail, key = trail
        parts.append(f"[{key}]" if isinstance(key, int) else f".{key_text(key)}")
    return "".join(reversed(parts)).removeprefix(".") or "spec"


def key_text(key: Any) -> str:
    """Write a key so that it fits into one line."""
    text = key if isinstance(key, str) and key.isprintable() else repr(key)
    return text if len(text) <= _LONG_KEY else text[: _LONG_KEY - 1] + "…"


def quoted(text: str) -> str:
    """Quote a name or an expression so that it fits into one line."""
    return repr(text if len(text) <= _LONG_KEY else text[: _LONG_KEY - 1] + "…")


def trail_of(*keys: Any) -> Trail:
    """Make a trail from its keys."""
    trail: Any = None
    for key in keys:
        trail = (trail, key)
    assert trail is not None, "a trail has a key"
    return trail  # type: ignore[no-any-return]
