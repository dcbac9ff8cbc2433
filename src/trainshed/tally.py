"""How the tasks of a run are counted, and in which words that is said everywhere. Pure.

Only tasks that a worker does count: groups and loops consist of others, and imports name what exists already. A task
ran when it was begun, however it ended; it was reused when its result came from the cache; else it was left out.
"""

from dataclasses import dataclass
from typing import Self

from trainshed.quantities import counted


@dataclass(frozen=True, kw_only=True)
class Tally:
    """What became of the tasks of a run."""

    ran: int = 0
    reused: int = 0
    left_out: int = 0

    def plus(self, *, state: str, has_begun: bool, count: int = 1) -> Self:
        """Count more tasks."""
        is_reused = state == "SKIPPED"
        ran = has_begun and not is_reused
        return type(self)(
            ran=self.ran + count * ran,
            reused=self.reused + count * is_reused,
            left_out=self.left_out + count * (not ran and not is_reused),
        )

    @property
    def worked(self) -> int:
        """How many had something to do."""
        return self.ran + self.reused

    def said(self, *, would: bool = False) -> str:
        """Say it in words; `would` is for what has yet to begin."""
        if self.reused and not self.ran + self.left_out:
            return f"nothing changed: {counted(self.reused, 'task')} reused"
        left = f", {self.left_out} left out" if self.left_out else ""
        reused = f", {self.reused} reused" if self.reused else ""
        return f"{counted(self.ran, 'task')} {'would run' if would else 'ran'}{reused}{left}"
