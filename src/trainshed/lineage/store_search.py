"""Lists of artifacts, executions and contexts in the store: what filters can ask an index, and membership."""

from collections.abc import Iterator, Sequence
from hashlib import sha256
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, func, intersect, or_, select

from trainshed.lineage.filters import Any_, Compare, Condition, Related
from trainshed.lineage.model import Artifact, Context, Execution
from trainshed.lineage.store import (
    artifacts,
    as_artifact,
    as_context,
    as_execution,
    associations,
    attributions,
    context_children,
    contexts,
    events,
    executions,
)

_NOTHING = sha256(b"").hexdigest()  # digest of what has no content
_COLUMNS = {
    "artifacts": {"uri": "uri", "schema_title": "schema_title", "display_name": "name", "state": "last_known_state"},
    "executions": {"schema_title": "schema_title", "state": "last_known_state"},
    "contexts": {"schema_title": "type"},
}
_ORDERS = {
    "artifacts": {"display_name": "name"},
    "executions": {"display_name": "display_name"},
    "contexts": {"display_name": "display_name", "schema_title": "type"},
}


def clause_of(table: Table, condition: Condition) -> ColumnElement[bool] | None:
    """Answer a condition as SQL where an index can find it; None for what has to be looked at row by row."""
    columns = _COLUMNS[table.name]
    if isinstance(condition, Any_):
        parts = [clause_of(table, part) for part in condition.parts]
        return or_(*[p for p in parts if p is not None]) if all(p is not None for p in parts) else None
    if isinstance(condition, Compare) and condition.is_exact and condition.path[0] in columns:
        return table.c[columns[condition.path[0]]] == condition.value
    return None


def order_of(table: Table, field: str) -> str | None:
    """Answer the column that a field is ordered by; None for a field that nothing is ordered by."""
    known = {"create_time": "create_time", "update_time": "update_time", "schema_title": "schema_title"}
    return (known | _ORDERS[table.name]).get(field)


def rows(
    conn: Connection, table: Table, where: Sequence[ColumnElement[bool]], order: Sequence[tuple[str, bool]], skip: int
) -> Iterator[Any]:
    """Read rows lazily; `order` has columns and whether they descend; newest first where nothing else is said."""
    query = select(table).where(*where)
    for column, descends in order:
        query = query.order_by(table.c[column].desc() if descends else table.c[column])
    ascends = bool(order) and not order[0][1]  # what is equal goes the same way
    query = query.order_by(table.c.id if ascends else table.c.id.desc())
    yield from conn.execute(query.offset(skip or None))


def members(table: Table, related: Related, context_id: int) -> Select[Any]:
    """Select the ids of what is in a context or in contexts below it, or of contexts next to it."""
    if related.relation == "parent_contexts":  # the children
        below = select(context_children.c.child_id).where(context_children.c.parent_id == context_id)
        return select(contexts.c.id).where(or_(contexts.c.parent_id == context_id, contexts.c.id.in_(below)))
    if related.relation == "child_contexts":  # the parents
        made_in = select(contexts.c.parent_id).where(contexts.c.id == context_id)
        above = select(context_children.c.parent_id).where(context_children.c.child_id == context_id)
        return select(contexts.c.id).where(or_(contexts.c.id.in_(made_in), contexts.c.id.in_(above)))
    within = inside(context_id)
    doings = _executions_in(within)
    if table is executions:
        return doings
    touched = select(events.c.artifact_id).where(events.c.execution_id.in_(doings))
    given = select(attributions.c.artifact_id).where(attributions.c.context_id.in_(within))
    return select(artifacts.c.id).where(or_(artifacts.c.id.in_(touched), artifacts.c.id.in_(given)))


def member_ids(conn: Connection, table: Table, related: Related, context_id: int) -> set[int]:
    """Read the same."""
    return set(conn.execute(members(table, related, context_id)).scalars())


def browse(
    conn: Connection, *, title: str = "", name: str = "", uri: str = "", before: int | None = None, limit: int
) -> list[Artifact]:
    """Read artifacts, newest first: of one type, of one name, at one address; an index finds each."""
    a = artifacts.c
    kinds = [(column, value) for column, value in ((a.schema_title, title), (a.name, name)) if value]
    older = [] if before is None else [a.id < before]
    query = select(artifacts).where(*older)
    if uri:  # few things are at one address, very many may have a name or a type: their indexes are left alone
        query = query.where(a.uri == uri, *(column.concat("") == value for column, value in kinds))
    elif title and name:  # both indexes are walked side by side, which ends where the shorter one does
        both = intersect(*(select(a.id).where(column == value, *older) for column, value in kinds))
        query = query.where(a.id.in_(select(both.order_by(a.id.desc()).limit(limit).subquery().c.id)))
    else:
        query = query.where(*(column == value for column, value in kinds))
    return [as_artifact(row) for row in conn.execute(query.order_by(a.id.desc()).limit(limit))]


def titles(conn: Connection, limit: int) -> list[str]:
    """Read the types that artifacts have, each found by one look into an index."""
    found: list[str] = []
    query = select(func.min(artifacts.c.schema_title))
    while len(found) < limit and (title := conn.execute(query).scalar()) is not None:
        found.append(title)
        query = select(func.min(artifacts.c.schema_title)).where(artifacts.c.schema_title > title)
    return [title for title in found if title]


def touches(conn: Connection, artifact_id: int, kind: str, limit: int) -> list[tuple[Execution, str]]:
    """Read the executions that made an artifact (OUTPUT) or used it (INPUT), newest first, and what they call it."""
    query = (
        select(events.c.path, executions.c.id)
        .join(executions, executions.c.id == events.c.execution_id)
        .where(events.c.artifact_id == artifact_id, events.c.type == kind)
        .order_by(events.c.execution_id.desc())
        .limit(limit)
    )
    pairs = [(row[0], row[1]) for row in conn.execute(query)]
    rows = conn.execute(select(executions).where(executions.c.id.in_([key for _, key in pairs])))
    by_id = {row.id: as_execution(row) for row in rows}
    return [(by_id[key], path) for path, key in pairs]


def alike(conn: Connection, artifact: Artifact, limit: int) -> list[Artifact]:
    """Read other artifacts with the same content, newest first; what has none is like nothing."""
    if artifact.digest in {"", _NOTHING}:
        return []
    query = select(artifacts).where(artifacts.c.digest == artifact.digest, artifacts.c.id != artifact.artifact_id)
    return [as_artifact(row) for row in conn.execute(query.order_by(artifacts.c.id.desc()).limit(limit))]


def parents(conn: Connection, context_ids: Sequence[int]) -> dict[int, list[int]]:
    """Answer, for each context, those that it is in."""
    found: dict[int, list[int]] = {context_id: [] for context_id in context_ids}
    own = select(contexts.c.id, contexts.c.parent_id).where(
        contexts.c.id.in_(context_ids), contexts.c.parent_id.is_not(None)
    )
    more = select(context_children.c.child_id, context_children.c.parent_id).where(
        context_children.c.child_id.in_(context_ids)
    )
    for child, parent in [*conn.execute(own), *conn.execute(more)]:
        if parent not in found[child]:
            found[child].append(parent)
    return found


def contexts_above(conn: Connection, context_id: int) -> list[Context]:
    """Read the contexts that one is in: a run's pipeline, and the experiments that it was put into."""
    ids = parents(conn, [context_id])[context_id]
    found = {row.id: as_context(row) for row in conn.execute(select(contexts).where(contexts.c.id.in_(ids)))}
    return [found[key] for key in ids]


def inside(context_id: int) -> Select[Any]:
    """Select a context and everything below it."""
    below = select(contexts.c.id).where(contexts.c.id == context_id).cte("below", recursive=True)
    made_in = select(contexts.c.id).join(below, contexts.c.parent_id == below.c.id)
    put_in = select(context_children.c.child_id).join(below, context_children.c.parent_id == below.c.id)
    return select(below.union(made_in, put_in).c.id)


def _executions_in(within: Select[Any]) -> Select[Any]:
    given = select(associations.c.execution_id).where(associations.c.context_id.in_(within))
    return select(executions.c.id).where(or_(executions.c.context_id.in_(within), executions.c.id.in_(given)))
