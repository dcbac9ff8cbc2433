"""Open runs in memory again, out of their rows: how the engine goes on after a start, and a retry after the end."""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from trainshed import ir
from trainshed.errors import TrainshedError
from trainshed.runs import active as memory
from trainshed.runs.active import ActiveRun
from trainshed.runs.model import Run, TaskRow
from trainshed.runs.workplace import Workplace, Workplaces
from trainshed.sql import Database

log = logging.getLogger(__name__)


class Recovery:
    """Builds the memory of runs."""

    def __init__(
        self,
        db: Database,
        workplaces: Workplaces,
        *,
        plan_of: Callable[[Connection, Run], ir.Plan],
        folder_of: Callable[[Run], Path],
    ) -> None:
        self._db = db
        self._workplaces = workplaces
        self._plan_of = plan_of
        self._folder_of = folder_of

    def foresee(self, runs: Sequence[Run]) -> None:
        """Find out outside of the store's writer what `take_up` must know of the container engine."""
        for run in {run.spec_digest: run for run in runs}.values():
            try:
                self._look_at(run)
            except TrainshedError as error:  # told by `take_up`
                log.debug("Nothing is known of the images of run %s: %s", run.name, error)
            except Exception:  # a defect of ours; one run must not keep the others from going on
                log.exception("Run %s cannot be looked at.", run.name, extra={"action": "engine_reset"})

    def _look_at(self, run: Run) -> None:
        self._workplaces.look_at(self._db.read(lambda conn: self._plan_of(conn, run)))

    def take_up(
        self, conn: Connection, runs: Sequence[Run], rows: Mapping[str, Sequence[TaskRow]]
    ) -> dict[str, ActiveRun | TrainshedError]:
        """Build the memory of open runs from rows. A run that cannot go on has its error instead.

        A defect of ours counts as that too: one run must not keep the others from going on.
        """
        places: dict[str, Mapping[str, Workplace]] = {}
        found: dict[str, ActiveRun | TrainshedError] = {}
        for run in runs:
            try:
                found[run.name] = self.take_up_one(conn, run, rows[run.name], places=places)
            except TrainshedError as error:
                found[run.name] = error
            except DBAPIError:
                raise
            except Exception as error:
                log.exception("Run %s cannot be taken up.", run.name, extra={"action": "engine_reset"})
                found[run.name] = TrainshedError(f"Trainshed failed on this run ({type(error).__name__}: {error}).")
        return found

    def take_up_one(
        self,
        conn: Connection,
        run: Run,
        rows: Sequence[TaskRow],
        *,
        places: dict[str, Mapping[str, Workplace]] | None = None,
        keep_ended: bool = False,
    ) -> ActiveRun:
        """Build a run's memory; `places` holds the workplaces of specs that were looked up before."""
        plan = self._plan_of(conn, run)
        known = {} if places is None else places
        if run.spec_digest not in known:
            known[run.spec_digest] = self._workplaces.of_plan(plan)
        active = memory.begin(run, plan, known[run.spec_digest], self._folder_of(run))
        memory.take_up(conn, active, rows, keep_ended=keep_ended)
        return active
