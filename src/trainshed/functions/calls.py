"""A call of a function, and what is written of it: its row, its receipt and its delivery, in the caller's transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from trainshed import ledger, names
from trainshed.functions import store
from trainshed.functions.envelope import Request
from trainshed.functions.model import Ended, Invocation, Version

_OUTCOMES = {
    "return": "ok",
    "crash": "crash",
    "exit": "exited",
    "time_out": "timeout",
    "exhaust_memory": "out of memory",
    "exhaust_processes": "too many processes",
    "fail_start": "not started",
    "interrupt": "interrupted",
}


@dataclass(frozen=True, kw_only=True)
class Call:
    """A call to be made: for an event, or by hand with data or a whole HTTP request."""

    event: ledger.Message | None = None
    data: Any = None
    request: Request | None = None

    @property
    def kind(self) -> str:
        """What its invocation says that it is: message, http or call."""
        if self.event is not None:
            return "message"
        return "call" if self.request is None else "http"


@dataclass(frozen=True, kw_only=True)
class Begun:
    """A recorded call: its row, and where its receipt stood before it."""

    invocation: Invocation
    was_started: bool
    cause: ledger.Cause


def begin(conn: Connection, version: Version, call: Call, *, instance: str, now: datetime) -> Begun:
    """Record a call and open the receipt of what it is about."""
    execution, event = names.short_id(12), call.event
    stimulus = event.stimulus if event else f"{call.kind}#{execution}"
    receipt_kind = "message" if event else "call"
    receipt, _ = ledger.open_receipt(
        conn,
        trigger=version.function,
        kind=receipt_kind,
        stimulus=stimulus,
        now=now,
        parent_id=event.parent_receipt_id if event else "",
        data=event.as_data() if event else {"data": call.data},
    )
    values = {
        "id": execution,
        "function": version.function,
        "version": version.number,
        "kind": call.kind,
        "stimulus": stimulus,
        "receipt_id": receipt.receipt_id,
        "attempt": event.delivery_attempt if event else 0,
        "instance": instance,
        "start_time": now,
    }
    store.insert_invocation(conn, values, now)
    cause = ledger.Cause(
        key=stimulus if event else f"{version.function}#{execution}",
        kind=receipt_kind,
        receipt_id=receipt.receipt_id,
        time=event.publish_time if event else now,
    )
    return Begun(invocation=store.get_invocation(conn, execution), was_started=receipt.has_begun, cause=cause)


def end(
    conn: Connection, invocation: Invocation, ended: Ended, *, asked: bool, was_started: bool, now: datetime
) -> None:
    """Record how a call ended: its row, its delivery under the receipt, and the receipt where it is still open.

    `asked`: the call asked for a run, which settled the receipt itself. `was_started`: something had before this call.
    """
    store.fire_invocation(
        conn,
        invocation,
        ended.transition,
        now=now,
        error=ended.error,
        duration_seconds=ended.duration_seconds,
        memory_bytes=ended.memory_bytes,
    )
    if not invocation.receipt_id:
        return
    receipt = ledger.get_receipt(conn, invocation.receipt_id)
    outcome = _OUTCOMES[ended.transition]
    has_settled_itself = ended.ok and asked and bool(receipt.link)  # also as SKIPPED, when nothing was new
    if has_settled_itself:
        outcome = "joined" if was_started else "started"
    link = f"{invocation.function}/invocations/{invocation.id}"
    said = _first_line(ended.error)
    ledger.record_delivery(conn, receipt.receipt_id, now=now, outcome=outcome, reason=said, link=receipt.link or link)
    comes_again = ended.transition == "interrupt" and invocation.kind == "message"
    if receipt.has_begun or comes_again or has_settled_itself:
        return
    if ended.ok:
        reason = "the function returned and started no run"
        ledger.settle(conn, receipt.receipt_id, "start", now=now, reason=reason, link=link)
    else:
        ledger.settle(conn, receipt.receipt_id, "fail", now=now, reason=f"{outcome}: {said}", link=link)


def _first_line(error: str) -> str:
    """Answer what a receipt says; the last lines of an output that did not start are in the log."""
    return error.strip().partition("\n")[0]
