"""How due times become firings, receipts and messages, inside one transaction: thousands at a time when behind.

Each due time gets exactly one receipt, written in the transaction that moves the schedule past it.
"""

import base64
import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument, TrainshedError
from trainshed.schedules import policy, store
from trainshed.schedules.lifecycle import FIRING, SCHEDULE
from trainshed.schedules.model import Firing, Outgoing, Overlap, PubsubTarget, Schedule
from trainshed.sql import fire, notify

log = logging.getLogger(__name__)
CHANGED = "schedules"
Publish = Callable[[Connection, str, Sequence[Outgoing]], list[str]]  # topic, messages → message ids
IsBusy = Callable[[Connection, str], bool]  # whether the work that a receipt led to goes on
KIND = "firing"
ReceiptRow = tuple[str, str, str, str]  # id, trigger, stimulus, reason
_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, kw_only=True)
class Ports:
    """What firing needs of the other features."""

    publish: Publish
    is_busy: IsBusy


@dataclass
class Batch:
    """What one transaction will write."""

    limit: int
    ids: Iterator[str] = field(default_factory=names.short_ids)
    is_complete: bool = True
    published: dict[str, list[tuple[Schedule, datetime, str]]] = field(default_factory=dict)  # by topic
    attempts: list[tuple[Schedule, datetime, str]] = field(default_factory=list)  # initial state last
    skipped: list[ReceiptRow] = field(default_factory=list)
    advances: list[dict[str, Any]] = field(default_factory=list)


def fire_due(
    conn: Connection, schedules: Sequence[Schedule], ports: Ports, *, horizon: datetime, now: datetime, limit: int
) -> bool:
    """Fire what is due of these schedules; answer whether more is due than `limit`."""
    opened = store.open_firings(conn, [s.name for s in schedules])
    batch = Batch(limit)
    for schedule in schedules:
        _collect(conn, schedule, opened.get(schedule.name, set()), ports, batch, horizon=horizon, now=now)
    if batch.skipped:
        ledger.open_settled(conn, batch.skipped, "skip", kind=KIND, link="", now=now)
    for topic, firings in batch.published.items():
        _publish(conn, topic, firings, ports, now=now)
    for schedule, due, state in batch.attempts:
        open_firing(conn, schedule, due, state, now=now)
    store.advance(conn, batch.advances)
    return not batch.is_complete


def open_firing(
    conn: Connection, schedule: Schedule, time: datetime, state: str, *, now: datetime, stimulus: str = ""
) -> str:
    """Add a firing that will be attempted, with its receipt; answer the receipt's id."""
    receipt, _ = ledger.open_receipt(
        conn,
        trigger=schedule.name,
        kind=KIND,
        stimulus=stimulus or rfc3339(time),
        now=now,
    )
    reopen_firing(conn, schedule.name, time, receipt.receipt_id, state, now=now)
    return receipt.receipt_id


def reopen_firing(
    conn: Connection, schedule: str, time: datetime, receipt_id: str, state: str, *, now: datetime
) -> None:
    """Add a firing under a receipt that exists."""
    row = {
        "schedule": schedule,
        "schedule_time": time,
        "receipt_id": receipt_id,
        "attempt_time": now,
        "create_time": now,
        "state": state,
    }
    store.insert_firings(conn, [row])
    notify(conn, CHANGED)


def attempt_publish(conn: Connection, schedule: Schedule, firing: Firing, ports: Ports, *, now: datetime) -> None:
    """Attempt a firing whose target is a topic, to its end."""
    target = schedule.options.target
    assert isinstance(target, PubsubTarget)
    firing = store.count_attempt(conn, firing)
    try:
        (message_id,) = ports.publish(conn, target.topic, [_outgoing(target, firing.receipt_id)])
    except TrainshedError as error:
        ended(conn, schedule, firing, code=error.code, message=error.message, now=now)
    else:
        ended(conn, schedule, firing, message=_published(message_id, target.topic), now=now)


def ended(conn: Connection, schedule: Schedule, firing: Firing, *, now: datetime, code: str = "", message: str) -> None:
    """Write how the firing's latest attempt ended; an empty code is success. Raises StaleState for an earlier one."""
    key, number = {"id": firing.firing_id}, firing.attempt
    if code:
        _failed(conn, schedule, firing, message, now=now)
    else:
        fire(conn, store.firings_table, FIRING, key, "succeed", now=now, attempt=number)
        ledger.settle(conn, firing.receipt_id, "start", now=now, reason=message, link=link(schedule))
    store.set_status(conn, schedule.name, code=code, message=message if code else "", now=now)
    notify(conn, CHANGED)


def _failed(conn: Connection, schedule: Schedule, firing: Firing, message: str, *, now: datetime) -> None:
    log.warning(
        "Schedule %s did not reach its target: %s",
        schedule.name,
        message,
        extra={"action": "firing_failed", **schedule.log_context()},
    )
    key, number, retry = {"id": firing.firing_id}, firing.attempt, schedule.options.retry
    elapsed = (now - firing.create_time).total_seconds()
    reason = f"attempt {number}: {message}"
    if policy.may_retry(retry, failures=number, elapsed_seconds=elapsed):
        again = now + timedelta(seconds=policy.backoff_seconds(retry, number))
        fire(conn, store.firings_table, FIRING, key, "retry", now=now, attempt=number, attempt_time=again)
        reason += f"; tried again at {rfc3339(again)}"
    else:
        fire(conn, store.firings_table, FIRING, key, "fail", now=now, attempt=number)
    ledger.settle(conn, firing.receipt_id, "fail", now=now, reason=reason, link=link(schedule))


def link(schedule: Schedule) -> str:
    """Answer what a firing leads to: its topic or endpoint."""
    target = schedule.options.target
    return target.topic if isinstance(target, PubsubTarget) else target.uri


def _collect(
    conn: Connection,
    schedule: Schedule,
    states: set[str],
    ports: Ports,
    batch: Batch,
    *,
    horizon: datetime,
    now: datetime,
) -> None:
    assert schedule.next_due_time is not None
    try:
        cron = schedule.options.cron
    except InvalidArgument as error:  # the time zone left the database, or the rules became stricter
        _disable(conn, schedule, error.message, now=now)
        return
    times = cron.due_times(schedule.next_due_time - _INSTANT, until=now)
    due = policy.sort_due(times, horizon=horizon, catch_up=schedule.options.catch_up, limit=max(batch.limit, 1))
    batch.is_complete &= due.is_complete
    batch.limit -= len(due.fire)
    batch.skipped += [_receipt(schedule, t, next(batch.ids), reason=policy.MISSED) for t in due.skip]
    if due.skipped > len(due.skip):
        batch.skipped.append(_missed(schedule, due))
    receipt_id = _admit(conn, schedule, states, ports, batch, due.fire)
    following = cron.next_due(due.last or now)
    if following is None:
        _disable(conn, schedule, "no due time lies ahead", now=now)
    batch.advances.append(
        {
            "key": schedule.name,
            "next_due": following,
            "last_due": due.last or schedule.last_due_time,
            "attempted": now if receipt_id else schedule.last_attempt_time,
            "receipt": receipt_id or schedule.last_receipt_id,
        }
    )


def _admit(
    conn: Connection, schedule: Schedule, states: set[str], ports: Ports, batch: Batch, times: Sequence[datetime]
) -> str:
    """Decide about due times one after the other; answer the receipt of the last that published."""
    options = schedule.options
    is_declared = options.overlap is not Overlap.DEFAULT
    is_open, is_waiting = bool(states & {"PENDING", "RUNNING"}), "WAITING" in states
    is_busy = is_declared and bool(schedule.last_receipt_id) and ports.is_busy(conn, schedule.last_receipt_id)
    receipt_id = ""
    for due in times:
        decision = policy.overlapping(options.overlap, is_open=is_open, is_waiting=is_waiting, is_busy=is_busy)
        if decision == "wait":
            batch.attempts.append((schedule, due, "WAITING"))
            is_waiting = True
        elif decision != "fire":
            batch.skipped.append(_receipt(schedule, due, next(batch.ids), reason=decision))
        elif isinstance(options.target, PubsubTarget):
            receipt_id = next(batch.ids)
            batch.published.setdefault(options.target.topic, []).append((schedule, due, receipt_id))
            is_busy = is_declared
        else:
            batch.attempts.append((schedule, due, "PENDING"))
            is_open = True
    return receipt_id


def _publish(
    conn: Connection, topic: str, firings: Sequence[tuple[Schedule, datetime, str]], ports: Ports, *, now: datetime
) -> None:
    targets = {s.name: s.options.target for s, _, _ in firings}
    bodies = {name: _outgoing(target, "") for name, target in targets.items()}
    messages = [
        Outgoing(data=bodies[s.name].data, attributes=bodies[s.name].attributes, parent_receipt_id=receipt_id)
        for s, _, receipt_id in firings
    ]
    try:
        ids = ports.publish(conn, topic, messages)
    except TrainshedError:  # each firing has retries of its own
        for schedule, due, _ in firings:
            receipt_id = open_firing(conn, schedule, due, "PENDING", now=now)
            firing = next(
                f for f in store.firings(conn, "PENDING", schedule=schedule.name) if f.receipt_id == receipt_id
            )
            attempt_publish(conn, schedule, firing, ports, now=now)
        return
    rows = [
        _receipt(schedule, due, receipt_id, reason=_published(message_id, topic))
        for (schedule, due, receipt_id), message_id in zip(firings, ids, strict=True)
    ]
    ledger.open_settled(conn, rows, "start", kind=KIND, link=topic, now=now)


def _published(message_id: str, topic: str) -> str:
    return f"published message {message_id} to {names.short(topic)}"


def _outgoing(target: Any, receipt_id: str) -> Outgoing:
    return Outgoing(data=base64.b64decode(target.data), attributes=target.attributes, parent_receipt_id=receipt_id)


def _receipt(schedule: Schedule, due: datetime, receipt_id: str, *, reason: str) -> ReceiptRow:
    return receipt_id, schedule.name, rfc3339(due), reason


def _missed(schedule: Schedule, due: policy.Due) -> ReceiptRow:
    """One receipt for a long outage, saying which due times and how many it stands for."""
    assert due.skipped_first is not None
    assert due.skipped_last is not None
    stimulus = f"{rfc3339(due.skipped_first)}/{rfc3339(due.skipped_last)}"
    return names.short_id(12), schedule.name, stimulus, f"{due.skipped} due times {policy.MISSED_MANY}"


def _disable(conn: Connection, schedule: Schedule, reason: str, *, now: datetime) -> None:
    log.warning(
        "Schedule %s was disabled: %s",
        schedule.name,
        reason,
        extra={"action": "schedule_disabled", **schedule.log_context()},
    )
    fire(conn, store.schedules_table, SCHEDULE, {"name": schedule.name}, "run_out", now=now, status_message=reason)
