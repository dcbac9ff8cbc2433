"""The outbox: what has to happen after a transaction, written in it, done exactly once after it.

A handler runs in the transaction that removes its entry; what it does in the store is therefore done once.
`app` connects kinds to service verbs; features only append.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, delete, func, select, update

from trainshed.clock import Clock
from trainshed.duty import Duty, off_loop
from trainshed.sql.channels import notify
from trainshed.sql.engine import Database
from trainshed.sql.schema import Json, Timestamp, metadata

log = logging.getLogger(__name__)
CHANNEL = "outbox"
_BATCH = 200
_LONGEST_WAIT_SECONDS = 300
_DOUBLINGS = 10  # by then the wait is the longest

outbox_table = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("payload", Json, nullable=False),
    Column("due_time", Timestamp, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Index("ix_outbox_due", "due_time", "id"),
)

Handler = Callable[[Connection, dict[str, Any]], None]


def append(conn: Connection, kind: str, payload: Mapping[str, Any], *, now: datetime, delay_seconds: float = 0) -> None:
    """Ask for a follow-up of the current transaction."""
    due = now + timedelta(seconds=delay_seconds)
    conn.execute(outbox_table.insert().values(kind=kind, payload=dict(payload), due_time=due))
    notify(conn, CHANNEL)


class Outbox:
    """Hands entries to the handler of their kind, oldest first."""

    def __init__(self, db: Database, clock: Clock, handlers: Mapping[str, Handler]) -> None:
        self._db = db
        self._clock = clock
        self._handlers = dict(handlers)

    def duty(self, *, interval_seconds: float) -> Duty:
        """Make the background duty, woken by every commit that appended something."""
        duty = Duty("outbox", self.run_once, interval_seconds=interval_seconds, clock=self._clock)
        self._db.listen(CHANNEL, duty.wake)
        return duty

    async def run_once(self) -> datetime | None:
        """Handle everything that is due; answer when the next entry is."""
        while entries := await off_loop(self._db.read, self._due):
            futures = [self._db.submit(partial(self._handle, entry=entry)) for entry in entries]
            results = await asyncio.gather(*map(asyncio.wrap_future, futures), return_exceptions=True)
            for entry, result in zip(entries, results, strict=True):
                if isinstance(result, BaseException):
                    await off_loop(self._postpone, entry, result)
        return await off_loop(self._db.read, _next_due)

    def drain(self) -> None:
        """Handle everything that is due, synchronously; for the in-process command line and for tests."""
        while entries := self._db.read(self._due):
            for entry in entries:
                try:
                    self._db.write(partial(self._handle, entry=entry))
                except Exception as error:  # noqa: BLE001  (kept with the entry and tried again)
                    self._postpone(entry, error)

    def _due(self, conn: Connection) -> list[Any]:
        t = outbox_table
        query = select(t).where(t.c.due_time <= self._clock.now()).order_by(t.c.due_time, t.c.id).limit(_BATCH)
        return list(conn.execute(query))

    def _handle(self, conn: Connection, entry: Any) -> None:
        if conn.execute(delete(outbox_table).where(outbox_table.c.id == entry.id)).rowcount:
            self._handlers[entry.kind](conn, entry.payload)

    def _postpone(self, entry: Any, error: BaseException) -> None:
        log.warning(
            "Follow-up %s failed and will be tried again: %s", entry.kind, error, extra={"action": "outbox_failed"}
        )
        wait = min(2.0 ** min(entry.tries, _DOUBLINGS), _LONGEST_WAIT_SECONDS)
        t = outbox_table
        change = (
            update(t)
            .where(t.c.id == entry.id)
            .values(tries=entry.tries + 1, error=str(error), due_time=self._clock.now() + timedelta(seconds=wait))
        )
        self._db.write(lambda conn: conn.execute(change))


def _next_due(conn: Connection) -> datetime | None:
    due: datetime | None = conn.execute(select(func.min(outbox_table.c.due_time))).scalar()
    return due
