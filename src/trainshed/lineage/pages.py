"""Pages of lists: filtered, ordered, continued by a token."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table

from trainshed import names
from trainshed.errors import InvalidArgument, NotFound
from trainshed.lineage import filters, store, store_search
from trainshed.lineage.facts import facts_of
from trainshed.lineage.subjects import find_context

_COMMON = frozenset({"name", "display_name", "schema_title", "create_time", "update_time", "metadata"})
FIELDS = {
    "artifacts": _COMMON | {"state", "uri", "in_context"},
    "executions": _COMMON | {"state", "in_context"},
    "contexts": _COMMON | {"parent_contexts", "child_contexts"},
}
_READ: dict[str, Callable[[Any], Any]] = {
    "artifacts": store.as_artifact,
    "executions": store.as_execution,
    "contexts": store.as_context,
}


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One page of a list."""

    filter: str = ""
    order_by: str = ""
    page_size: int = 100
    page_token: str = ""


@dataclass(frozen=True, kw_only=True)
class _Question:
    """The same, read."""

    condition: filters.Condition | None
    order: tuple[tuple[str, bool], ...]  # columns, and whether they descend; none: newest first
    position: Mapping[str, Any]  # of the first row: the row before it, or how many to skip

    @property
    def skip(self) -> int:
        return int(self.position.get("skip", 0))


def read_page(conn: Connection, table: Table, parent: str, wanted: Wanted) -> tuple[list[Any], str]:
    """Answer a page and the token of the next one. Raises InvalidArgument."""
    asked = _question(table, wanted)
    contexts = {related: _context_id(conn, related) for related in filters.relations(asked.condition)}
    certain = set(filters.conjuncts(asked.condition))  # every row that comes is in these
    members = {
        related: store_search.member_ids(conn, table, related, context_id) if context_id else set()
        for related, context_id in contexts.items()
        if related not in certain
    }
    found: list[Any] = []
    row_id = last_id = 0

    def is_related(related: filters.Related) -> bool:
        return related in certain or row_id in members[related]

    where = _clauses(table, asked, contexts)
    for number, row in enumerate(store_search.rows(conn, table, where, asked.order, asked.skip), start=asked.skip):
        row_id, record = row.id, _READ[table.name](row)
        if asked.condition is not None and not filters.holds(asked.condition, facts_of(record, parent), is_related):
            continue
        if len(found) == wanted.page_size:
            position = {"skip": number} if asked.order else {"after": last_id}
            return found, names.page_token(of=_identity(wanted), **position)
        found.append(record)
        last_id = row_id
    return found, ""


def _question(table: Table, wanted: Wanted) -> _Question:
    position = names.read_page_token(wanted.page_token)
    if position and position.get("of") != _identity(wanted):
        raise InvalidArgument.field("page_token", "is of another filter or order; ask again for the first page")
    return _Question(
        condition=filters.parse(wanted.filter, FIELDS[table.name]),
        order=_order(table, wanted.order_by),
        position=position,
    )


def _identity(wanted: Wanted) -> str:
    return f"{wanted.filter}\n{wanted.order_by}"


def _clauses(
    table: Table, asked: _Question, contexts: Mapping[filters.Related, int | None]
) -> list[ColumnElement[bool]]:
    """Narrow the rows by whatever an index can find."""
    found: list[ColumnElement[bool]] = []
    for part in filters.conjuncts(asked.condition):
        if isinstance(part, filters.Related):
            found.append(table.c.id.in_(store_search.members(table, part, contexts[part] or 0)))
        elif (clause := store_search.clause_of(table, part)) is not None:
            found.append(clause)
    if "after" in asked.position:
        found.append(table.c.id < int(asked.position["after"]))
    return found


def _context_id(conn: Connection, related: filters.Related) -> int | None:
    try:
        return find_context(conn, names.short(related.context)).context_id
    except NotFound:  # nothing is in it
        return None


def _order(table: Table, text: str) -> tuple[tuple[str, bool], ...]:
    found = []
    for part in filter(None, (p.strip() for p in text.split(","))):
        field, _, direction = part.partition(" ")
        column = store_search.order_of(table, field)
        if column is None or direction.strip() not in {"", "asc", "desc"}:
            raise InvalidArgument.field(
                "order_by",
                f"{part!r} is not create_time, update_time, display_name or schema_title, with or without desc",
            )
        found.append((column, direction.strip() == "desc"))
    return tuple(found)
