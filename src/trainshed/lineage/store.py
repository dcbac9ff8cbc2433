"""Tables of lineage, and records by what names them. Every function works inside the caller's transaction."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Boolean, Column, Connection, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, select

from trainshed.errors import NotFound
from trainshed.lineage.model import CONTAINER, Artifact, Context, Event, Execution
from trainshed.sql import Json, Timestamp, chunks, metadata

CHANGED = "changed lineage"  # notified when an artifact is made, used, changed or forgotten
_BITS = 64  # of a number in the store, one of them its sign

contexts = Table(
    "contexts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("parent_id", Integer, ForeignKey("contexts.id")),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("metadata", Json),
    Column("resource_id", Text, nullable=False, server_default=""),
    Column("notes", Json),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp),
    UniqueConstraint("type", "name"),
    Index("ix_contexts_resource_id", "resource_id"),
    Index("ix_contexts_parent_id", "parent_id"),
)

context_children = Table(  # beside the parent that a context was made in
    "context_children",
    metadata,
    Column("parent_id", Integer, ForeignKey("contexts.id"), primary_key=True),
    Column("child_id", Integer, ForeignKey("contexts.id"), primary_key=True),
    Index("ix_context_children_child_id", "child_id"),
)

artifacts = Table(
    "artifacts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Json, nullable=False),
    Column("schema_title", Text, nullable=False, server_default=""),
    Column("uri", Text, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False, server_default=""),
    Column("last_known_state", Text, nullable=False, server_default="LIVE"),
    Column("resource_id", Text, nullable=False, server_default=""),
    Column("notes", Json),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp),
    Index("ix_artifacts_uri", "uri"),
    Index("ix_artifacts_digest", "digest"),
    Index("ix_artifacts_schema_title", "schema_title"),
    Index("ix_artifacts_name", "name"),
    Index("ix_artifacts_resource_id", "resource_id"),
)

executions = Table(
    "executions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("type", Text, nullable=False),
    Column("schema_title", Text, nullable=False, server_default=CONTAINER),
    Column("name", Text, nullable=False),
    Column("display_name", Text, nullable=False, server_default=""),
    Column("last_known_state", Text, nullable=False),
    Column("properties", Json, nullable=False),
    Column("code", Json),
    Column("cached_from", Integer, ForeignKey("executions.id")),
    Column("context_id", Integer, ForeignKey("contexts.id")),
    Column("resource_id", Text, nullable=False, server_default=""),
    Column("notes", Json),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp),
    Index("ix_executions_context", "context_id"),
    Index("ix_executions_schema_title", "schema_title"),
    Index("ix_executions_resource_id", "resource_id"),
)

events = Table(
    "events",
    metadata,
    Column("execution_id", Integer, ForeignKey("executions.id"), primary_key=True),
    Column("artifact_id", Integer, ForeignKey("artifacts.id"), primary_key=True),
    Column("type", Text, primary_key=True),
    Column("path", Text, primary_key=True),
    Column("position", Integer, nullable=False),
    Index("ix_events_artifact", "artifact_id", "execution_id"),
)

readings = Table(  # stored data that an execution read because a parameter named it
    "readings",
    metadata,
    Column("execution_id", Integer, ForeignKey("executions.id"), primary_key=True),
    Column("parameter", Text, primary_key=True),
    Column("path", Text, primary_key=True),  # the address, and each folder above it, so that both are found by equality
    Column("is_address", Boolean, nullable=False),
    Index("ix_readings_path", "path"),
)

pushes = Table(  # artifacts that say where a model was pushed to
    "pushes",
    metadata,
    Column("artifact_id", Integer, ForeignKey("artifacts.id"), primary_key=True),
    Column("destination", Text, nullable=False),
    Index("ix_pushes_destination", "destination", "artifact_id"),
)

attributions = Table(  # artifacts put into a context by hand
    "attributions",
    metadata,
    Column("context_id", Integer, ForeignKey("contexts.id"), primary_key=True),
    Column("artifact_id", Integer, ForeignKey("artifacts.id"), primary_key=True),
)

associations = Table(  # executions put into a context by hand
    "associations",
    metadata,
    Column("context_id", Integer, ForeignKey("contexts.id"), primary_key=True),
    Column("execution_id", Integer, ForeignKey("executions.id"), primary_key=True),
)


def get_artifact(conn: Connection, artifact_id: int) -> Artifact:
    """Read an artifact. Raises NotFound."""
    known = artifacts.c.id == (artifact_id if artifact_id.bit_length() < _BITS else None)
    row = conn.execute(select(artifacts).where(known)).one_or_none()
    if row is None:
        raise NotFound(f"There is no artifact {artifact_id}.")
    return as_artifact(row)


def read_artifacts(conn: Connection, ids: Iterable[int]) -> dict[int, Artifact]:
    """Read artifacts by id."""
    query = select(artifacts)
    return {
        row.id: as_artifact(row) for part in chunks(ids) for row in conn.execute(query.where(artifacts.c.id.in_(part)))
    }


def read_executions(conn: Connection, ids: Iterable[int]) -> dict[int, Execution]:
    """Read executions by id."""
    query = select(executions)
    return {
        row.id: as_execution(row)
        for part in chunks(ids)
        for row in conn.execute(query.where(executions.c.id.in_(part)))
    }


def get_execution(conn: Connection, execution_id: int) -> Execution:
    """Read an execution that a row names."""
    return as_execution(conn.execute(select(executions).where(executions.c.id == execution_id)).one())


def find_context(conn: Connection, kind: str, name: str) -> Context | None:
    """Find a context by type and name."""
    row = conn.execute(select(contexts).where(contexts.c.type == kind, contexts.c.name == name)).one_or_none()
    return None if row is None else as_context(row)


def events_of_execution(conn: Connection, execution_id: int) -> list[Event]:
    """Read what an execution read and wrote."""
    query = select(events).where(events.c.execution_id == execution_id).order_by(events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001  (a row's public mapping)


def as_artifact(row: Any) -> Artifact:
    """Read a row of `artifacts`."""
    return as_artifact_of(zip(row._fields, row, strict=True))


def as_artifact_of(pairs: Iterable[tuple[str, Any]]) -> Artifact:
    """Read an artifact from columns and their values."""
    values = dict(pairs)
    return Artifact(artifact_id=values.pop("id"), notes=values.pop("notes") or {}, **values)


def as_execution(row: Any, **rest: Any) -> Execution:
    """Read a row of `executions`; `rest` has the columns that it leaves out."""
    values = rest | dict(zip(row._fields, row, strict=True))  # its own mapping takes ten times as long, which counts
    return Execution(execution_id=values.pop("id"), notes=values.pop("notes") or {}, **values)


def as_context(row: Any) -> Context:
    """Read a row of `contexts`."""
    values = dict(row._mapping)  # noqa: SLF001
    optional: dict[str, Any] = {"metadata": values.pop("metadata") or {}, "notes": values.pop("notes") or {}}
    return Context(context_id=values.pop("id"), **optional, **values)
