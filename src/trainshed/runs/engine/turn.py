"""A turn is what one transaction leaves to be done after its COMMIT; a step in it is what follows from one fact."""

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed.blobs import Blobs
from trainshed.runs.active import ActiveRun
from trainshed.runs.caching import Hit
from trainshed.runs.engine.admission import Waiting
from trainshed.runs.engine.ended import Ended
from trainshed.runs.facts import Fact


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


@dataclass(kw_only=True)
class Step:
    """One fact on its way through the decisions that follow from it."""

    conn: Connection
    blobs: Blobs
    turn: Turn
    active: ActiveRun
    ended: Ended | None
    facts: deque[Fact] = field(default_factory=deque)
    answers: list[Fact] = field(default_factory=list)  # to Resolve; they go first, so that nothing is resolved twice
    found: dict[str, dict[str, Any]] = field(default_factory=dict)  # task -> values found while resolving it
    hits: dict[str, Hit] = field(default_factory=dict)
