"""When runs must be over whose pipeline has a deadline (`pipelineConfig.activeDeadlineSeconds`), counted from their start.

A run that is retried starts again, and so does its time.
"""

from datetime import datetime, timedelta

from sqlalchemy import Connection

from trainshed.runs.active import ActiveRun
from trainshed.runs.lifecycle import RUN
from trainshed.sql.lifecycle import history


class Deadlines:
    """The deadlines of the open runs in memory."""

    def __init__(self) -> None:
        self._times: dict[str, datetime] = {}

    def know(self, conn: Connection, active: ActiveRun, *, now: datetime) -> None:
        """Note when a run must be over, if it must; one that was started in this very transaction starts now."""
        name, seconds = active.run.name, active.plan.deadline_seconds
        if not seconds or name in self._times or active.view.state != "RUNNING":
            return
        starts = [change.time for change in history(conn, RUN.noun, name) if change.transition == "start"]
        self._times[name] = (starts[-1] if starts else now) + timedelta(seconds=seconds)

    def forget(self, name: str) -> None:
        """Let go of a run that is over, or is on its way there."""
        self._times.pop(name, None)

    def clear(self) -> None:
        """Let go of all."""
        self._times.clear()

    def due(self, now: datetime) -> list[str]:
        """Answer the runs whose time is over."""
        return [name for name, time in self._times.items() if time <= now]

    def next_time(self) -> datetime | None:
        """Answer when the next of them is."""
        return min(self._times.values(), default=None)


def reason(active: ActiveRun) -> str:
    """Say why a run is ended."""
    return f"The run took longer than its activeDeadlineSeconds ({active.plan.deadline_seconds:g} s)."
