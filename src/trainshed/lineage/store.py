"""Tables and SQL of lineage. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    CursorResult,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    select,
)

from trainshed.errors import NotFound
from trainshed.lineage.model import Artifact, Context, Event, Execution
from trainshed.sql import Json, Timestamp, insert_new, metadata

contexts = Table(
    "contexts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Integer, ForeignKey("contexts.id")),
    Column("create_time", Timestamp, nullable=False),
    UniqueConstraint("type", "name"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Json, nullable=False),
    Column("uri", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("create_time", Timestamp, nullable=False),
    Index("ix_artifacts_uri", "uri"),
    Index("ix_artifacts_digest", "digest"),
)

executions = Table(
    "executions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("last_known_state", Text, nullable=False),
    Column("properties", Json, nullable=False),
    Column("context_id", Integer, ForeignKey("contexts.id"), nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Index("ix_executions_context", "context_id"),
)

events = Table(
    "events",
    metadata,
    Column("execution_id", Integer, ForeignKey("executions.id"), primary_key=True),
    Column("artifact_id", Integer, ForeignKey("artifacts.id"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_events_artifact", "artifact_id"),
)


def ensure_context(conn: Connection, kind: str, name: str, *, now: datetime, parent_id: int | None = None) -> int:
    """Answer the id of a context, made when missing."""
    insert_new(conn, contexts, {"type": kind, "name": name, "parent_id": parent_id, "create_time": now})
    query = select(contexts.c.id).where(contexts.c.type == kind, contexts.c.name == name)
    found: int = conn.execute(query).scalar_one()
    return found


def add_artifact(
    conn: Connection,
    *,
    type: Mapping[str, str],  # noqa: A002  (ML Metadata's word)
    uri: str,
    metadata: Mapping[str, Any],
    digest: str,
    now: datetime,
    name: str = "",
) -> int:
    """Record a thing; answer its id."""
    values = {"type": dict(type), "uri": uri, "metadata": dict(metadata), "digest": digest, "name": name}
    return _inserted(conn.execute(artifacts.insert().values(**values, create_time=now)))


def record_execution(
    conn: Connection,
    *,
    type: str,  # noqa: A002  (ML Metadata's word)
    name: str,
    state: str,
    properties: Mapping[str, Any],
    context_id: int,
    now: datetime,
    inputs: Iterable[tuple[str, int]] = (),
    outputs: Iterable[tuple[str, int]] = (),
) -> int:
    """Record a finished doing with the artifacts that it read and wrote, as (path, artifact id)."""
    values = {"type": type, "name": name, "last_known_state": state, "properties": dict(properties)}
    row = {**values, "context_id": context_id, "create_time": now}
    execution_id = _inserted(conn.execute(executions.insert(), row))
    edges = {
        (artifact_id, kind, path): {
            "execution_id": execution_id, "artifact_id": artifact_id, "type": kind, "path": path, "position": position
        }
        for kind, found in (("INPUT", inputs), ("OUTPUT", outputs))
        for position, (path, artifact_id) in enumerate(found)
    }  # fmt: skip
    if edges:
        conn.execute(events.insert(), list(edges.values()))
    return execution_id


def find_same(
    conn: Connection,
    *,
    uri: str,
    type: Mapping[str, str],  # noqa: A002  (ML Metadata's word)
    metadata: Mapping[str, Any],
    digest: str,
) -> int | None:
    """Find the newest artifact that is equal in everything."""
    query = select(artifacts).where(artifacts.c.uri == uri, artifacts.c.digest == digest)
    for row in conn.execute(query.order_by(artifacts.c.id.desc()).limit(10)):
        if row.type == dict(type) and row.metadata == dict(metadata):
            return int(row.id)
    return None


def get_artifact(conn: Connection, artifact_id: int) -> Artifact:
    """Read an artifact. Raises NotFound."""
    row = conn.execute(select(artifacts).where(artifacts.c.id == artifact_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no artifact {artifact_id}.")
    return _artifact(row)


def list_artifacts(conn: Connection, *, ids: Iterable[int] | None = None, limit: int = 1000) -> list[Artifact]:
    """Read artifacts, newest first, or the given ones."""
    query = select(artifacts).order_by(artifacts.c.id.desc()).limit(limit)
    if ids is not None:
        query = select(artifacts).where(artifacts.c.id.in_(list(ids)))
    return [_artifact(row) for row in conn.execute(query)]


def events_of_execution(conn: Connection, execution_id: int) -> list[Event]:
    """Read what an execution read and wrote."""
    query = select(events).where(events.c.execution_id == execution_id).order_by(events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001  (a row's public mapping)


def events_of_artifact(conn: Connection, artifact_id: int) -> list[Event]:
    """Read who wrote and who read an artifact."""
    query = select(events).where(events.c.artifact_id == artifact_id).order_by(events.c.execution_id)
    return [Event(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001


def executions_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read the doings of a run."""
    query = select(executions).where(executions.c.context_id == context_id).order_by(executions.c.id)
    return [_execution(row) for row in conn.execute(query)]


def artifacts_of_context(conn: Connection, context_id: int) -> list[Artifact]:
    """Read the things that a run's doings read or wrote."""
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    ids = select(events.c.artifact_id).select_from(joined).where(executions.c.context_id == context_id)
    return [_artifact(row) for row in conn.execute(select(artifacts).where(artifacts.c.id.in_(ids)))]


def find_context(conn: Connection, kind: str, name: str) -> Context | None:
    """Find a context by type and name."""
    row = conn.execute(select(contexts).where(contexts.c.type == kind, contexts.c.name == name)).one_or_none()
    if row is None:
        return None
    return Context(
        context_id=row.id, type=row.type, name=row.name, parent_id=row.parent_id, create_time=row.create_time
    )


def _inserted(result: CursorResult[Any]) -> int:
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _artifact(row: Any) -> Artifact:
    values = dict(row._mapping)  # noqa: SLF001
    return Artifact(artifact_id=values.pop("id"), **values)


def _execution(row: Any) -> Execution:
    values = dict(row._mapping)  # noqa: SLF001
    return Execution(execution_id=values.pop("id"), **values)
