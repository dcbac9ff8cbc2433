"""google.pubsub.v1 SchemaService over the topics feature."""

from typing import Any

from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.errors import InvalidArgument
from trainshed.topics import Definition, Encoding, Schema, Schemas, SchemaType

_PACKAGE = "google.pubsub.v1"
_TYPES = {1: SchemaType.PROTOCOL_BUFFER, 2: SchemaType.AVRO}
_ENCODINGS = {1: Encoding.JSON, 2: Encoding.BINARY}
_BASIC, _FULL = 1, 2


class SchemaService:
    """google.pubsub.v1.SchemaService."""

    SERVICE = f"{_PACKAGE}.SchemaService"

    def __init__(self, schemas: Schemas) -> None:
        self._schemas = schemas

    def CreateSchema(self, request: Any) -> Any:
        """Make a schema."""
        if not request.schema_id:
            raise InvalidArgument.field("schemaId", "is empty; name the schema")
        name = f"{request.parent}/schemas/{request.schema_id}"
        return _schema(self._schemas.create(name, _definition(request.schema)))

    def GetSchema(self, request: Any) -> Any:
        """Read a schema, or one revision of it."""
        return _schema(self._schemas.get(request.name), is_full=request.view != _BASIC)

    def ListSchemas(self, request: Any) -> Any:
        """Read the schemas of a project."""
        size = fields.page_size(request.page_size)
        found, token = self._schemas.of_project(request.parent, page_size=size, page_token=request.page_token)
        shown = [_schema(schema, is_full=request.view == _FULL) for schema in found]
        return fields.listing(f"{_PACKAGE}.ListSchemasResponse", "schemas", shown, token)

    def ListSchemaRevisions(self, request: Any) -> Any:
        """Read the revisions of a schema, newest first."""
        size = fields.page_size(request.page_size)
        found, token = self._schemas.list_revisions(request.name, page_size=size, page_token=request.page_token)
        shown = [_schema(schema, is_full=request.view == _FULL) for schema in found]
        return fields.listing(f"{_PACKAGE}.ListSchemaRevisionsResponse", "schemas", shown, token)

    def CommitSchema(self, request: Any) -> Any:
        """Add a revision."""
        if request.schema.name and request.schema.name != request.name:
            raise InvalidArgument.field("schema.name", f"is not {request.name!r}; leave it out")
        return _schema(self._schemas.commit(request.name, _definition(request.schema)))

    def RollbackSchema(self, request: Any) -> Any:
        """Make a revision that says what an earlier one said."""
        return _schema(self._schemas.rollback(request.name, request.revision_id))

    def DeleteSchemaRevision(self, request: Any) -> Any:
        """Remove a revision."""
        return _schema(self._schemas.delete_revision(request.name, request.revision_id))

    def DeleteSchema(self, request: Any) -> None:
        """Remove a schema with its revisions."""
        self._schemas.delete(request.name)

    def ValidateSchema(self, request: Any) -> Any:
        """Look whether a definition means something."""
        self._schemas.validate(_definition(request.schema))
        return message(f"{_PACKAGE}.ValidateSchemaResponse")

    def ValidateMessage(self, request: Any) -> Any:
        """Look whether a message fits a schema, a stored one or the one of the request."""
        spec = request.WhichOneof("schema_spec")
        if spec is None:
            raise InvalidArgument.field("schemaSpec", "is missing; name a schema, or write one")
        definition = self._schemas.get(request.name).definition if spec == "name" else _definition(request.schema)
        encoding = _ENCODINGS.get(request.encoding)
        if encoding is None:
            raise InvalidArgument.field("encoding", "has to be JSON or BINARY")
        self._schemas.validate_message(definition, request.message, encoding)
        return message(f"{_PACKAGE}.ValidateMessageResponse")


def _definition(found: Any) -> Definition:
    kind = _TYPES.get(found.type_)
    if kind is None:
        raise InvalidArgument.field("schema.type", "has to be AVRO or PROTOCOL_BUFFER")
    compiled = found.compiled_proto_schema
    if found.HasField("compiled_proto_schema"):
        if found.definition or kind is not SchemaType.PROTOCOL_BUFFER:
            raise InvalidArgument.field(
                "schema.compiledProtoSchema", "stands for the definition of a PROTOCOL_BUFFER schema; give one of both"
            )
        if not compiled.compiled_bytes:
            raise InvalidArgument.field("schema.compiledProtoSchema.compiledBytes", "is empty")
    return Definition(
        kind=kind,
        text=found.definition,
        compiled=compiled.compiled_bytes,
        root_message=compiled.root_message,
    )


def _schema(schema: Schema, *, is_full: bool = True) -> Any:
    definition = schema.definition
    compiled = {"root_message": definition.root_message, "compiled_bytes": definition.compiled}
    return message(
        f"{_PACKAGE}.Schema",
        name=schema.name,
        type_=definition.kind.value,
        definition=definition.text if is_full else None,
        compiled_proto_schema=compiled if is_full and definition.compiled else None,
        revision_id=schema.revision_id,
        revision_create_time=schema.revision_create_time,
    )
