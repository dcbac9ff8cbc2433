"""Statements of the hot path: spelt out once, then run past everything that SQLAlchemy does at each execution.

And lists in statements, of any length.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Connection, Integer, Select, UpdateBase, bindparam, func, select, tuple_
from sqlalchemy.types import TypeDecorator

from trainshed.sql import dialect
from trainshed.sql.schema import Json

T = TypeVar("T")
_MOST_VALUES = 2000  # in one statement that spells them out


class Prepared:
    """A statement with named parameters that runs thousands of times a second.

    What it reads comes as plain tuples in the order of its columns, times and documents as everywhere else. Lists
    among its parameters are bound by `among`, because IN with a list is another statement for each length.
    """

    def __init__(self, statement: "Select[Any] | UpdateBase") -> None:
        self._statement: Any = statement
        self._text = ""
        self._binds: Sequence[tuple[str, Callable[[Any], Any] | None, Any]] = ()  # name, what stores it, value if fixed
        self._readers: Sequence[tuple[int, Callable[[Any], Any]]] = ()

    def rows(self, conn: Connection, **values: Any) -> list[tuple[Any, ...]]:
        """Run it and answer everything it reads."""
        found: list[tuple[Any, ...]] = dialect.run(conn, *self._filled(conn, values)).fetchall()
        if not found or not self._readers:
            return found
        columns = list(zip(*found, strict=True))
        for place, read in self._readers:
            columns[place] = tuple(map(read, columns[place]))
        return list(zip(*columns, strict=True))

    def run(self, conn: Connection, **values: Any) -> int:
        """Run it and answer how many rows it changed."""
        changed: int = dialect.run(conn, *self._filled(conn, values)).rowcount
        return changed

    def _filled(self, conn: Connection, values: dict[str, Any]) -> tuple[str, list[Any]]:
        if not self._text:
            self._spell(conn)
        return self._text, [
            values.get(name, fixed) if store is None else store(values.get(name, fixed))
            for name, store, fixed in self._binds
        ]

    def _spell(self, conn: Connection) -> None:
        made: Any = self._statement.compile(dialect=conn.dialect)
        binds = []
        for name in made.positiontup or ():
            kind = made.binds[name].type
            store = kind.bind_processor(conn.dialect) if isinstance(kind, TypeDecorator) else None
            binds.append((name, store, made.params[name]))
        readers = []
        for place, column in enumerate(self._statement.exported_columns):
            kind = column.type
            if isinstance(kind, TypeDecorator) and (read := kind.result_processor(conn.dialect, None)) is not None:
                readers.append((place, read))
        self._readers = readers
        self._binds = binds
        self._text = made.string  # last: readers of other threads look at it


def among(column: ColumnElement[Any], name: str, *also: tuple[ColumnElement[int], str]) -> ColumnElement[bool]:
    """Whether a column is one of the numbers, or texts, in the parameter `name`, a list of any length.

    `also` names columns that have to be one number each, with its parameter: together they lead through a key of
    several columns, which SQLite would leave for an index that looks shorter to it and is as long as the table.
    """
    values = func.json_each(bindparam(name, type_=Json())).table_valued("value").c.value
    if not also:
        return column.in_(select(values))
    others = [bindparam(parameter, type_=Integer) for _, parameter in also]
    return tuple_(column, *(other for other, _ in also)).in_(select(values, *others))


def chunks(values: Iterable[T], size: int = _MOST_VALUES) -> Iterator[Sequence[T]]:
    """Cut values into what fits into one statement."""
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]
