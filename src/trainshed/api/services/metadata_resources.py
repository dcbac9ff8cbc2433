"""Artifacts, executions and contexts as google.cloud.aiplatform.v1 writes them, and their names."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from trainshed import lineage, names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.errors import NotFound
from trainshed.lineage import Artifact, Context, Draft, Event, Execution, Subgraph

PACKAGE = "google.cloud.aiplatform.v1"
_STORE = "projects/{project}/locations/{location}/metadataStores/{store}"
_VERSION = "0.0.1"  # of schemas that say none


def store_of(name: str, *, field: str = "parent") -> str:
    """Answer the name of a store; every location has one. Raises NotFound, InvalidArgument."""
    if names.parse(_STORE, name, field=field)["store"] != "default":
        raise NotFound(f"There is no metadata store {name!r}; every location has one, 'default'.")
    return name


def split(name: str, collection: str, *, field: str = "name") -> tuple[str, str]:
    """Split the name of a record into its store's and its own last part. Raises NotFound, InvalidArgument."""
    found = names.parse(f"{_STORE}/{collection}/{{id}}", name, field=field)
    return store_of(name.rsplit("/", 2)[0]), found["id"]


def draft(record: Any, resource_id: str = "") -> Draft:
    """Read what somebody says of a record."""
    has_state = "state" in record.DESCRIPTOR.fields_by_name
    return Draft(
        resource_id=resource_id,
        schema_title=record.schema_title,
        schema_version=record.schema_version,
        display_name=record.display_name,
        description=record.description,
        labels=dict(record.labels),
        metadata=fields.plain(record.metadata),
        state=_state_name(record) if has_state else "",
        uri=getattr(record, "uri", ""),
    )


def _state_name(record: Any) -> str:
    values = record.DESCRIPTOR.fields_by_name["state"].enum_type.values_by_number
    return str(values[record.state].name) if record.state in values else "STATE_UNSPECIFIED"


def artifact_message(artifact: Artifact, store: str) -> Any:
    """Write an artifact."""
    return message(
        f"{PACKAGE}.Artifact",
        name=f"{store}/artifacts/{lineage.public_id(artifact)}",
        display_name=artifact.name,
        uri=artifact.uri,
        state=artifact.last_known_state,
        schema_title=artifact.schema_title,
        schema_version=artifact.type.get("schemaVersion", _VERSION if artifact.schema_title else ""),
        metadata=_struct(artifact.metadata),
        **_common(artifact.create_time, artifact.update_time, artifact.notes),
    )


def execution_message(execution: Execution, store: str) -> Any:
    """Write an execution."""
    return message(
        f"{PACKAGE}.Execution",
        name=f"{store}/executions/{lineage.public_id(execution)}",
        display_name=lineage.shown_name(execution),
        state=execution.last_known_state,
        schema_title=execution.schema_title,
        schema_version=execution.notes.get("schemaVersion", _VERSION),
        metadata=_struct(lineage.metadata_of(execution)),
        **_common(execution.create_time, execution.update_time, execution.notes),
    )


def context_message(context: Context, parents: Iterable[Context], store: str) -> Any:
    """Write a context with those that it is in."""
    return message(
        f"{PACKAGE}.Context",
        name=f"{store}/contexts/{lineage.public_id(context)}",
        display_name=context.display_name,
        schema_title=context.type,
        schema_version=context.notes.get("schemaVersion", _VERSION),
        metadata=_struct(context.metadata),
        parent_contexts=[f"{store}/contexts/{lineage.public_id(parent)}" for parent in parents],
        **_common(context.create_time, context.update_time, context.notes),
    )


def subgraph_message(found: Subgraph, store: str) -> Any:
    """Write a part of the graph."""
    return message(
        f"{PACKAGE}.LineageSubgraph",
        artifacts=[artifact_message(a, store) for a in found.artifacts.values()],
        executions=[execution_message(e, store) for e in found.executions.values()],
        events=[_event(e, found, store) for e in found.events],
    )


def _event(event: Event, found: Subgraph, store: str) -> Any:
    execution = found.executions[event.execution_id]
    return message(
        f"{PACKAGE}.Event",
        artifact=f"{store}/artifacts/{lineage.public_id(found.artifacts[event.artifact_id])}",
        execution=f"{store}/executions/{lineage.public_id(execution)}",
        event_time=execution.create_time,
        type_=event.type,
    )


def _struct(metadata: Mapping[str, Any]) -> Any:
    return fields.struct(fields.writable(metadata))


def _common(create_time: datetime, update_time: datetime | None, notes: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "create_time": create_time,
        "update_time": update_time or create_time,
        "description": notes.get("description", ""),
        "labels": notes.get("labels", {}),
    }
