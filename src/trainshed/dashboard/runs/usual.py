"""Whether a run, or a task, takes longer than usual: in words, beside what it took."""

from datetime import datetime

from trainshed import runs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link, Seconds, Several
from trainshed.dashboard.runs.kept import Kept
from trainshed.dashboard.runs.words import part_took
from trainshed.dashboard.wording import duration

SLOW = "slow"  # the order of tasks that begins with what took longest of its usual
_MOST = 64  # runs whose past is kept


class Past:
    """What is usual for each run that is looked at: what came before it changes hardly."""

    def __init__(self, service: runs.Service) -> None:
        self._service = service
        self._kept: Kept[tuple[str, str, datetime | None], runs.Usual] = Kept(_MOST, lambda _: 1, _MOST)

    def of(self, run: runs.Run) -> runs.Usual:
        """Answer what is usual for a run."""
        return self._kept.get((run.name, run.state, run.end_time), lambda: self._service.usual(run))


def of_run(run: runs.Run, known: runs.Usual, now: datetime, asked: Asked) -> Cell:
    """Say of a run that goes on how long it takes, and of any that it takes longer; the way to what does."""
    took = known.run
    if took is None or run.start_time is None:
        return None
    seconds = (run.end_time or now) - run.start_time
    if took.is_slow(seconds.total_seconds() - runs.paused_seconds(run)):
        there = asked.href(tab="tasks", sort=SLOW, task=None, attempt=None, line=None)
        return Link(text=f"slower than the {took.count} before, usually {duration(took.median)}", href=there)
    return None if run.end_time else f"usually {duration(took.median)}"


def of_task(run: runs.Run, mark: runs.Mark | runs.TaskRow, known: runs.Usual, now: datetime) -> Cell:
    """Say how long a task takes, and that it takes longer."""
    took = known.tasks.get(runs.static(mark.name))
    if took is None or mark.is_dag:
        return None
    times = ratio(run, mark, known, now)
    if times is None or not took.is_slow(times * took.median):
        return Seconds(seconds=took.median)
    return Several(cells=(Seconds(seconds=took.median), f"(this time {times:.3g} times as long)"))


def ratio(run: runs.Run, mark: runs.Mark | runs.TaskRow, known: runs.Usual, now: datetime) -> float | None:
    """Answer how many times as long as usual a task took, or takes so far; None where nobody can say."""
    took = known.tasks.get(runs.static(mark.name))
    lasted = part_took(run, mark.start_time, mark.end_time or now) if mark.start_time else None
    if took is None or lasted is None or lasted.lasted is None or mark.cached_from or not took.median:
        return None
    return lasted.lasted / took.median
