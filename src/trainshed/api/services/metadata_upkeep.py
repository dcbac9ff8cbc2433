"""The rest of MetadataService: schemas, and operations that forget many records at once."""

from typing import Any

from trainshed import names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.errors import NotFound
from trainshed.lineage import Purger, Schema, Schemas

_PACKAGE = "google.cloud.aiplatform.v1"
_STORE = "projects/{project}/locations/{location}/metadataStores/{store}"
_SCHEMA = f"{_PACKAGE}.MetadataSchema"


class MetadataUpkeep:
    """Schemas and purges. What runs recorded cannot be purged: their results are found by it."""

    SERVICE = f"{_PACKAGE}.MetadataService"

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
        return _schema(made, _store(request.parent, "parent"))

    def GetMetadataSchema(self, request: Any) -> Any:
        """Answer a schema."""
        found = names.parse(f"{_STORE}/metadataSchemas/{{schema}}", request.name)
        store = _store(request.name.rsplit("/", 2)[0], "name")
        return _schema(self._schemas.get(found["schema"]), store)

    def ListMetadataSchemas(self, request: Any) -> Any:
        """Answer schemas that match a filter, the system's own among them."""
        store = _store(request.parent, "parent")
        size = fields.page_size(request.page_size)
        found, token = self._schemas.list(request.filter, page_size=size, page_token=request.page_token)
        made = [_schema(schema, store) for schema in found]
        return fields.listing(f"{_PACKAGE}.ListMetadataSchemasResponse", "metadata_schemas", made, token)

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
        store = _store(request.name, "name")
        self._purger.empty(store)
        return _done(store, metadata=message(f"{_PACKAGE}.DeleteMetadataStoreOperationMetadata"))

    def _purge(self, collection: str, noun: str, request: Any) -> Any:
        store = _store(request.parent, "parent")
        found = self._purger.purge(collection, store, request.filter, force=request.force)
        sample = [f"{store}/{collection}/{one}" for one in found.sample]
        response = message(f"{_PACKAGE}.Purge{noun}Response", purge_count=found.count, purge_sample=sample)
        return _done(store, response=response, metadata=message(f"{_PACKAGE}.Purge{noun}Metadata"))


def _store(name: str, field: str) -> str:
    if names.parse(_STORE, name, field=field)["store"] != "default":
        raise NotFound(f"There is no metadata store {name!r}; every location has one, 'default'.")
    return name


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
