"""Tables of lineage, and what a task's end writes to them. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
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
from trainshed.lineage.addresses import trail
from trainshed.lineage.model import CONTAINER, RUN, Artifact, Context, Event, Execution
from trainshed.sql import Json, Timestamp, insert_new, metadata

_SCHEME = "gs://"
_DESTINATION = "pushed_destination"  # as TFX's Pusher says it, and everybody who pushes as it does
_LISTED = 100  # objects of a folder that are kept with each execution that read it
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


def ensure_context(conn: Connection, kind: str, name: str, *, now: datetime, parent_id: int | None = None) -> int:
    """Answer the id of a context, made when missing."""
    short = name.rsplit("/", 1)[-1]
    values = {"type": kind, "name": name, "parent_id": parent_id, "resource_id": short, "display_name": short}
    insert_new(conn, contexts, {**values, "create_time": now})
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
    values = {"type": dict(type), "schema_title": schema_title(type), "uri": uri, "metadata": dict(metadata)}
    key = inserted(conn.execute(artifacts.insert(), {**values, "digest": digest, "name": name, "create_time": now}))
    note_push(conn, key, metadata)
    return key


def note_push(conn: Connection, artifact_id: int, metadata: Mapping[str, Any]) -> None:
    """Keep where a model was pushed to, so that it is found by that."""
    if destination := metadata.get(_DESTINATION):
        conn.execute(pushes.insert(), {"artifact_id": artifact_id, "destination": str(destination)})


def record_execution(
    conn: Connection,
    *,
    type: str,  # noqa: A002  (ML Metadata's word)
    name: str,
    state: str,
    properties: Mapping[str, Any],
    context_id: int | None,
    now: datetime,
    inputs: Iterable[tuple[str, int]] = (),
    outputs: Iterable[tuple[str, int]] = (),
    schema_title: str = CONTAINER,
    display_name: str = "",
    code: Mapping[str, Any] | None = None,
    cached_from: int | None = None,
    data: Mapping[str, Sequence[Sequence[Any]]] | None = None,
) -> int:
    """Record a doing with the artifacts that it read and wrote, as (path, artifact id).

    `data` has, for each string parameter that names stored objects, what they were: (name, generation, checksum) of
    each; of a large folder the first are kept, and how many there were. The parameter's value, the address, is in `properties["inputs"]`; what is no parameter's (an importer's
    address) is its own key.
    """
    found = dict(properties) | (_listed(data) if data else {})
    row = {"type": type, "name": name, "last_known_state": state, "properties": found, "context_id": context_id}
    more = {"schema_title": schema_title, "display_name": display_name, "cached_from": cached_from}
    execution_id = inserted(
        conn.execute(executions.insert(), {**row, **more, "code": dict(code) if code else None, "create_time": now})
    )
    _add_events(conn, execution_id, inputs, outputs)
    if data:
        _add_readings(conn, execution_id, {key: str(found.get("inputs", {}).get(key, key)) for key in data})
    return execution_id


def record_run(
    conn: Connection,
    *,
    name: str,
    state: str,
    context_id: int,
    now: datetime,
    pipeline: str = "",
    display_name: str = "",
    parameters: Mapping[str, Any] | None = None,
    outputs: Mapping[str, Any] | None = None,
) -> int:
    """Record a run as a doing of its own: when it starts, and again, with its last state, when it ends."""
    query = select(executions.c.id, executions.c.properties).where(
        executions.c.context_id == context_id, executions.c.schema_title == RUN
    )
    known = conn.execute(query).one_or_none()
    given = {"inputs": parameters, "outputs": outputs}
    properties = {k: dict(v) for k, v in given.items() if v is not None}
    if known is None:
        values = {"type": pipeline, "name": name, "properties": {"inputs": {}, "outputs": {}} | properties}
        more = {"display_name": display_name or name.rsplit("/", 1)[-1], "schema_title": RUN, "create_time": now}
        row = {**values, **more, "context_id": context_id, "last_known_state": state}
        return inserted(conn.execute(executions.insert(), row))
    changes = {"last_known_state": state, "properties": known.properties | properties, "update_time": now}
    conn.execute(executions.update().where(executions.c.id == known.id), changes)
    return int(known.id)


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
    known = artifacts.c.id == (artifact_id if artifact_id.bit_length() < _BITS else None)
    row = conn.execute(select(artifacts).where(known)).one_or_none()
    if row is None:
        raise NotFound(f"There is no artifact {artifact_id}.")
    return as_artifact(row)


def list_artifacts(conn: Connection, *, ids: Iterable[int] | None = None, limit: int = 1000) -> list[Artifact]:
    """Read artifacts, newest first, or the given ones."""
    query = select(artifacts).order_by(artifacts.c.id.desc()).limit(limit)
    if ids is not None:
        query = select(artifacts).where(artifacts.c.id.in_(list(ids)))
    return [as_artifact(row) for row in conn.execute(query)]


def events_of_execution(conn: Connection, execution_id: int) -> list[Event]:
    """Read what an execution read and wrote."""
    query = select(events).where(events.c.execution_id == execution_id).order_by(events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001  (a row's public mapping)


def events_of_artifact(conn: Connection, artifact_id: int) -> list[Event]:
    """Read who wrote and who read an artifact."""
    query = select(events).where(events.c.artifact_id == artifact_id).order_by(events.c.execution_id)
    return [Event(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001


def executions_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read the doings of a run, the run itself left out."""
    query = select(executions).where(executions.c.context_id == context_id, executions.c.schema_title != RUN)
    return [as_execution(row) for row in conn.execute(query.order_by(executions.c.id))]


def work_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read the doings of a run as an account of it needs them.

    A run may have thousands: only doings that read stored data have their properties, which say what that was.
    """
    c = executions.c
    inside = (c.context_id == context_id, c.schema_title != RUN)
    reads = select(readings.c.execution_id).join(executions, c.id == readings.c.execution_id).where(*inside)
    brief = select(*(column for column in c if column.name not in {"properties", "notes"})).where(*inside)
    said = select(c.id, c.properties).where(c.id.in_(reads.distinct()))
    properties = {row.id: row.properties for row in conn.execute(said)}
    return [
        Execution(execution_id=values.pop("id"), properties=properties.get(row.id, {}), **values)
        for row in conn.execute(brief.order_by(c.id))
        for values in [_values(row)]
    ]


def readers_of_context(conn: Connection, context_id: int) -> list[Execution]:
    """Read those doings of a run that read stored data."""
    c = executions.c
    inside = (c.context_id == context_id, c.schema_title != RUN)
    reads = select(readings.c.execution_id).join(executions, c.id == readings.c.execution_id).where(*inside)
    query = select(executions).where(c.id.in_(reads.distinct())).order_by(c.id)
    return [as_execution(row) for row in conn.execute(query)]


def events_of_context(conn: Connection, context_id: int) -> list[Event]:
    """Read what all of a run's doings read and wrote."""
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    query = select(events).select_from(joined).where(executions.c.context_id == context_id)
    ordered = query.order_by(events.c.execution_id, events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(ordered)]  # noqa: SLF001  (a row's public mapping)


def artifacts_of_context(conn: Connection, context_id: int) -> list[Artifact]:
    """Read the things that a run's doings read or wrote."""
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    ids = select(events.c.artifact_id).select_from(joined).where(executions.c.context_id == context_id)
    return [as_artifact(row) for row in conn.execute(select(artifacts).where(artifacts.c.id.in_(ids)))]


def find_context(conn: Connection, kind: str, name: str) -> Context | None:
    """Find a context by type and name."""
    row = conn.execute(select(contexts).where(contexts.c.type == kind, contexts.c.name == name)).one_or_none()
    return None if row is None else as_context(row)


def schema_title(kind: Mapping[str, Any]) -> str:
    """Answer the title of an artifact's type, also of one that is given as a schema."""
    if title := kind.get("schemaTitle"):
        return str(title)
    for line in str(kind.get("instanceSchema", "")).splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "title":
            return value.strip().strip("'\"")
    return ""


def inserted(result: CursorResult[Any]) -> int:
    """Answer the id of the row that was just inserted."""
    key = result.inserted_primary_key
    assert key is not None
    return int(key[0])


def _values(row: Any) -> dict[str, Any]:
    """Answer a row's values by column; a row's own mapping takes ten times as long, which counts with thousands."""
    return dict(zip(row._fields, row, strict=True))


def as_artifact(row: Any) -> Artifact:
    """Read a row of `artifacts`."""
    return as_artifact_of(zip(row._fields, row, strict=True))


def as_artifact_of(pairs: Iterable[tuple[str, Any]]) -> Artifact:
    """Read an artifact from columns and their values."""
    values = dict(pairs)
    return Artifact(artifact_id=values.pop("id"), notes=values.pop("notes") or {}, **values)


def get_execution(conn: Connection, execution_id: int) -> Execution:
    """Read an execution that a row names."""
    return as_execution(conn.execute(select(executions).where(executions.c.id == execution_id)).one())


def as_execution(row: Any) -> Execution:
    """Read a row of `executions`."""
    values = _values(row)
    return Execution(execution_id=values.pop("id"), notes=values.pop("notes") or {}, **values)


def as_context(row: Any) -> Context:
    """Read a row of `contexts`."""
    values = dict(row._mapping)  # noqa: SLF001
    optional: dict[str, Any] = {"metadata": values.pop("metadata") or {}, "notes": values.pop("notes") or {}}
    return Context(context_id=values.pop("id"), **optional, **values)


def _add_events(
    conn: Connection, execution_id: int, inputs: Iterable[tuple[str, int]], outputs: Iterable[tuple[str, int]]
) -> None:
    rows = {
        (artifact_id, kind, path): {
            "execution_id": execution_id, "artifact_id": artifact_id, "type": kind, "path": path, "position": position
        }
        for kind, edges in (("INPUT", inputs), ("OUTPUT", outputs))
        for position, (path, artifact_id) in enumerate(edges)
    }  # fmt: skip
    if rows:
        conn.execute(events.insert(), list(rows.values()))


def _listed(data: Mapping[str, Sequence[Sequence[Any]]]) -> dict[str, Any]:
    counts = {key: len(objects) for key, objects in data.items() if len(objects) > _LISTED}
    listed = {key: [list(entry) for entry in objects[:_LISTED]] for key, objects in data.items()}
    return {"data": listed} | ({"data_counts": counts} if counts else {})


def _add_readings(conn: Connection, execution_id: int, addresses: Mapping[str, str]) -> None:
    rows = [
        {"execution_id": execution_id, "parameter": key, "path": path, "is_address": number == 0}
        for key, uri in addresses.items()
        if uri.startswith(_SCHEME)
        for number, path in enumerate(trail(uri))
    ]
    if rows:
        conn.execute(readings.insert(), rows)
