"""Everything that differs between databases. SQLite now; PostgreSQL's half arrives with the scale-out work."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from trainshed.errors import ResourceExhausted, TrainshedError, Unavailable

_READERS = 8
_FULL = (sqlite3.SQLITE_FULL,)


def engines(path: Path) -> tuple[Engine, Engine]:
    """Open the writer's engine and the readers'. Every acknowledged commit is on disk (`synchronous=FULL`)."""
    url = f"sqlite:///{path}"
    writer = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=1, max_overflow=0, poolclass=QueuePool)
    readers = create_engine(url, isolation_level="AUTOCOMMIT", pool_size=_READERS, max_overflow=64, poolclass=QueuePool)
    event.listen(writer, "connect", _prepare_writer)
    event.listen(readers, "connect", _prepare_reader)
    return writer, readers


def begin(conn: Connection) -> None:
    """Start the shared write transaction, taking the write lock at once."""
    conn.exec_driver_sql("BEGIN IMMEDIATE")


def translate(error: DBAPIError) -> TrainshedError:
    """Say a database failure in Google's terms, by its code, never by its text."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code in _FULL:
        return ResourceExhausted(
            "The disk is full: nothing was stored. Free some space and try again.", reason="DISK_FULL"
        )
    return Unavailable("The database did not take the change; try again.", reason="DATABASE_DOWN")


def _prepare_writer(connection: Any, _record: Any) -> None:
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "busy_timeout=10000"):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_reader(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")
