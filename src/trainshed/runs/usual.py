"""How long the tasks of a run took in the runs of its pipeline before it: what is usual, and what is not."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from statistics import median

from sqlalchemy import Connection, select

from trainshed.runs import store, store_tasks
from trainshed.runs.model import Run
from trainshed.runs.paths import static
from trainshed.runs.working import worked_seconds

_LOOKED_AT = 50  # runs before it
_RUNS = 20  # of those, that succeeded
_TASKS = 3000
_WIDE = 500  # tasks of a run; those with more are not read
_LEAST = 3  # durations that make something usual
_RATIO = 1.5  # of the usual, from which on something is slow
_SECONDS = 1.0  # by which it has to be longer in any case


@dataclass(frozen=True, kw_only=True)
class Took:
    """How long something took before."""

    count: int
    median: float
    longest: float

    def is_slow(self, seconds: float) -> bool:
        """Tell whether it took much longer than usual, and longer than it ever did."""
        return seconds > max(_RATIO * self.median, self.longest) and seconds - self.median > _SECONDS


@dataclass(frozen=True, kw_only=True)
class Usual:
    """How long a run and its tasks take."""

    run: Took | None  # of those that did as much
    tasks: Mapping[str, Took]  # by path without iterations: all iterations of a loop alike


def usual(conn: Connection, run: Run) -> Usual:
    """Read how long the runs before one took, and their tasks that really ran; of one that goes on, those that did anything."""
    found = [earlier for earlier in _before(conn, run) if earlier.tasks_total <= _WIDE]
    alike = [r for r in found if (r.tasks_ran or 0) > 0 and run.tasks_ran in {None, r.tasks_ran}]
    return Usual(run=_took(worked_seconds(r) or 0.0 for r in alike), tasks=_of_tasks(conn, _newest(found)))


def _before(conn: Connection, run: Run) -> Sequence[Run]:
    c = store.runs.c
    query = select(store.runs).where(c.pipeline == run.pipeline, c.create_time < run.create_time)
    rows = conn.execute(query.order_by(c.create_time.desc(), c.name.desc()).limit(_LOOKED_AT))
    return [run for run in map(Run.from_row, rows) if run.state == "SUCCEEDED"][:_RUNS]


def _newest(found: Sequence[Run]) -> list[str]:
    """Answer the newest of some runs, as many as have no more tasks together than are read."""
    sums = accumulate(run.tasks_total for run in found)
    return [run.name for run, total in zip(found, sums, strict=True) if total <= _TASKS]


def _of_tasks(conn: Connection, names: Sequence[str]) -> dict[str, Took]:
    c = store_tasks.tasks.c
    query = select(c.name, c.start_time, c.end_time).where(c.run.in_(names), c.kind == "container")
    query = query.where(c.state == "SUCCEEDED", c.start_time.is_not(None))
    found: dict[str, list[float]] = {}
    for name, start, end in conn.execute(query) if names else ():
        found.setdefault(static(name), []).append((end - start).total_seconds())
    return {name: took for name, seconds in found.items() if (took := _took(seconds))}


def _took(seconds: Iterable[float]) -> Took | None:
    known = list(seconds)
    return Took(count=len(known), median=median(known), longest=max(known)) if len(known) >= _LEAST else None
