"""The table of image bindings."""

from typing import Any

from sqlalchemy import Column, Connection, Row, Table, Text, delete, select

from trainshed.environments.model import Binding
from trainshed.sql import Json, Timestamp, dialect, metadata

image_bindings = Table(
    "image_bindings",
    metadata,
    Column("pattern", Text, primary_key=True),
    Column("environment", Text, nullable=False),
    Column("snapshot", Text, nullable=False, server_default=""),
    Column("variables", Json, nullable=False),
    Column("workdir", Text, nullable=False, server_default=""),
    Column("source", Text, nullable=False, server_default=""),
    Column("update_time", Timestamp, nullable=False),
)


def put(conn: Connection, binding: Binding) -> None:
    """Bind a pattern, in place of what it was bound to."""
    values: dict[str, Any] = {column.name: getattr(binding, column.name) for column in image_bindings.columns}
    values["variables"] = dict(binding.variables)
    conn.execute(dialect.upsert(image_bindings, "pattern", values))


def remove(conn: Connection, pattern: str) -> bool:
    """Unbind a pattern; tell whether it was bound."""
    return conn.execute(delete(image_bindings).where(image_bindings.c.pattern == pattern)).rowcount == 1


def all_bindings(conn: Connection) -> list[Binding]:
    """Read every binding, by pattern."""
    return [_binding(row) for row in conn.execute(select(image_bindings).order_by(image_bindings.c.pattern))]


def _binding(row: Row[Any]) -> Binding:
    return Binding(**row._mapping)  # noqa: SLF001  (SQLAlchemy's public mapping of a row)
