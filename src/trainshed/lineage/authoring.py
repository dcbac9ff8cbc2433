"""Verbs that record by hand, through the API: what Vertex AI's SDK does inside components and notebooks."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Table, select

from trainshed import names
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, FailedPrecondition, InvalidArgument
from trainshed.lineage import store, store_authored
from trainshed.lineage.facts import shown_name
from trainshed.lineage.model import Artifact, Context, Draft, Execution
from trainshed.lineage.subjects import find_context, find_id
from trainshed.sql import Database

_LONGEST_ID = 128
_LONGEST_NAME = 128  # characters of a display name, as Vertex AI documents it


class Author:
    """Writes lineage on behalf of somebody who asks."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    def create_artifact(self, draft: Draft) -> Artifact:
        """Record a thing. Raises AlreadyExists, or InvalidArgument for an id or a display name that cannot be."""
        key = self._create(store.artifacts, draft)
        return self._db.read(lambda conn: store.get_artifact(conn, key))

    def create_execution(self, draft: Draft) -> Execution:
        """Record a doing that is no task of a run."""
        key = self._create(store.executions, draft)
        return self._db.read(lambda conn: store.as_execution(_row(conn, store.executions, key)))

    def create_context(self, draft: Draft) -> Context:
        """Make a grouping, such as an experiment."""
        key = self._create(store.contexts, draft)
        return self._db.read(lambda conn: store.as_context(_row(conn, store.contexts, key)))

    def update_artifact(self, public_id: str, draft: Draft) -> Artifact:
        """Replace what is said of a thing; where its content lies stays. Raises NotFound."""

        def write(conn: Connection) -> int:
            known = store.get_artifact(conn, find_id(conn, store.artifacts, public_id))
            if known.digest and draft.uri != known.uri:
                raise InvalidArgument.field("artifact.uri", f"cannot become {draft.uri!r}: a task wrote {known.uri!r}")
            _check_name(store.artifacts, draft, known.name)
            store_authored.update(conn, store.artifacts, known.artifact_id, draft, now=self._clock.now())
            return known.artifact_id

        key = self._db.write(write)
        return self._db.read(lambda conn: store.get_artifact(conn, key))

    def update_execution(self, public_id: str, draft: Draft) -> Execution:
        """Replace what is said of a doing. Raises NotFound, or FailedPrecondition for the task of a run."""

        def write(conn: Connection) -> int:
            known = store.as_execution(_row(conn, store.executions, find_id(conn, store.executions, public_id)))
            if known.run:
                raise _is_a_tasks(known, "changed")
            _check_name(store.executions, draft, shown_name(known))
            store_authored.update(conn, store.executions, known.execution_id, draft, now=self._clock.now())
            return known.execution_id

        key = self._db.write(write)
        return self._db.read(lambda conn: store.as_execution(_row(conn, store.executions, key)))

    def update_context(self, public_id: str, draft: Draft) -> Context:
        """Replace what is said of a grouping. Raises NotFound."""

        def write(conn: Connection) -> int:
            known = find_context(conn, public_id)
            _check_name(store.contexts, draft, known.display_name)
            store_authored.update(conn, store.contexts, known.context_id, draft, now=self._clock.now())
            return known.context_id

        key = self._db.write(write)
        return self._db.read(lambda conn: store.as_context(_row(conn, store.contexts, key)))

    def add_events(self, execution: str, edges: Sequence[tuple[str, str]]) -> None:
        """Connect a doing to things: (artifact, INPUT or OUTPUT); edges that are there stay. Raises NotFound."""

        def write(conn: Connection) -> None:
            known = store.as_execution(_row(conn, store.executions, find_id(conn, store.executions, execution)))
            if known.run:
                raise _is_a_tasks(known, "connected")
            found = [(find_id(conn, store.artifacts, artifact), kind) for artifact, kind in edges]
            store_authored.connect(conn, known.execution_id, found)

        self._db.write(write)

    def add_to_context(self, context: str, artifacts: Iterable[str], executions: Iterable[str]) -> None:
        """Put things and doings into a grouping. Raises NotFound."""

        def write(conn: Connection) -> None:
            context_id = find_context(conn, context).context_id
            things = [find_id(conn, store.artifacts, i) for i in artifacts]
            doings = [find_id(conn, store.executions, i) for i in executions]
            store_authored.put(conn, context_id, things, doings)

        self._db.write(write)

    def add_children(self, context: str, children: Iterable[str]) -> None:
        """Put groupings into one. Raises NotFound, or InvalidArgument for what would lie in itself."""

        def write(conn: Connection) -> None:
            parent = find_context(conn, context).context_id
            for child in children:
                child_id = find_context(conn, child).context_id
                if store_authored.is_inside(conn, parent, child_id):
                    raise InvalidArgument.field("child_contexts", f"{child!r} has {context!r} in it already")
                store_authored.nest(conn, parent, child_id)

        self._db.write(write)

    def remove_children(self, context: str, children: Iterable[str]) -> None:
        """Take groupings out of one again. Raises NotFound."""

        def write(conn: Connection) -> None:
            parent = find_context(conn, context).context_id
            for child in children:
                store_authored.unnest(conn, parent, find_context(conn, child).context_id)

        self._db.write(write)

    def delete_artifact(self, public_id: str) -> None:
        """Forget a thing; what lies at its address stays. Raises NotFound, or FailedPrecondition for a task's."""

        def write(conn: Connection) -> None:
            key = find_id(conn, store.artifacts, public_id)
            if store_authored.is_of_a_task(conn, key):
                raise FailedPrecondition(f"Artifact {public_id} was made or read by a task and stays.", reason="OF_RUN")
            store_authored.forget(conn, store.artifacts, key)

        self._db.write(write)

    def delete_execution(self, public_id: str) -> None:
        """Forget a doing. Raises NotFound, or FailedPrecondition for the task of a run."""

        def write(conn: Connection) -> None:
            known = store.as_execution(_row(conn, store.executions, find_id(conn, store.executions, public_id)))
            if known.run:
                raise _is_a_tasks(known, "deleted")
            store_authored.forget(conn, store.executions, known.execution_id)

        self._db.write(write)

    def delete_context(self, public_id: str) -> None:
        """Forget a grouping; what is in it stays. Raises NotFound, or FailedPrecondition for a pipeline or a run."""

        def write(conn: Connection) -> None:
            known = find_context(conn, public_id)
            if known.type in {"system.Pipeline", "system.PipelineRun"}:
                raise FailedPrecondition(f"Context {public_id} is a {known.type} and stays.", reason="OF_RUN")
            store_authored.forget(conn, store.contexts, known.context_id)

        self._db.write(write)

    def _create(self, table: Table, draft: Draft) -> int:
        chosen = draft.resource_id or (f"{table.name}-{names.short_id()}" if table is store.contexts else "")
        _check_id(table, chosen)
        _check_name(table, draft)

        def write(conn: Connection) -> int:
            known = select(table.c.id).where(table.c.resource_id == chosen)
            if chosen and conn.execute(known).first() is not None:
                noun = table.name.removesuffix("s")
                raise AlreadyExists(f"There is {_a(noun)} {chosen!r} already.", reason=f"{noun.upper()}_EXISTS")
            return store_authored.create(conn, table, draft, chosen, now=self._clock.now())

        return self._db.write(write)


def _check_id(table: Table, chosen: str) -> None:
    field = f"{table.name.removesuffix('s')}_id"
    if chosen.isdecimal():
        raise InvalidArgument.field(field, f"{chosen!r} is only digits, as the server's own ids are; add a letter")
    if len(chosen) > _LONGEST_ID or any(c.isspace() or c == "/" for c in chosen):
        raise InvalidArgument.field(field, f"is longer than {_LONGEST_ID} characters, or has a space or a slash in it")


def _check_name(table: Table, draft: Draft, known: str = "") -> None:
    """Refuse a display name that is too long; one that is there already, as a task's output may have it, stays."""
    if len(draft.display_name) > _LONGEST_NAME and draft.display_name != known:
        field = f"{table.name.removesuffix('s')}.display_name"
        raise InvalidArgument.field(field, f"has {len(draft.display_name)} characters; {_LONGEST_NAME} are the most")


def _row(conn: Connection, table: Table, key: int) -> Any:
    return conn.execute(select(table).where(table.c.id == key)).one()


def _is_a_tasks(execution: Execution, what: str) -> FailedPrecondition:
    return FailedPrecondition(
        f"Execution {execution.execution_id} is the record of {execution.task or execution.run!r} and cannot be {what}; "
        "make an execution of your own.",
        reason="EXECUTION_OF_RUN",
    )


def _a(noun: str) -> str:
    return f"an {noun}" if noun[0] in "aeiou" else f"a {noun}"
