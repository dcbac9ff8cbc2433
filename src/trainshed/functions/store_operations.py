"""Table and SQL of operations on functions. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Connection, Index, Integer, Table, Text, delete, select, update

from trainshed.functions.model import Operation
from trainshed.sql import Json, Timestamp, metadata

_KEPT = timedelta(days=30)

function_operations = Table(
    "function_operations",
    metadata,
    Column("name", Text, primary_key=True),
    Column("function", Text, nullable=False),
    Column("verb", Text, nullable=False),
    Column("generation", Integer, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Column("end_time", Timestamp),
    Column("error", Json),
    Column("response", Json),
    Index("ix_function_operations_function", "function", "create_time"),
)


def begin(conn: Connection, name: str, *, function: str, verb: str, generation: int, now: datetime) -> None:
    """Record that an operation begins; those of the function that are long over are forgotten."""
    o = function_operations
    conn.execute(delete(o).where(o.c.function == function, o.c.create_time < now - _KEPT, o.c.end_time.is_not(None)))
    values = {"name": name, "function": function, "verb": verb, "generation": generation, "create_time": now}
    conn.execute(o.insert().values(**values))


def end(
    conn: Connection,
    function: str,
    *,
    now: datetime,
    error: Mapping[str, str] | None = None,
    responses: Mapping[int, Mapping[str, Any]] | None = None,
) -> None:
    """Record how the open operation of a function ended; `responses` by generation of the API."""
    for operation in open_of(conn, function):
        response = (responses or {}).get(operation.generation)
        values = {"end_time": now, "error": error, "response": response}
        o = function_operations
        conn.execute(update(o).where(o.c.name == operation.name).values(**values))


def open_of(conn: Connection, function: str) -> list[Operation]:
    """Read the operations of a function that are not over: one, or none."""
    o = function_operations
    query = select(o).where(o.c.function == function, o.c.end_time.is_(None))
    return [Operation.from_row(row) for row in conn.execute(query)]


def find(conn: Connection, name: str) -> Operation | None:
    """Read an operation by its name."""
    o = function_operations
    row = conn.execute(select(o).where(o.c.name == name)).one_or_none()
    return Operation.from_row(row) if row is not None else None


def of_parent(conn: Connection, parent: str) -> list[Operation]:
    """Read the operations on the functions of `projects/P/locations/L` that have a name there, oldest first."""
    o = function_operations
    query = select(o).where(o.c.name.startswith(f"{parent}/operations/", autoescape=True)).order_by(o.c.create_time)
    return [Operation.from_row(row) for row in conn.execute(query)]
