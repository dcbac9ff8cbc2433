"""The rest of MetadataService: schemas, and operations that forget many records at once."""

from typing import Any

from trainshed import names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.api.services.metadata_resources import PACKAGE, split, store_of
from trainshed.lineage import Purger, Schema, Schemas

_SCHEMA = f"{PACKAGE}.MetadataSchema"


class MetadataUpkeep:
    """Schemas and purges. What runs recorded cannot be purged: their results are found by it."""

    SERVICE = f"{PACKAGE}.MetadataService"

    def __init__(self, schemas: Schemas, purger: Purger) -> None:
        self._schemas = schemas
        self._purger = purger

    def CreateMetadataSchema(self, request: Any) -> Any:
        """Add a schema."""
        given = request.metadata_schema
        made = self._schemas.create(
            request.metadata_schema_id,
            version=given.schema_version,
            text=given.schema,
            kind=_kind(given),
            description=given.description,
        )
        return _schema(made, store_of(request.parent))

    def GetMetadataSchema(self, request: Any) -> Any:
        """Answer a schema."""
        store, schema = split(request.name, "metadataSchemas")
        return _schema(self._schemas.get(schema), store)

    def ListMetadataSchemas(self, request: Any) -> Any:
        """Answer schemas that match a filter, the system's own among them."""
        store = store_of(request.parent)
        size = fields.page_size(request.page_size)
        found, token = self._schemas.list(request.filter, page_size=size, page_token=request.page_token)
        made = [_schema(schema, store) for schema in found]
        return fields.listing(f"{PACKAGE}.ListMetadataSchemasResponse", "metadata_schemas", made, token)

    def PurgeArtifacts(self, request: Any) -> Any:
        """Forget artifacts that match a filter, or count them."""
        return self._purge("artifacts", "Artifacts", request)

    def PurgeExecutions(self, request: Any) -> Any:
        """Forget executions that match a filter, or count them."""
        return self._purge("executions", "Executions", request)

    def PurgeContexts(self, request: Any) -> Any:
        """Forget contexts that match a filter, or count them."""
        return self._purge("contexts", "Contexts", request)

    def DeleteMetadataStore(self, request: Any) -> Any:
        """Forget everything recorded by hand; the store itself is there in every location, and stays."""
        store = store_of(request.name, field="name")
        self._purger.empty(store)
        return _done(store, metadata=message(f"{PACKAGE}.DeleteMetadataStoreOperationMetadata"))

    def _purge(self, collection: str, noun: str, request: Any) -> Any:
        store = store_of(request.parent)
        found = self._purger.purge(collection, store, request.filter, force=request.force)
        sample = [f"{store}/{collection}/{one}" for one in found.sample]
        response = message(f"{PACKAGE}.Purge{noun}Response", purge_count=found.count, purge_sample=sample)
        return _done(store, response=response, metadata=message(f"{PACKAGE}.Purge{noun}Metadata"))


def _kind(given: Any) -> str:
    known = given.DESCRIPTOR.fields_by_name["schema_type"].enum_type.values_by_number
    return str(known[given.schema_type].name) if given.schema_type in known else ""


def _schema(schema: Schema, store: str) -> Any:
    return message(
        _SCHEMA,
        name=f"{store}/metadataSchemas/{schema.resource_id}",
        schema_version=schema.version,
        schema=schema.text,
        schema_type=schema.type,
        create_time=schema.create_time,
        description=schema.description,
    )


def _done(store: str, *, metadata: Any, response: Any = None) -> Any:
    name = f"{store}/operations/{names.numeric_id()}"
    return fields.operation(name, done=True, response=response, metadata=metadata)
