"""google.cloud.aiplatform.v1.MetadataService over lineage. Every location has one store, `default`, and it is the same."""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from trainshed import lineage, names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound
from trainshed.lineage import Artifact, Context, Draft, Event, Execution, Subgraph, Wanted

_PACKAGE = "google.cloud.aiplatform.v1"
_STORE = "projects/{project}/locations/{location}/metadataStores/{store}"
_VERSION = "0.0.1"  # of schemas that say none
_INPUT_OR_OUTPUT = {1: "INPUT", 2: "OUTPUT"}


class Metadata:
    """Artifacts, executions and contexts: read, recorded by hand, and asked for their lineage."""

    SERVICE = f"{_PACKAGE}.MetadataService"

    def __init__(self, service: lineage.Service, author: lineage.Author) -> None:
        self._lineage = service
        self._author = author

    # Stores

    def CreateMetadataStore(self, request: Any) -> Any:
        """Answer that there is one already, or that there cannot be another."""
        if request.metadata_store_id in {"", "default"}:
            raise AlreadyExists("Every location has the metadata store 'default' already.", reason="STORE_EXISTS")
        raise InvalidArgument.field(
            "metadata_store_id", f"{request.metadata_store_id!r} is not 'default', the only one"
        )

    def GetMetadataStore(self, request: Any) -> Any:
        """Answer the store."""
        return message(f"{_PACKAGE}.MetadataStore", name=_store(request.name))

    def ListMetadataStores(self, request: Any) -> Any:
        """Answer the one store."""
        found = [message(f"{_PACKAGE}.MetadataStore", name=f"{request.parent}/metadataStores/default")]
        return fields.listing(f"{_PACKAGE}.ListMetadataStoresResponse", "metadata_stores", found)

    # Artifacts

    def GetArtifact(self, request: Any) -> Any:
        """Answer an artifact."""
        store, public_id = _split(request.name, "artifacts")
        return _artifact(self._lineage.artifact(public_id), store)

    def ListArtifacts(self, request: Any) -> Any:
        """Answer artifacts that match a filter."""
        store = _store(request.parent)
        found, token = self._lineage.artifacts(store, _wanted(request))
        made = [_artifact(a, store) for a in found]
        return fields.listing(f"{_PACKAGE}.ListArtifactsResponse", "artifacts", made, token)

    def CreateArtifact(self, request: Any) -> Any:
        """Record an artifact that no task made."""
        store = _store(request.parent)
        made = self._author.create_artifact(_draft(request.artifact, request.artifact_id))
        return _artifact(made, store)

    def UpdateArtifact(self, request: Any) -> Any:
        """Change what is said of an artifact."""
        store, public_id = _split(request.artifact.name, "artifacts", field="artifact.name")
        create = self._author.create_artifact
        try:
            current = _artifact(self._lineage.artifact(public_id), store)
        except NotFound:
            return _artifact(_if_missing(request, create, request.artifact, public_id), store)
        draft = _draft(fields.update(current, request.artifact, request.update_mask))
        return _artifact(self._author.update_artifact(public_id, draft), store)

    def DeleteArtifact(self, request: Any) -> Any:
        """Forget an artifact that was recorded by hand."""
        store, public_id = _split(request.name, "artifacts")
        self._author.delete_artifact(public_id)
        return _gone(store)

    def QueryArtifactLineageSubgraph(self, request: Any) -> Any:
        """Answer what an artifact was made from and what was made from it."""
        store, public_id = _split(request.artifact, "artifacts", field="artifact")
        if request.max_hops < 0:
            raise InvalidArgument.field("max_hops", f"{request.max_hops} is negative; leave it out to see everything")
        found = self._lineage.around_artifact(public_id, store, hops=request.max_hops or None, filter=request.filter)
        return _subgraph(found, store)

    # Executions

    def GetExecution(self, request: Any) -> Any:
        """Answer an execution."""
        store, public_id = _split(request.name, "executions")
        return _execution(self._lineage.execution(public_id), store)

    def ListExecutions(self, request: Any) -> Any:
        """Answer executions that match a filter."""
        store = _store(request.parent)
        found, token = self._lineage.executions(store, _wanted(request))
        made = [_execution(e, store) for e in found]
        return fields.listing(f"{_PACKAGE}.ListExecutionsResponse", "executions", made, token)

    def CreateExecution(self, request: Any) -> Any:
        """Record an execution that is no task of a run."""
        store = _store(request.parent)
        made = self._author.create_execution(_draft(request.execution, request.execution_id))
        return _execution(made, store)

    def UpdateExecution(self, request: Any) -> Any:
        """Change what is said of an execution."""
        store, public_id = _split(request.execution.name, "executions", field="execution.name")
        create = self._author.create_execution
        try:
            current = _execution(self._lineage.execution(public_id), store)
        except NotFound:
            return _execution(_if_missing(request, create, request.execution, public_id), store)
        draft = _draft(fields.update(current, request.execution, request.update_mask))
        return _execution(self._author.update_execution(public_id, draft), store)

    def DeleteExecution(self, request: Any) -> Any:
        """Forget an execution that was recorded by hand."""
        store, public_id = _split(request.name, "executions")
        self._author.delete_execution(public_id)
        return _gone(store)

    def AddExecutionEvents(self, request: Any) -> Any:
        """Connect an execution to artifacts."""
        _, public_id = _split(request.execution, "executions", field="execution")
        self._author.add_events(public_id, [_edge(event) for event in request.events])
        return message(f"{_PACKAGE}.AddExecutionEventsResponse")

    def QueryExecutionInputsAndOutputs(self, request: Any) -> Any:
        """Answer an execution with what it read and made."""
        store, public_id = _split(request.execution, "executions", field="execution")
        return _subgraph(self._lineage.around_execution(public_id), store)

    # Contexts

    def GetContext(self, request: Any) -> Any:
        """Answer a context: a pipeline by its name, a run by its id."""
        store, public_id = _split(request.name, "contexts")
        return self._contexts([self._lineage.context(public_id)], store)[0]

    def ListContexts(self, request: Any) -> Any:
        """Answer contexts that match a filter."""
        store = _store(request.parent)
        found, token = self._lineage.contexts(store, _wanted(request))
        made = self._contexts(found, store)
        return fields.listing(f"{_PACKAGE}.ListContextsResponse", "contexts", made, token)

    def CreateContext(self, request: Any) -> Any:
        """Make a context, such as an experiment."""
        store = _store(request.parent)
        made = self._author.create_context(_draft(request.context, request.context_id))
        return self._contexts([made], store)[0]

    def UpdateContext(self, request: Any) -> Any:
        """Change what is said of a context."""
        store, public_id = _split(request.context.name, "contexts", field="context.name")
        try:
            current = self._contexts([self._lineage.context(public_id)], store)[0]
        except NotFound:
            made = _if_missing(request, self._author.create_context, request.context, public_id)
        else:
            draft = _draft(fields.update(current, request.context, request.update_mask))
            made = self._author.update_context(public_id, draft)
        return self._contexts([made], store)[0]

    def DeleteContext(self, request: Any) -> Any:
        """Forget a context that was recorded by hand."""
        store, public_id = _split(request.name, "contexts")
        self._author.delete_context(public_id)
        return _gone(store)

    def AddContextArtifactsAndExecutions(self, request: Any) -> Any:
        """Put artifacts and executions into a context."""
        _, public_id = _split(request.context, "contexts", field="context")
        things = [_split(name, "artifacts", field="artifacts")[1] for name in request.artifacts]
        doings = [_split(name, "executions", field="executions")[1] for name in request.executions]
        self._author.add_to_context(public_id, things, doings)
        return message(f"{_PACKAGE}.AddContextArtifactsAndExecutionsResponse")

    def AddContextChildren(self, request: Any) -> Any:
        """Put contexts into one."""
        _, public_id = _split(request.context, "contexts", field="context")
        self._author.add_children(public_id, _children(request))
        return message(f"{_PACKAGE}.AddContextChildrenResponse")

    def RemoveContextChildren(self, request: Any) -> Any:
        """Take contexts out of one again."""
        _, public_id = _split(request.context, "contexts", field="context")
        self._author.remove_children(public_id, _children(request))
        return message(f"{_PACKAGE}.RemoveContextChildrenResponse")

    def QueryContextLineageSubgraph(self, request: Any) -> Any:
        """Answer what is in a context."""
        store, public_id = _split(request.context, "contexts", field="context")
        return _subgraph(self._lineage.around_context(public_id), store)

    def _contexts(self, found: Iterable[Context], store: str) -> list[Any]:
        contexts = list(found)
        parents = self._lineage.parents(contexts)
        return [_context(c, parents[c.context_id], store) for c in contexts]


def _store(name: str) -> str:
    if names.parse(_STORE, name, field="parent")["store"] != "default":
        raise NotFound(f"There is no metadata store {name!r}; every location has one, 'default'.")
    return name


def _split(name: str, collection: str, *, field: str = "name") -> tuple[str, str]:
    found = names.parse(f"{_STORE}/{collection}/{{id}}", name, field=field)
    return _store(name.rsplit("/", 2)[0]), found["id"]


def _wanted(request: Any) -> Wanted:
    return Wanted(
        filter=request.filter,
        order_by=request.order_by,
        page_size=fields.page_size(request.page_size),
        page_token=request.page_token,
    )


def _gone(store: str) -> Any:
    return fields.operation(f"{store}/operations/{names.numeric_id()}", done=True)


def _if_missing(request: Any, create: Callable[[Draft], Any], record: Any, public_id: str) -> Any:
    if not request.allow_missing:
        raise NotFound(f"There is no {public_id!r} to change; allow_missing makes it.")
    return create(_draft(record, public_id))


def _draft(record: Any, resource_id: str = "") -> Draft:
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


def _children(request: Any) -> list[str]:
    return [_split(name, "contexts", field="child_contexts")[1] for name in request.child_contexts]


def _edge(event: Any) -> tuple[str, str]:
    kind = _INPUT_OR_OUTPUT.get(event.type_)
    if kind is None:
        raise InvalidArgument.field("events.type", "is neither INPUT nor OUTPUT")
    return _split(event.artifact, "artifacts", field="events.artifact")[1], kind


def _artifact(artifact: Artifact, store: str) -> Any:
    return message(
        f"{_PACKAGE}.Artifact",
        name=f"{store}/artifacts/{lineage.public_id(artifact)}",
        display_name=artifact.name,
        uri=artifact.uri,
        state=artifact.last_known_state,
        schema_title=artifact.schema_title,
        schema_version=artifact.type.get("schemaVersion", _VERSION if artifact.schema_title else ""),
        metadata=_struct(artifact.metadata),
        **_common(artifact.create_time, artifact.update_time, artifact.notes),
    )


def _execution(execution: Execution, store: str) -> Any:
    return message(
        f"{_PACKAGE}.Execution",
        name=f"{store}/executions/{lineage.public_id(execution)}",
        display_name=lineage.shown_name(execution),
        state=execution.last_known_state,
        schema_title=execution.schema_title,
        schema_version=execution.notes.get("schemaVersion", _VERSION),
        metadata=_struct(lineage.metadata_of(execution)),
        **_common(execution.create_time, execution.update_time, execution.notes),
    )


def _context(context: Context, parents: Iterable[Context], store: str) -> Any:
    return message(
        f"{_PACKAGE}.Context",
        name=f"{store}/contexts/{lineage.public_id(context)}",
        display_name=context.display_name,
        schema_title=context.type,
        schema_version=context.notes.get("schemaVersion", _VERSION),
        metadata=_struct(context.metadata),
        parent_contexts=[f"{store}/contexts/{lineage.public_id(parent)}" for parent in parents],
        **_common(context.create_time, context.update_time, context.notes),
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


def _subgraph(found: Subgraph, store: str) -> Any:
    return message(
        f"{_PACKAGE}.LineageSubgraph",
        artifacts=[_artifact(a, store) for a in found.artifacts.values()],
        executions=[_execution(e, store) for e in found.executions.values()],
        events=[_event(e, found, store) for e in found.events],
    )


def _event(event: Event, found: Subgraph, store: str) -> Any:
    execution = found.executions[event.execution_id]
    return message(
        f"{_PACKAGE}.Event",
        artifact=f"{store}/artifacts/{lineage.public_id(found.artifacts[event.artifact_id])}",
        execution=f"{store}/executions/{lineage.public_id(execution)}",
        event_time=execution.create_time,
        type_=event.type,
    )
