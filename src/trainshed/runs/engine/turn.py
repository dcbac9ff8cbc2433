"""What one transaction leaves to be done after its COMMIT, and to be known of the runs in memory."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from trainshed.runs.active import ActiveRun
from trainshed.runs.engine.admission import Waiting


@dataclass(kw_only=True)
class Turn:
    """What one transaction decided that has to happen after COMMIT."""

    now: datetime
    starts: list[tuple[ActiveRun, str, int]] = field(default_factory=list)  # path of the task, attempt
    stops: list[tuple[str, int]] = field(default_factory=list)  # id of the task, attempt
    waiting: list[Waiting] = field(default_factory=list)
    done: list[Path] = field(default_factory=list)  # mounts whose content is committed
    ended: list[Path] = field(default_factory=list)  # folders of runs that ended
    left_some: bool = False  # there may be more new runs than one transaction takes
    made: list[str] = field(default_factory=list)  # ids of tasks that exist from now on
    gone: list[str] = field(default_factory=list)  # ids of tasks that are no longer in memory

    def take_waiting(self) -> list[Waiting]:
        """Answer the tasks that became ready, once."""
        found, self.waiting = self.waiting, []
        return found

    def take_changed(self) -> tuple[list[str], list[str]]:
        """Answer the ids of the tasks that were made and of those that are gone, once."""
        found, self.made, self.gone = (self.made, self.gone), [], []
        return found
