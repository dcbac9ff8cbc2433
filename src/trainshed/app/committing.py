"""Notes of each run that has ended which commit its code was of, as its account tells it."""

import logging
from collections.abc import Callable
from datetime import datetime

from trainshed import explain, runs
from trainshed.duty import Duty, off_loop
from trainshed.errors import TrainshedError

log = logging.getLogger(__name__)
_AT_ONCE = 50  # runs, in one transaction
Tell = Callable[[str], explain.Origin]  # run → what is known of it


def duty(service: runs.Service, tell: Tell, *, interval_seconds: float) -> Duty:
    """Make the duty, woken by every run that ends; what a crash left, and what ended before, is made good."""

    async def run_once() -> datetime | None:
        while await off_loop(turn, service, tell):
            pass
        return None

    made = Duty("commits of runs", run_once, interval_seconds=interval_seconds, clock=service.clock)
    service.db.listen(runs.ENDED, made.wake)
    return made


def turn(service: runs.Service, tell: Tell) -> int:
    """Note the commits of some runs; answer of how many."""
    ended = service.without_commit(_AT_ONCE)
    if ended:
        service.note_commits({run: _commit(tell, run[0]) for run in ended})
    return len(ended)


def _commit(tell: Tell, run: str) -> str:
    try:
        found = tell(run).commit
    except TrainshedError:  # it was deleted
        return ""
    except Exception:  # a defect of ours; one run must not keep the others from being looked at
        log.exception("The commit of run %s cannot be told.", run, extra={"action": "duty_failed", "run": run})
        return ""
    return found.sha.lower() if found else ""
