"""Everything that differs between databases. SQLite now; PostgreSQL's half arrives with the scale-out work."""

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Engine,
    MetaData,
    Table,
    Text,
    and_,
    create_engine,
    event,
    func,
    type_coerce,
)
from sqlalchemy.dialects.sqlite import Insert, insert
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import QueuePool

from trainshed.errors import FailedPrecondition, ResourceExhausted, Unavailable

_READERS = 8
_ROWS_AT_ONCE = (128, 16, 1)  # few texts, which the driver keeps compiled
_ENVIRONMENT = {  # the machine's fault; everything else (a violated constraint, bad SQL) is a defect of ours
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
    sqlite3.SQLITE_PERM,
}


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
    run(conn, "BEGIN IMMEDIATE")


def run(conn: Connection, text: str, values: Sequence[Any] = ()) -> Any:
    """Run SQL whose values are in stored form; answer the driver's cursor. Raises DBAPIError, as everything else."""
    try:
        return conn.connection.driver_connection.execute(text, values)  # type: ignore[union-attr]
    except sqlite3.Error as error:
        raise DBAPIError(text, None, error) from error


def insert_or_ignore(table: Table) -> Insert:
    """Insert rows, leaving those alone whose unique key is taken."""
    return insert(table).on_conflict_do_nothing()


def insert_rows(conn: Connection, table: Table, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    """Insert rows whose values are in stored form already, past everything that costs time per row.

    Several rows go into each statement: after each the driver lets other threads have their turn.
    """
    marks = f"({', '.join('?' * len(columns))})"
    waiting = list(rows)
    for most in _ROWS_AT_ONCE:
        # Names come from our own tables.
        text = f"INSERT INTO {table.name} ({', '.join(columns)}) VALUES {', '.join([marks] * most)}"  # noqa: S608
        while len(waiting) >= most:
            now, waiting = waiting[:most], waiting[most:]
            run(conn, text, [value for row in now for value in row])


def upsert(table: Table, key: str, values: Mapping[str, Any]) -> Insert:
    """Insert a row, or change the one with the same key."""
    return insert(table).values(values).on_conflict_do_update(index_elements=[key], set_=dict(values))


def has_member(column: ColumnElement[Any], key: str, value: Any) -> ColumnElement[bool]:
    """Whether a stored JSON document has a member with this value at its top; the key has no quotation mark."""
    document, text = type_coerce(column, Text), json.dumps(value, separators=(",", ":"), ensure_ascii=False)
    member = f'"{key}":{text}'
    # Looking for the text costs little and leaves out nearly everything.
    return and_(func.instr(document, member) > 0, document.op("->")(f'$."{key}"') == text)


def create_schema(path: Path, tables: MetaData, revision: str) -> None:
    """Make a store with these tables, marked as of `revision`: whole or not at all."""
    engine = create_engine(f"sqlite:///{path}", isolation_level="AUTOCOMMIT")
    try:
        with engine.connect() as conn:
            begin(conn)
            tables.create_all(conn)
            conn.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
            conn.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))
            conn.exec_driver_sql("COMMIT")
    except DBAPIError as error:
        raise translate(error) from error
    finally:
        engine.dispose()


def schema_revision(path: Path) -> str | None:
    """Answer the revision of the store at `path`; None when it has none yet. Raises FailedPrecondition."""
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # an empty file, or not ours yet
        return None
    except sqlite3.DatabaseError as error:
        raise FailedPrecondition(f"{path} is not a readable store: {error}.", reason="STORE_UNREADABLE") from error
    else:
        return None if row is None else str(row[0])
    finally:
        connection.close()


def translate(error: DBAPIError) -> Exception:
    """Say a failure of the machine in Google's terms, by its code, never by its text; a defect stays what it is."""
    code = getattr(error.orig, "sqlite_errorcode", 0) & 0xFF
    if code == sqlite3.SQLITE_FULL:
        return ResourceExhausted(
            "The disk is full: nothing was stored. Free some space and try again.", reason="DISK_FULL"
        )
    return unavailable() if code in _ENVIRONMENT else error


def unavailable() -> Unavailable:
    """Say that nothing was stored."""
    return Unavailable("The database did not take the change; try again.", reason="DATABASE_DOWN")


def _prepare_writer(connection: Any, _record: Any) -> None:
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=10000",
        "cache_size=-32000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _prepare_reader(connection: Any, _record: Any) -> None:
    for pragma in ("busy_timeout=10000", "query_only=ON"):
        connection.execute(f"PRAGMA {pragma}")
