"""How due times become receipts and runs, in the transaction that moves the schedule past them."""

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.clock import rfc3339
from trainshed.errors import TrainshedError
from trainshed.ledger import Cause
from trainshed.schedules.of_runs import policy, store
from trainshed.schedules.of_runs.lifecycle import RUN_SCHEDULE
from trainshed.schedules.of_runs.model import RunSchedule
from trainshed.schedules.of_runs.policy import Due
from trainshed.sql import fire

log = logging.getLogger(__name__)
KIND = "firing"
_FOR_GOOD = {"INVALID_ARGUMENT", "NOT_FOUND", "UNIMPLEMENTED"}


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What schedules need of runs."""

    prepare: Callable[[Mapping[str, Any], str], Any]  # request, schedule → what can be started; raises TrainshedError
    start: Callable[[Connection, Any, Cause], tuple[str, bool]]  # in the transaction → name, whether it is new
    count_active: Callable[[Connection, str], int]  # runs of a schedule that have not ended


def carry_out(conn: Connection, schedule: RunSchedule, due: Due, ports: Ports, prepared: Any, *, now: datetime) -> None:
    """Write what was decided. `prepared` may be the error that every start ends with."""
    skip(conn, schedule, due.skipped, now=now)
    count, response = 0, schedule.last_response
    for time in due.start:
        receipt_id = _open(conn, schedule, time, now=now)
        response, is_new = start(conn, schedule, time, receipt_id, ports, prepared, now=now)
        count += is_new
    values: dict[str, Any] = {
        "next_run_time": due.next_due,
        "wake_time": policy.wake_time(schedule.options, due.next_due),
        "is_behind": due.is_behind,
        "started_run_count": schedule.started_run_count + count,
        "last_run_time": due.start[-1] if due.start else schedule.last_run_time,
        "last_response": response,
    }
    if _is_over(schedule, due, count):
        values |= {"next_run_time": None, "wake_time": None, "is_behind": False}
        fire(conn, store.table, RUN_SCHEDULE, {"name": schedule.name}, "complete", now=now, update_time=now)
    store.note(conn, schedule.name, **values)


def start(
    conn: Connection,
    schedule: RunSchedule,
    time: datetime,
    receipt_id: str,
    ports: Ports,
    prepared: Any,
    *,
    now: datetime,
) -> tuple[str, bool]:
    """Start the run of a due time under its receipt; answer its name, or why there is none, and whether it is new."""
    if isinstance(prepared, TrainshedError):
        log.warning(
            "Schedule %s could not start a run: %s",
            schedule.name,
            prepared.message,
            extra={"action": "firing_failed", **schedule.log_context()},
        )
        transition = "refuse" if prepared.code in _FOR_GOOD else "fail"
        ledger.settle(conn, receipt_id, transition, now=now, reason=prepared.message)
        return prepared.message, False
    cause = Cause(key=f"{schedule.name}#{rfc3339(time)}", kind=KIND, receipt_id=receipt_id, time=time)
    name, is_new = ports.start(conn, prepared, cause)
    if not is_new:
        reason = f"joined run {names.short(name)}, which this due time had started before"
        ledger.settle(conn, receipt_id, "join", now=now, reason=reason, link=name)
    return name, is_new


def force(conn: Connection, schedule: RunSchedule, *, now: datetime) -> str:
    """Open the receipt of a run that somebody asks for; answer its id."""
    stimulus = f"forced/{rfc3339(now)}/{names.short_id()}"
    receipt, _ = ledger.open_receipt(conn, trigger=schedule.name, kind=KIND, stimulus=stimulus, now=now)
    return receipt.receipt_id


def skip(conn: Connection, schedule: RunSchedule, skipped: list[tuple[str, str]], *, now: datetime) -> None:
    """Write the receipts of due times that start nothing."""
    rows = [(names.short_id(12), schedule.name, stimulus, reason) for stimulus, reason in skipped]
    if rows:
        ledger.open_settled(conn, rows, "skip", kind=KIND, link="", now=now)


def _open(conn: Connection, schedule: RunSchedule, time: datetime, *, now: datetime) -> str:
    receipt, _ = ledger.open_receipt(conn, trigger=schedule.name, kind=KIND, stimulus=rfc3339(time), now=now)
    return receipt.receipt_id


def _is_over(schedule: RunSchedule, due: Due, started: int) -> bool:
    """Tell whether it was the last one; a start that failed does not count against the number of runs."""
    most = schedule.options.max_run_count
    if most and schedule.started_run_count + started >= most:
        return True
    return due.is_over and due.next_due is None and not due.is_more and not due.is_behind
