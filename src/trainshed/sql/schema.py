"""The one MetaData of the store, its column types, and the insert that tells whether it inserted."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Dialect, MetaData, Table, Text, TypeDecorator
from sqlalchemy.types import TypeEngine

from trainshed.sql import dialect

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Timestamp(TypeDecorator[datetime]):
    """An aware UTC time as text of fixed width, so that it sorts as time does."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002  (SQLAlchemy's signature)
        """Write."""
        return None if value is None else _written(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Read."""
        return None if value is None else datetime.fromisoformat(value)


@lru_cache(maxsize=64)  # a transaction writes the same moment again and again
def _written(value: datetime) -> str:
    assert value.tzinfo is not None, "times are aware"
    return value.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"  # four times faster than strftime


class Json(TypeDecorator[Any]):
    """A JSON document as text; None is SQL NULL."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:  # noqa: ARG002
        """Write."""
        return None if value is None else json.dumps(value, separators=(",", ":"), ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002
        """Read."""
        return None if value is None else json.loads(value)


def insert_new(conn: Connection, table: Table, values: Mapping[str, Any]) -> bool:
    """Insert a row unless one with the same unique key exists; tell which."""
    return conn.execute(dialect.insert_or_ignore(table), dict(values)).rowcount == 1


def insert_many(
    conn: Connection, table: Table, columns: Sequence[str], rows: Sequence[tuple[Any, ...]], **same: Any
) -> None:
    """Insert rows that come in thousands: `columns` differ from row to row, `same` is the same for all.

    Times and documents among `columns` are converted row by row, which costs; among `same` once.
    """
    kinds = [table.c[name].type for name in columns]
    fixed = tuple(_stored(conn, table.c[name].type, value) for name, value in same.items())
    for place, kind in enumerate(kinds):
        if isinstance(kind, TypeDecorator):
            rows = [(*row[:place], _stored(conn, kind, row[place]), *row[place + 1 :]) for row in rows]
    dialect.insert_rows(conn, table, [*columns, *same], (row + fixed for row in rows))


def _stored(conn: Connection, kind: TypeEngine[Any], value: Any) -> Any:
    return kind.process_bind_param(value, conn.dialect) if isinstance(kind, TypeDecorator) else value
