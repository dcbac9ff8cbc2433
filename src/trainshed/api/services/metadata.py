"""google.cloud.aiplatform.v1.MetadataService over lineage. Every location has one store, `default`, and it is the same."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from trainshed import lineage, names
from trainshed.api import fields
from trainshed.api.descriptors import message
from trainshed.api.services.metadata_resources import (
    PACKAGE,
    artifact_message,
    context_message,
    draft,
    execution_message,
    split,
    store_of,
    subgraph_message,
)
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound
from trainshed.lineage import Context, Draft, Wanted

_INPUT_OR_OUTPUT = {1: "INPUT", 2: "OUTPUT"}


@dataclass(frozen=True, kw_only=True)
class _Records:
    """The verbs that artifacts, executions and contexts have alike."""

    noun: str
    read: Callable[[str], Any]
    read_page: Callable[[str, Wanted], tuple[Sequence[Any], str]]
    create: Callable[[Draft], Any]
    update: Callable[[str, Draft], Any]
    delete: Callable[[str], None]
    write: Callable[[Sequence[Any], str], list[Any]]

    @property
    def collection(self) -> str:
        return f"{self.noun}s"

    def on_get(self, request: Any) -> Any:
        store, public_id = split(request.name, self.collection)
        return self._one(self.read(public_id), store)

    def on_list(self, request: Any) -> Any:
        store = store_of(request.parent)
        found, token = self.read_page(store, _wanted(request))
        response = f"{PACKAGE}.List{self.collection.capitalize()}Response"
        return fields.listing(response, self.collection, self.write(found, store), token)

    def on_create(self, request: Any) -> Any:
        store = store_of(request.parent)
        given, chosen = getattr(request, self.noun), getattr(request, f"{self.noun}_id")
        return self._one(self.create(draft(given, chosen)), store)

    def on_update(self, request: Any) -> Any:
        given = getattr(request, self.noun)
        store, public_id = split(given.name, self.collection, field=f"{self.noun}.name")
        try:
            current = self._one(self.read(public_id), store)
        except NotFound:
            if not request.allow_missing:
                raise NotFound(f"There is no {public_id!r} to change; allow_missing makes it.") from None
            return self._one(self.create(draft(given, public_id)), store)
        changed = draft(fields.update(current, given, request.update_mask))
        return self._one(self.update(public_id, changed), store)

    def on_delete(self, request: Any) -> Any:
        store, public_id = split(request.name, self.collection)
        self.delete(public_id)
        return fields.operation(f"{store}/operations/{names.numeric_id()}", done=True)

    def _one(self, record: Any, store: str) -> Any:
        return self.write([record], store)[0]


class Metadata:
    """Artifacts, executions and contexts: read, recorded by hand, and asked for their lineage."""

    SERVICE = f"{PACKAGE}.MetadataService"

    def __init__(self, service: lineage.Service, author: lineage.Author) -> None:
        self._lineage = service
        self._author = author
        self._artifacts = _Records(
            noun="artifact",
            read=service.artifact,
            read_page=service.artifacts,
            create=author.create_artifact,
            update=author.update_artifact,
            delete=author.delete_artifact,
            write=lambda found, store: [artifact_message(a, store) for a in found],
        )
        self._executions = _Records(
            noun="execution",
            read=service.execution,
            read_page=service.executions,
            create=author.create_execution,
            update=author.update_execution,
            delete=author.delete_execution,
            write=lambda found, store: [execution_message(e, store) for e in found],
        )
        self._contexts = _Records(
            noun="context",
            read=service.context,
            read_page=service.contexts,
            create=author.create_context,
            update=author.update_context,
            delete=author.delete_context,
            write=self._write_contexts,
        )

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
        return message(f"{PACKAGE}.MetadataStore", name=store_of(request.name, field="name"))

    def ListMetadataStores(self, request: Any) -> Any:
        """Answer the one store."""
        found = [message(f"{PACKAGE}.MetadataStore", name=f"{request.parent}/metadataStores/default")]
        return fields.listing(f"{PACKAGE}.ListMetadataStoresResponse", "metadata_stores", found)

    # Artifacts

    def GetArtifact(self, request: Any) -> Any:
        """Answer an artifact."""
        return self._artifacts.on_get(request)

    def ListArtifacts(self, request: Any) -> Any:
        """Answer artifacts that match a filter."""
        return self._artifacts.on_list(request)

    def CreateArtifact(self, request: Any) -> Any:
        """Record an artifact that no task made."""
        return self._artifacts.on_create(request)

    def UpdateArtifact(self, request: Any) -> Any:
        """Change what is said of an artifact."""
        return self._artifacts.on_update(request)

    def DeleteArtifact(self, request: Any) -> Any:
        """Forget an artifact that was recorded by hand."""
        return self._artifacts.on_delete(request)

    def QueryArtifactLineageSubgraph(self, request: Any) -> Any:
        """Answer what an artifact was made from and what was made from it."""
        store, public_id = split(request.artifact, "artifacts", field="artifact")
        if request.max_hops < 0:
            raise InvalidArgument.field("max_hops", f"{request.max_hops} is negative; leave it out to see everything")
        found = self._lineage.around_artifact(public_id, store, hops=request.max_hops or None, filter=request.filter)
        return subgraph_message(found, store)

    # Executions

    def GetExecution(self, request: Any) -> Any:
        """Answer an execution."""
        return self._executions.on_get(request)

    def ListExecutions(self, request: Any) -> Any:
        """Answer executions that match a filter."""
        return self._executions.on_list(request)

    def CreateExecution(self, request: Any) -> Any:
        """Record an execution that is no task of a run."""
        return self._executions.on_create(request)

    def UpdateExecution(self, request: Any) -> Any:
        """Change what is said of an execution."""
        return self._executions.on_update(request)

    def DeleteExecution(self, request: Any) -> Any:
        """Forget an execution that was recorded by hand."""
        return self._executions.on_delete(request)

    def AddExecutionEvents(self, request: Any) -> Any:
        """Connect an execution to artifacts."""
        _, public_id = split(request.execution, "executions", field="execution")
        self._author.add_events(public_id, [_edge(event) for event in request.events])
        return message(f"{PACKAGE}.AddExecutionEventsResponse")

    def QueryExecutionInputsAndOutputs(self, request: Any) -> Any:
        """Answer an execution with what it read and made."""
        store, public_id = split(request.execution, "executions", field="execution")
        return subgraph_message(self._lineage.around_execution(public_id), store)

    # Contexts

    def GetContext(self, request: Any) -> Any:
        """Answer a context: a pipeline by its name, a run by its id."""
        return self._contexts.on_get(request)

    def ListContexts(self, request: Any) -> Any:
        """Answer contexts that match a filter."""
        return self._contexts.on_list(request)

    def CreateContext(self, request: Any) -> Any:
        """Make a context, such as an experiment."""
        return self._contexts.on_create(request)

    def UpdateContext(self, request: Any) -> Any:
        """Change what is said of a context."""
        return self._contexts.on_update(request)

    def DeleteContext(self, request: Any) -> Any:
        """Forget a context that was recorded by hand."""
        return self._contexts.on_delete(request)

    def AddContextArtifactsAndExecutions(self, request: Any) -> Any:
        """Put artifacts and executions into a context."""
        _, public_id = split(request.context, "contexts", field="context")
        things = [split(name, "artifacts", field="artifacts")[1] for name in request.artifacts]
        doings = [split(name, "executions", field="executions")[1] for name in request.executions]
        self._author.add_to_context(public_id, things, doings)
        return message(f"{PACKAGE}.AddContextArtifactsAndExecutionsResponse")

    def AddContextChildren(self, request: Any) -> Any:
        """Put contexts into one."""
        _, public_id = split(request.context, "contexts", field="context")
        self._author.add_children(public_id, _children(request))
        return message(f"{PACKAGE}.AddContextChildrenResponse")

    def RemoveContextChildren(self, request: Any) -> Any:
        """Take contexts out of one again."""
        _, public_id = split(request.context, "contexts", field="context")
        self._author.remove_children(public_id, _children(request))
        return message(f"{PACKAGE}.RemoveContextChildrenResponse")

    def QueryContextLineageSubgraph(self, request: Any) -> Any:
        """Answer what is in a context."""
        store, public_id = split(request.context, "contexts", field="context")
        return subgraph_message(self._lineage.around_context(public_id), store)

    def _write_contexts(self, found: Iterable[Context], store: str) -> list[Any]:
        contexts = list(found)
        parents = self._lineage.parents(contexts)
        return [context_message(c, parents[c.context_id], store) for c in contexts]


def _wanted(request: Any) -> Wanted:
    return Wanted(
        filter=request.filter,
        order_by=request.order_by,
        page_size=fields.page_size(request.page_size),
        page_token=request.page_token,
    )


def _children(request: Any) -> list[str]:
    return [split(name, "contexts", field="child_contexts")[1] for name in request.child_contexts]


def _edge(event: Any) -> tuple[str, str]:
    kind = _INPUT_OR_OUTPUT.get(event.type_)
    if kind is None:
        raise InvalidArgument.field("events.type", "is neither INPUT nor OUTPUT")
    return split(event.artifact, "artifacts", field="events.artifact")[1], kind
