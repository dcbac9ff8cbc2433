"""The open runs in memory, what their tasks hold of the machine, and when they must be over: a cache, built from rows.

Everything here but `of_task` and `all` is called in the store's writer or while nothing is being written.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from trainshed.clock import Clock
from trainshed.errors import TrainshedError
from trainshed.runs import marks, store, store_tasks
from trainshed.runs.active import ActiveRun
from trainshed.runs.engine.abandon import abandon
from trainshed.runs.engine.admission import Admission, waiting_of
from trainshed.runs.engine.deadlines import Deadlines
from trainshed.runs.engine.turn import Turn
from trainshed.runs.model import Run, TaskRow

TakeUp = Callable[
    [Connection, Sequence[Run], Mapping[str, Sequence[TaskRow]]], Mapping[str, ActiveRun | TrainshedError]
]


@dataclass(frozen=True, kw_only=True)
class Lost:
    """An attempt that is under way as its row says, and that nobody knows of."""

    active: ActiveRun
    path: str  # of its task
    attempt: int
    start_time: datetime


class OpenRuns:
    """Which runs are open, as far as they were needed since the memory was built."""

    def __init__(self, take_up: TakeUp, admission: Admission, clock: Clock) -> None:
        self._take_up = take_up
        self._clock = clock
        self._active: dict[str, ActiveRun] = {}
        self._of_task: dict[str, str] = {}  # id of a task under way -> run
        self.admission = admission
        self.deadlines = Deadlines()

    def all(self) -> list[ActiveRun]:
        """Answer the runs in memory."""
        return list(self._active.values())

    def of_task(self, task_id: str) -> ActiveRun | None:
        """Answer the run of a task that is under way."""
        return self._active.get(self._of_task.get(task_id, ""))

    def next_time(self) -> datetime | None:
        """Answer when the next retry or deadline is due."""
        return min(filter(None, (self.admission.next_time(), self.deadlines.next_time())), default=None)

    def under_way(self) -> set[tuple[str, int]]:
        """Answer the attempts that are under way as the rows say it: ids of tasks, numbers of attempts."""
        return {
            (active.nodes[path].id, view.attempt)
            for active in self.all()
            for path, view in active.view.tasks.items()
            if view.state in {"RUNNING", "CANCELLING"}
        }

    def mounts_in_use(self, folders: Collection[Path]) -> set[Path]:
        """Answer the mounts of attempts under way, of the runs that are in these folders."""
        return {
            active.mount_of(path, view.attempt)
            for active in self.all()
            if active.folder in folders
            for path, view in active.view.tasks.items()
            if view.task.body is None and view.state in {"RUNNING", "CANCELLING"}
        }

    def clear(self) -> None:
        """Forget everything; rows have it."""
        self._active.clear()
        self._of_task.clear()
        self.deadlines.clear()
        self.admission.clear()

    # In a turn

    def get(self, conn: Connection, turn: Turn, name: str) -> ActiveRun | None:
        """Answer an open run, taking it into memory when it is not there; None for one that ended or is gone."""
        if name not in self._active:
            run = store.find_run(conn, name=name)
            if run is None or run.end_time is not None:
                return None
            turn.stops += self._know(conn, [run])
        return self._active.get(name)

    def follow(self, conn: Connection, turn: Turn, active: ActiveRun) -> None:
        """Keep up with what a turn did to a run: tasks that wait, were made or are gone; its deadline, its end."""
        for waiting in turn.take_waiting():
            self.admission.queue(waiting)
        made, gone = turn.take_changed()
        self._of_task.update(dict.fromkeys(made, active.run.name))
        for task_id in gone:
            self._of_task.pop(task_id, None)
        if active.is_final:
            self._drop(active)
        else:
            self.deadlines.know(conn, active, now=turn.now)

    def _drop(self, active: ActiveRun) -> None:
        self._active.pop(active.run.name, None)
        self.deadlines.forget(active.run.name)
        for task_id in active.paths:
            self._of_task.pop(task_id, None)

    # From rows

    def take_up(
        self, conn: Connection, runs: Sequence[Run], known: set[tuple[str, int]]
    ) -> tuple[list[Lost], list[tuple[str, int]]]:
        """Take open runs into memory; answer the attempts that are lost, and those that have to be stopped.

        `known` are the attempts that somebody knows of, as those to be stopped by the id of the task and the number.
        """
        lost: list[tuple[ActiveRun, str, int]] = []
        stops = self._know(conn, [run for run in runs if run.name not in self._active])
        for run in runs:
            active = self._active.get(run.name)
            if active is not None:
                lost += [(active, path, attempt) for path, attempt in self._claim_again(active, known)]
        began = marks.begun(conn, [active.nodes[path].id for active, path, _ in lost])
        now = self._clock.now()
        found = [
            Lost(active=active, path=path, attempt=n, start_time=began.get(active.nodes[path].id, now))
            for active, path, n in lost
        ]
        return found, stops

    def _know(self, conn: Connection, runs: Sequence[Run]) -> list[tuple[str, int]]:
        """Take runs into memory; answer the attempts of those that cannot go on, which have to be stopped."""
        stops: list[tuple[str, int]] = []
        rows = store_tasks.tasks_of_runs(conn, [run.name for run in runs])
        found = self._take_up(conn, runs, rows)
        for run in runs:
            active = found[run.name]
            if isinstance(active, TrainshedError):  # an image that is bound no longer
                stops += abandon(conn, run.name, active.message, now=self._clock.now())
                continue
            self._active[run.name] = active
            self.deadlines.know(conn, active, now=self._clock.now())
            self._of_task.update(dict.fromkeys(active.paths, run.name))
        return stops

    def _claim_again(self, active: ActiveRun, known: set[tuple[str, int]]) -> Iterator[tuple[str, int]]:
        """Let the tasks of a run have what they had of the machine; answer the attempts that nobody knows of."""
        for path, view in active.view.tasks.items():
            node = active.nodes[path]
            ready = node.ready_time or self._clock.now()
            if view.state == "QUEUED":
                self.admission.queue(waiting_of(active, path, ready))
            elif view.state in {"RUNNING", "CANCELLING"} and view.task.body is None:
                self.admission.take(waiting_of(active, path, ready))
                if (node.id, view.attempt) not in known and view.task.needs_worker:
                    yield path, view.attempt
