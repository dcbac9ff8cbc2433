"""The database as the features see it: many readers, one writer, one fsync for everybody who waits.

A verb is a function of a connection. Each runs in a SAVEPOINT of a shared transaction, so that one caller's
error undoes only its own work; its answer leaves after COMMIT; a failed COMMIT answers UNAVAILABLE to all in it.
"""

import logging
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError

from trainshed.errors import TrainshedError
from trainshed.sql import channels, dialect
from trainshed.sql.lifecycle import gather_history, write_history

log = logging.getLogger(__name__)
T = TypeVar("T")
_BATCH = 500  # verbs in one transaction at most


@dataclass
class _Request:
    verb: Callable[[Connection], Any]
    future: "Future[Any]" = field(default_factory=Future)
    result: Any = None
    error: BaseException | None = None
    channels: frozenset[str] = frozenset()
    after: tuple[Callable[[], None], ...] = ()


class Database:
    """One SQLite file, its writer thread and its readers."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._writer, self._readers = dialect.engines(path)
        self._held: Connection | None = None
        self._queue: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._listeners: dict[str, tuple[Callable[[], None], ...]] = {}
        self._listening = threading.Lock()
        self._is_closed = False
        self._closing = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="database-writer", daemon=True)
        self._thread.start()

    def write(self, verb: Callable[[Connection], T]) -> T:
        """Run a verb and answer once it is on disk. Raises what the verb raised, or Unavailable."""
        assert threading.current_thread() is not self._thread, "a verb may not wait for another verb"
        return self.submit(verb).result()

    def submit(self, verb: Callable[[Connection], T]) -> "Future[T]":
        """Hand in a verb; the future is done once it is on disk, or with Unavailable when the store is closed."""
        request = _Request(verb)
        with self._closing:  # behind the end of the queue nobody would ever answer
            if not self._is_closed:
                self._queue.put(request)
                return request.future
        request.future.set_exception(dialect.unavailable())
        return request.future

    def read(self, query: Callable[[Connection], T]) -> T:
        """Run a query on a connection of its own, on what is committed at one moment, however many statements it has."""
        try:
            with self._readers.connect() as conn:
                dialect.run(conn, "BEGIN")
                try:
                    return query(conn)
                finally:
                    dialect.run(conn, "COMMIT")
        except DBAPIError as error:
            raise dialect.translate(error) from error

    def listen(self, channel: str, callback: Callable[[], None]) -> Callable[[], None]:
        """Call back after each commit that notified `channel`; answer what ends that. The callback must not block."""
        with self._listening:
            self._listeners[channel] = (*self._listeners.get(channel, ()), callback)
        return partial(self._forget, channel, callback)

    def close(self) -> None:
        """Finish what is queued and let go of the file."""
        with self._closing:
            self._is_closed = True
            self._queue.put(None)
        self._thread.join()
        if self._held is not None:
            self._held.close()
        self._writer.dispose()
        self._readers.dispose()

    def _forget(self, channel: str, callback: Callable[[], None]) -> None:
        with self._listening:
            rest = tuple(known for known in self._listeners.get(channel, ()) if known is not callback)
            if rest:
                self._listeners[channel] = rest
            else:
                self._listeners.pop(channel, None)

    def _work(self) -> None:
        while (first := self._queue.get()) is not None:
            batch, ended = self._collect(first)
            self._commit(batch)
            self._answer(batch)
            if ended:
                return

    def _collect(self, first: _Request) -> tuple[list[_Request], bool]:
        batch: list[_Request] = []
        request: _Request | None = first
        while request is not None:
            if request.future.set_running_or_notify_cancel():  # from here on its caller cannot withdraw it
                batch.append(request)
            if len(batch) == _BATCH:
                return batch, False
            try:
                request = self._queue.get_nowait()
            except queue.Empty:
                return batch, False
        return batch, True

    def _commit(self, batch: list[_Request]) -> None:
        try:
            conn = self._writing()
            dialect.begin(conn)
            try:
                if len(batch) == 1:
                    _run_alone(conn, batch[0])
                else:
                    for request in batch:
                        _run(conn, request)
                    dialect.run(conn, "COMMIT")
            except BaseException:
                _roll_back(conn)
                raise
        except Exception as error:
            log.exception("The store could not commit %d verbs.", len(batch), extra={"action": "commit_failed"})
            told = dialect.translate(error) if isinstance(error, DBAPIError) else error
            for request in batch:
                request.error = told if isinstance(told, TrainshedError) else dialect.unavailable()

    def _writing(self) -> Connection:
        """Answer the writer's connection, which only its thread uses."""
        if self._held is not None and self._held.invalidated:
            self._held.close()
            self._held = None
        self._held = self._held or self._writer.connect()
        return self._held

    def _answer(self, batch: list[_Request]) -> None:
        woken: set[str] = set()
        for request in batch:
            _take_effect(request)
        for request in batch:
            if request.error is not None:
                request.future.set_exception(request.error)
            else:
                woken |= request.channels
                request.future.set_result(request.result)
        for channel in woken:
            for callback in self._listeners.get(channel, ()):
                _try(callback)


def _run(conn: Connection, request: _Request) -> None:
    dialect.run(conn, "SAVEPOINT verb")
    if not _carry_out(conn, request):
        dialect.run(conn, "ROLLBACK TO verb")
    dialect.run(conn, "RELEASE verb")


def _run_alone(conn: Connection, request: _Request) -> None:
    """Run the only verb of a transaction, which needs no savepoint."""
    if _carry_out(conn, request):
        dialect.run(conn, "COMMIT")
    else:
        _roll_back(conn)


def _carry_out(conn: Connection, request: _Request) -> bool:
    channels.begin(conn)
    gather_history(conn)
    try:
        request.result = request.verb(conn)
        write_history(conn)
    except Exception as error:  # noqa: BLE001  (handed to the caller whose verb it was)
        request.error = dialect.translate(error) if isinstance(error, DBAPIError) else error
        return False
    request.channels, request.after = channels.told(conn)
    return True


def _take_effect(request: _Request) -> None:
    for effect in request.after if request.error is None else ():
        _try(effect)


def _try(effect: Callable[[], None]) -> None:
    try:
        effect()
    except Exception:
        log.exception("An effect after a commit failed; it is made good later.", extra={"action": "effect_failed"})


def _roll_back(conn: Connection) -> None:
    try:
        dialect.run(conn, "ROLLBACK")
    except DBAPIError:  # SQLite has rolled back by itself (disk full, I/O error)
        conn.invalidate()
