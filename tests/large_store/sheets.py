"""Rows of one table, written by the thousand, in the form in which the store keeps them."""

import json
import sqlite3
from typing import Any

from sqlalchemy import Table

from trainshed.sql.schema import Json

_AT_ONCE = 2_000


class Sheet:
    """Takes rows of a table: values of `columns`, and `same` in each. Documents among `same` may be plain."""

    def __init__(self, connection: sqlite3.Connection, table: Table, *columns: str, **same: Any) -> None:
        self._connection = connection
        self._fixed = tuple(
            text(value) if isinstance(table.c[name].type, Json) and value is not None else value
            for name, value in same.items()
        )
        names = [table.c[name].name for name in (*columns, *same)]
        marks = ", ".join("?" * len(names))
        self._statement = f"INSERT INTO {table.name} ({', '.join(names)}) VALUES ({marks})"
        self._waiting: list[tuple[Any, ...]] = []

    def add(self, *values: Any) -> None:
        """Take a row."""
        self._waiting.append(values + self._fixed)
        if len(self._waiting) == _AT_ONCE:
            self.flush()

    def flush(self) -> None:
        """Write what has been taken."""
        self._connection.executemany(self._statement, self._waiting)
        self._waiting.clear()


class Sheets:
    """Makes sheets, and writes all of them to their ends."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._made: list[Sheet] = []

    def of(self, table: Table, *columns: str, **same: Any) -> Sheet:
        """Make a sheet."""
        self._made.append(Sheet(self._connection, table, *columns, **same))
        return self._made[-1]

    def flush(self) -> None:
        """Write everything that has been taken."""
        for sheet in self._made:
            sheet.flush()


def text(document: Any) -> str:
    """Write a document as the store does."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False)
