"""Forgetting many records at once. What runs recorded stays: their tasks' results are used again by it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table

from trainshed.errors import InvalidArgument
from trainshed.lineage import store, store_authored
from trainshed.lineage.facts import public_id
from trainshed.lineage.pages import Wanted, read_page
from trainshed.sql import Database

_SAMPLE = 100
_PAGE = 1000
_OF_RUNS = {"system.Pipeline", "system.PipelineRun"}
_TABLES = {"artifacts": store.artifacts, "executions": store.executions, "contexts": store.contexts}


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What a purge forgot, or would."""

    count: int
    sample: tuple[str, ...]  # last parts of resource names; of a purge that only looks


class Purger:
    """Forgets records by a filter."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def purge(self, collection: str, parent: str, filter: str, *, force: bool) -> Purged:  # noqa: A002  (Google's word)
        """Forget artifacts, executions or contexts recorded by hand that match; without `force`, only count them.

        Raises InvalidArgument for a filter that is missing or cannot be read.
        """
        if not filter.strip():
            raise InvalidArgument.field(
                "filter", 'is missing; say what to purge, as in create_time<"2026-01-31T12:00:00Z"'
            )
        table = _TABLES[collection]
        if not force:
            found = self._db.read(lambda conn: _matching(conn, table, parent, filter))
            return Purged(count=len(found), sample=tuple(public_id(record) for record in found[:_SAMPLE]))
        return Purged(count=self._db.write(lambda conn: _forget(conn, table, parent, filter)), sample=())

    def empty(self, parent: str) -> None:
        """Forget everything that was recorded by hand."""

        def verb(conn: Connection) -> None:
            for table in (store.executions, store.artifacts, store.contexts):
                _forget(conn, table, parent, "")

        self._db.write(verb)


def _forget(conn: Connection, table: Table, parent: str, text: str) -> int:
    found = _matching(conn, table, parent, text)
    for record in found:
        store_authored.forget(conn, table, _KEYS[table.name](record))
    return len(found)


def _matching(conn: Connection, table: Table, parent: str, text: str) -> list[Any]:
    found: list[Any] = []
    token = ""
    while True:
        page, token = read_page(conn, table, parent, Wanted(filter=text, page_size=_PAGE, page_token=token))
        found += [record for record in page if _IS_BY_HAND[table.name](conn, record)]
        if not token:
            return found


_KEYS: dict[str, Callable[[Any], int]] = {
    "artifacts": lambda a: int(a.artifact_id),
    "executions": lambda e: int(e.execution_id),
    "contexts": lambda c: int(c.context_id),
}
_IS_BY_HAND: dict[str, Callable[[Connection, Any], bool]] = {
    "artifacts": lambda conn, a: not store_authored.is_of_a_task(conn, a.artifact_id),
    "executions": lambda _, e: not e.run,
    "contexts": lambda _, c: c.type not in _OF_RUNS,
}
