"""Tables and SQL of schemas. Every function works inside the caller's transaction."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, Integer, LargeBinary, Table, Text, UniqueConstraint, delete, func, select

from trainshed.errors import InvalidArgument, NotFound
from trainshed.sql import Timestamp, insert_new, metadata, notify
from trainshed.topics.model import SchemaSettings
from trainshed.topics.schemas.model import Definition, Schema, SchemaType

schemas_table = Table(
    "message_schemas",
    metadata,
    Column("name", Text, primary_key=True),
    Column("create_time", Timestamp, nullable=False),
)

revisions_table = Table(
    "message_schema_revisions",
    metadata,
    Column("id", Integer, primary_key=True),  # rises in the order of creation
    Column("schema", Text, nullable=False),
    Column("revision_id", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("definition", Text, nullable=False),
    Column("compiled", LargeBinary),
    Column("root_message", Text, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    UniqueConstraint("schema", "revision_id"),
)

CHANGED = "message schemas"
_s, _r = schemas_table.c, revisions_table.c


def insert_schema(conn: Connection, name: str, *, now: datetime) -> bool:
    """Add a schema, which has no revision yet, unless one of that name exists."""
    return insert_new(conn, schemas_table, {"name": name, "create_time": now})


def insert_revision(conn: Connection, schema: Schema) -> None:
    """Add the newest revision of a schema."""
    notify(conn, CHANGED)
    definition = schema.definition
    values = {
        "schema": schema.name,
        "revision_id": schema.revision_id,
        "kind": str(definition.kind),
        "definition": definition.text,
        "compiled": definition.compiled or None,
        "root_message": definition.root_message,
        "create_time": schema.revision_create_time,
    }
    conn.execute(revisions_table.insert().values(**values))


def get_revision(conn: Connection, name: str, revision_id: str = "") -> Schema:
    """Read one revision, the newest unless another is named. Raises NotFound."""
    query = select(revisions_table).where(_r.schema == name)
    if revision_id:
        query = query.where(_r.revision_id == revision_id)
    row = conn.execute(query.order_by(_r.id.desc()).limit(1)).one_or_none()
    if row is None:
        which = f" with the revision {revision_id!r}" if revision_id else ""
        raise NotFound(f"There is no schema {name!r}{which}; `trainshed pubsub schemas create` makes one.")
    return _schema(row)


def list_newest(conn: Connection, prefix: str, *, after: str, limit: int) -> list[Schema]:
    """Read the newest revisions of schemas, by name."""
    newest = select(func.max(_r.id)).group_by(_r.schema)
    query = select(revisions_table).where(
        _r.id.in_(newest), _r.schema.startswith(prefix, autoescape=True), _r.schema > after
    )
    return [_schema(row) for row in conn.execute(query.order_by(_r.schema).limit(limit))]


def list_revisions(
    conn: Connection, name: str, *, before: int = 0, limit: int | None = None
) -> list[tuple[int, Schema]]:
    """Read the revisions of a schema with their place in time, newest first."""
    query = select(revisions_table).where(_r.schema == name)
    if before:
        query = query.where(_r.id < before)
    return [(row.id, _schema(row)) for row in conn.execute(query.order_by(_r.id.desc()).limit(limit))]


def delete_revision(conn: Connection, name: str, revision_id: str) -> None:
    """Remove one revision."""
    notify(conn, CHANGED)
    conn.execute(delete(revisions_table).where(_r.schema == name, _r.revision_id == revision_id))


def delete_schema(conn: Connection, name: str) -> None:
    """Remove a schema with its revisions."""
    notify(conn, CHANGED)
    conn.execute(delete(revisions_table).where(_r.schema == name))
    conn.execute(delete(schemas_table).where(_s.name == name))


def between(revisions: Sequence[Schema], settings: SchemaSettings) -> list[Schema]:
    """Answer the revisions, newest first, that messages of a topic may fit."""
    ids = [schema.revision_id for schema in revisions]
    start = ids.index(settings.last_revision_id) if settings.last_revision_id in ids else 0
    end = ids.index(settings.first_revision_id) if settings.first_revision_id in ids else len(ids) - 1
    return list(revisions[start : end + 1])


def check_settings(conn: Connection, settings: SchemaSettings) -> None:
    """Look whether a topic can have these. Raises NotFound without the schema or a revision, and InvalidArgument."""
    get_revision(conn, settings.schema)
    for revision_id in (settings.first_revision_id, settings.last_revision_id):
        if revision_id:
            get_revision(conn, settings.schema, revision_id)
    revisions = [schema for _, schema in list_revisions(conn, settings.schema)]
    if not between(revisions, settings):
        raise InvalidArgument.field(
            "schemaSettings.firstRevisionId", "is younger than lastRevisionId; give them the other way round"
        )


def _schema(row: Any) -> Schema:
    return Schema(
        name=row.schema,
        definition=Definition(
            kind=SchemaType(row.kind),
            text=row.definition,
            compiled=row.compiled or b"",
            root_message=row.root_message,
        ),
        revision_id=row.revision_id,
        revision_create_time=row.create_time,
    )
