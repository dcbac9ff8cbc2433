"""How far runs have come, in few words and for many at once."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, case, func, select

from trainshed.quantities import counted
from trainshed.runs.lifecycle import RUN, TASK
from trainshed.runs.model import Run
from trainshed.runs.store import runs
from trainshed.runs.store_tasks import tasks
from trainshed.sql import Prepared, among

_c = runs.c
_WORK = "container"  # the kind of a task that does something itself


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One run: where it stands."""

    state: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    tasks_ran: int | None  # None until it ended
    tasks_total: int
    pauses: Sequence[Sequence[str]] | None = None


@dataclass(frozen=True, kw_only=True)
class Done:
    """How many of the tasks of a run that goes on are done: a loop makes more of them than the plan has."""

    ended: int
    total: int

    def said(self) -> str:
        """Say it in words."""
        return f"{self.ended} of {counted(self.total, 'task')} done"


def done(tasks: Iterable[tuple[str, str]], planned: int) -> Done:
    """Count the tasks of a run, given the kind and the state of each that it has made; groups and imports are none."""
    begun = [TASK.is_final(state) for kind, state in tasks if kind == _WORK]
    return Done(ended=sum(begun), total=max(planned, len(begun)))


def done_of(conn: Connection, found: Iterable[Run]) -> dict[str, Done]:
    """Answer how many tasks are done of those among some runs that go on, however many tasks they have."""
    planned = {run.name: run.tasks_total for run in found if not RUN.is_final(run.state)}
    if not planned:
        return {}
    is_over = func.sum(case((tasks.c.state.in_(sorted(TASK.final)), 1), else_=0))
    query = select(tasks.c.run, is_over, func.count()).where(tasks.c.run.in_(planned), tasks.c.kind == _WORK)
    made = {run: (ended, count) for run, ended, count in conn.execute(query.group_by(tasks.c.run))}
    counts = {name: made.get(name, (0, 0)) for name in planned}
    return {name: Done(ended=ended, total=max(planned[name], count)) for name, (ended, count) in counts.items()}


_PROGRESS = Prepared(
    select(
        _c.name, _c.state, _c.create_time, _c.start_time, _c.end_time, _c.tasks_ran, _c.tasks_total, _c.pauses
    ).where(among(_c.name, "given"))
)


def count_open(conn: Connection) -> int:
    """Count the runs that have not ended."""
    return conn.execute(select(func.count()).where(_c.state.in_(RUN.open_states))).scalar_one()


def of_runs(conn: Connection, names: Sequence[str]) -> dict[str, Progress]:
    """Answer how far these runs have come; what is gone is left out."""
    return {
        name: Progress(
            state=state, create_time=made, start_time=start, end_time=end, tasks_ran=ran, tasks_total=total, pauses=idle
        )
        for name, state, made, start, end, ran, total, idle in _PROGRESS.rows(conn, given=list(names))
    }


def triggers_of(conn: Connection, names: Sequence[str]) -> list[str]:
    """Answer what stands at the beginning of these runs: schedules, triggers; nothing of one that was started by hand."""
    query = select(_c.trigger).distinct().where(_c.name.in_(names), _c.trigger != "").order_by(_c.trigger)
    return list(conn.execute(query).scalars())


_STATES = Prepared(select(_c.name, _c.state).where(among(_c.name, "given")))


def states_of(conn: Connection, names: Sequence[str]) -> dict[str, str]:
    """Answer the states of very many runs; what is gone is left out."""
    return dict(_STATES.rows(conn, given=list(names)))
