"""SQL of what is recorded by hand. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Table, select

from trainshed.lineage.model import Draft
from trainshed.lineage.store import (
    CHANGED,
    artifacts,
    associations,
    attributions,
    context_children,
    contexts,
    events,
    executions,
    pushes,
)
from trainshed.lineage.store_recorded import inserted, note_push
from trainshed.lineage.store_search import inside
from trainshed.sql import insert_new, notify


def create(conn: Connection, table: Table, draft: Draft, resource_id: str, *, now: datetime) -> int:
    """Insert a record; answer its id."""
    fixed: dict[str, Any] = {"resource_id": resource_id, "create_time": now}
    if table is artifacts:
        fixed |= {"digest": ""}
    elif table is executions:
        fixed |= {"name": "", "type": draft.schema_title}
    else:
        fixed |= {"name": resource_id, "type": draft.schema_title}
    key = inserted(conn.execute(table.insert(), fixed | _values(table, draft)))
    if table is artifacts:
        note_push(conn, key, draft.metadata)
    notify(conn, CHANGED)
    return key


def update(conn: Connection, table: Table, key: int, draft: Draft, *, now: datetime) -> None:
    """Replace what a draft says."""
    conn.execute(table.update().where(table.c.id == key), _values(table, draft) | {"update_time": now})
    if table is artifacts:
        conn.execute(pushes.delete().where(pushes.c.artifact_id == key))
        note_push(conn, key, draft.metadata)
    notify(conn, CHANGED)


def connect(conn: Connection, execution_id: int, edges: Sequence[tuple[int, str]]) -> None:
    """Add events that are not there yet."""
    query = select(events.c.artifact_id, events.c.type).where(events.c.execution_id == execution_id)
    known = {(row[0], row[1]) for row in conn.execute(query)}
    for position, (artifact_id, kind) in enumerate(edges, start=len(known)):
        if (artifact_id, kind) not in known:
            known.add((artifact_id, kind))
            row = {"execution_id": execution_id, "artifact_id": artifact_id, "type": kind, "path": ""}
            conn.execute(events.insert(), row | {"position": position})
            notify(conn, CHANGED)


def put(conn: Connection, context_id: int, things: Iterable[int], doings: Iterable[int]) -> None:
    """Put artifacts and executions into a context."""
    for artifact_id in things:
        insert_new(conn, attributions, {"context_id": context_id, "artifact_id": artifact_id})
    for execution_id in doings:
        insert_new(conn, associations, {"context_id": context_id, "execution_id": execution_id})


def nest(conn: Connection, parent_id: int, child_id: int) -> None:
    """Put a context into another."""
    insert_new(conn, context_children, {"parent_id": parent_id, "child_id": child_id})


def unnest(conn: Connection, parent_id: int, child_id: int) -> None:
    """Take a context out of another into which it was put."""
    table = context_children
    conn.execute(table.delete().where(table.c.parent_id == parent_id, table.c.child_id == child_id))


def is_inside(conn: Connection, context_id: int, other_id: int) -> bool:
    """Whether a context is another one, or lies in it."""
    return context_id in set(conn.execute(inside(other_id)).scalars())


def is_of_a_task(conn: Connection, artifact_id: int) -> bool:
    """Whether a task made or read an artifact."""
    query = select(events.c.artifact_id).join(executions, executions.c.id == events.c.execution_id)
    query = query.where(events.c.artifact_id == artifact_id, executions.c.context_id.is_not(None))
    return conn.execute(query).first() is not None


def forget(conn: Connection, table: Table, key: int) -> None:
    """Delete a record with everything that ties it to others."""
    ties: dict[str, list[Any]] = {
        "artifacts": [events.c.artifact_id, attributions.c.artifact_id, pushes.c.artifact_id],
        "executions": [events.c.execution_id, associations.c.execution_id],
        "contexts": [
            context_children.c.parent_id, context_children.c.child_id, attributions.c.context_id, associations.c.context_id
        ],
    }  # fmt: skip
    for column in ties[table.name]:
        conn.execute(column.table.delete().where(column == key))
    conn.execute(table.delete().where(table.c.id == key))
    notify(conn, CHANGED)


def _values(table: Table, draft: Draft) -> dict[str, Any]:
    given = {"description": draft.description, "labels": dict(draft.labels), "schemaVersion": draft.schema_version}
    found: dict[str, Any] = {"notes": {key: value for key, value in given.items() if value} or None}
    metadata = dict(draft.metadata)
    if table is contexts:
        return found | {"metadata": metadata, "display_name": draft.display_name}
    found |= {"schema_title": draft.schema_title, "last_known_state": draft.state}
    if table is executions:
        return found | {"properties": metadata, "display_name": draft.display_name}
    kind = {"schemaTitle": draft.schema_title, "schemaVersion": draft.schema_version}
    more = {"type": {k: v for k, v in kind.items() if v}, "uri": draft.uri, "name": draft.display_name}
    return found | {"metadata": metadata} | more
