"""Verbs on lineage that only read: what made this, what was made from it, and lists as ML Metadata has them."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar

from sqlalchemy import Connection, Table, select

from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound
from trainshed.lineage import filters, store, store_graph, store_search, subjects
from trainshed.lineage.facts import facts_of
from trainshed.lineage.filters import Facts
from trainshed.lineage.model import CONTAINER, RUN, Artifact, Context, Execution, Subgraph
from trainshed.lineage.pages import FIELDS, Wanted, read_page
from trainshed.lineage.subjects import Subject, find_context, find_id
from trainshed.sql import Database

Record = TypeVar("Record", Artifact, Execution, Context)
LIMIT = 20_000  # nodes of an answer
_START = 3  # share of a brief answer, as 1 of so many, that the subject itself may take: the rest is what is around it
_SURFACE_LIMIT = 1000  # of an answer by Google's interface, as documented


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a thing was made from, and what was made from it."""

    subject: Subject
    upstream: Subgraph | None
    downstream: Subgraph | None
    reuses: dict[int, int] = field(default_factory=dict)  # artifact → how often it was taken from the cache
    same: dict[str, list[int]] = field(default_factory=dict)  # content digest → artifacts that have it


@dataclass(frozen=True, kw_only=True)
class Uses:
    """An artifact, who made it and who used it, newest first; each execution with what it calls the artifact."""

    artifact: Artifact
    makers: list[tuple[Execution, str]]
    users: list[tuple[Execution, str]]
    same: list[Artifact]  # others with the same content


class Service:
    """Reads lineage."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def trace(
        self,
        of: str,
        *,
        upstream: bool = True,
        downstream: bool = True,
        depth: int | None = None,
        limit: int = LIMIT,
        is_brief: bool = False,
    ) -> Trace:
        """Answer where something comes from and what came of it; `depth` counts tasks.

        A brief answer has the first maker of each thing alone, not everybody who imported it since, and does not say how
        often things were reused or which have the same content.

        `of` is an artifact (number or name), an execution, `gs://…[#generation]`, a run or `RUN/tasks/TASK`.
        Raises NotFound, or InvalidArgument for a negative depth.
        """
        if depth is not None and depth < 0:
            raise InvalidArgument.field("depth", f"{depth} is negative; give how many tasks away to look, or nothing")
        hops = None if depth is None else 2 * depth
        look = partial(_trace, of=of, upstream=upstream, downstream=downstream, hops=hops)
        return self._db.read(partial(look, limit=limit, is_brief=is_brief))

    def maker(self, of: str) -> Execution:
        """Answer the one execution that somebody names, or that made the artifact that they name.

        Raises NotFound, or InvalidArgument for what names several.
        """

        def read(conn: Connection) -> Execution:
            subject = subjects.find(conn, of)
            if subject.kind not in {"artifact", "execution"}:
                raise InvalidArgument.field("of", f"{of!r} names several tasks; give an artifact or RUN/tasks/TASK")
            found = store_graph.explore(
                conn, upstream=True, from_artifacts=subject.results, from_executions=subject.result_executions,
                depth=1 if subject.results else 0, limit=LIMIT,
            )  # fmt: skip
            if not found.executions:
                raise NotFound(f"No task is recorded that made {of!r}.", reason="MAKER_NOT_FOUND")
            return max(found.executions.values(), key=lambda e: (e.schema_title == CONTAINER, e.execution_id))

        return self._db.read(read)

    def artifact(self, public_id: str) -> Artifact:
        """Read an artifact by the last part of its resource name. Raises NotFound."""
        return self._db.read(lambda conn: _get(conn, store.artifacts, store.as_artifact, public_id))

    def uses(self, public_id: str, limit: int) -> Uses:
        """Read an artifact with whoever made it or used it, at most so many of each. Raises NotFound."""

        def read(conn: Connection) -> Uses:
            found = subjects.find_artifact(conn, public_id)
            return Uses(
                artifact=found,
                makers=store_search.touches(conn, found.artifact_id, "OUTPUT", limit),
                users=store_search.touches(conn, found.artifact_id, "INPUT", limit),
                same=store_search.alike(conn, found, limit),
            )

        return self._db.read(read)

    def browse(self, **wanted: Any) -> list[Artifact]:
        """Read artifacts, newest first, by type, name or address; see `store_search.browse`."""
        return self._db.read(partial(store_search.browse, **wanted))

    def titles(self, limit: int) -> list[str]:
        """Read the types that artifacts have."""
        return self._db.read(partial(store_search.titles, limit=limit))

    def execution(self, public_id: str) -> Execution:
        """Read an execution. Raises NotFound."""
        return self._db.read(lambda conn: _get(conn, store.executions, store.as_execution, public_id))

    def context(self, public_id: str) -> Context:
        """Read a context: a pipeline by its name, a run by its id. Raises NotFound."""
        return self._db.read(lambda conn: find_context(conn, public_id))

    def artifacts(self, parent: str, wanted: Wanted) -> tuple[list[Artifact], str]:
        """Read a page of artifacts, newest first unless told otherwise, and the token of the next page."""
        return self._page(store.artifacts, parent, wanted)

    def executions(self, parent: str, wanted: Wanted) -> tuple[list[Execution], str]:
        """Read a page of executions."""
        return self._page(store.executions, parent, wanted)

    def contexts(self, parent: str, wanted: Wanted) -> tuple[list[Context], str]:
        """Read a page of contexts."""
        return self._page(store.contexts, parent, wanted)

    def parents(self, found: Iterable[Context]) -> dict[int, list[Context]]:
        """Answer the contexts that each of these is in."""

        def read(conn: Connection) -> dict[int, list[Context]]:
            known = store_search.parents(conn, [c.context_id for c in found])
            wanted = {parent for parents in known.values() for parent in parents}
            rows = conn.execute(select(store.contexts).where(store.contexts.c.id.in_(wanted)))
            by_id = {row.id: store.as_context(row) for row in rows}
            return {child: [by_id[parent] for parent in parents] for child, parents in known.items()}

        return self._db.read(read)

    def around_artifact(self, public_id: str, parent: str, *, hops: int | None, filter: str = "") -> Subgraph:  # noqa: A002  (Google's word)
        """Read an artifact's lineage in both directions, `hops` edges far. Raises FailedPrecondition when it is too much."""
        condition = filters.parse(filter, FIELDS["artifacts"] - {"in_context"})

        def read(conn: Connection) -> Subgraph:
            start = find_id(conn, store.artifacts, public_id)
            found = [
                store_graph.explore(conn, upstream=up, from_artifacts=[start], depth=hops, limit=_SURFACE_LIMIT)
                for up in (True, False)
            ]
            things = {i: a for part in found for i, a in part.artifacts.items()}
            kept = [i for i, a in things.items() if condition is None or _holds(condition, facts_of(a, parent))]
            return store_graph.between(conn, {start, *kept}, {i for part in found for i in part.executions})

        return _small_enough(self._db.read(read))

    def around_execution(self, public_id: str) -> Subgraph:
        """Read an execution with what it read and made; a run's are those of its tasks."""

        def read(conn: Connection) -> Subgraph:
            execution = _get(conn, store.executions, store.as_execution, public_id)
            if execution.schema_title == RUN and execution.context_id is not None:
                return _as_one(store_graph.whole_context(conn, execution.context_id), execution)
            return store_graph.with_artifacts(conn, [execution.execution_id])

        return self._db.read(read)

    def around_context(self, public_id: str) -> Subgraph:
        """Read what is in a context and in those below it. Raises FailedPrecondition when it is too much."""

        def read(conn: Connection) -> Subgraph:
            related = filters.Related(relation="in_context", context=public_id)
            context_id = find_context(conn, public_id).context_id
            doings = store_search.member_ids(conn, store.executions, related, context_id)
            things = store_search.member_ids(conn, store.artifacts, related, context_id)
            if max(len(doings), len(things)) > _SURFACE_LIMIT:
                raise _too_much()
            return store_graph.between(conn, things, doings)

        return _small_enough(self._db.read(read))

    def _page(self, table: Table, parent: str, wanted: Wanted) -> tuple[list[Any], str]:
        return self._db.read(lambda conn: read_page(conn, table, parent, wanted))


def _trace(
    conn: Connection, *, of: str, upstream: bool, downstream: bool, hops: int | None, limit: int, is_brief: bool
) -> Trace:
    subject = subjects.find(conn, of, most=limit // _START if is_brief else limit)
    look = partial(store_graph.explore, conn, depth=hops, limit=limit, is_brief=is_brief)
    above = below = None
    if upstream:
        above = look(upstream=True, from_artifacts=subject.results, from_executions=subject.result_executions)
    if downstream:
        below = look(
            upstream=False,
            from_artifacts=subject.sources,
            from_executions=subject.source_executions,
            without=subject.own,
        )
    if subject.is_cut:
        above, below = (part and replace(part, is_whole=False) for part in (above, below))
    if is_brief:
        return Trace(subject=subject, upstream=above, downstream=below)
    things = {i: a for part in (above, below) if part for i, a in part.artifacts.items()}
    return Trace(
        subject=subject,
        upstream=above,
        downstream=below,
        reuses=store_graph.reuses(conn, things),
        same=store_graph.same_content(conn, (a.digest for a in things.values())),
    )


def _get(conn: Connection, table: Table, read: Callable[[Any], Record], public: str) -> Record:
    key = find_id(conn, table, public)
    return read(conn.execute(select(table).where(table.c.id == key)).one())


def _holds(condition: filters.Condition, facts: Facts) -> bool:
    return filters.holds(condition, facts, lambda _: False)


def _as_one(found: Subgraph, run: Execution) -> Subgraph:
    """Show a run as one execution: what its tasks read from elsewhere, and everything that they made."""
    made = {e.artifact_id for e in found.events if e.type == "OUTPUT"}
    kept = {
        (e.artifact_id, e.type): replace(e, execution_id=run.execution_id)
        for e in found.events
        if e.type == "OUTPUT" or e.artifact_id not in made
    }
    return Subgraph(artifacts=found.artifacts, executions={run.execution_id: run}, events=tuple(kept.values()))


def _small_enough(found: Subgraph) -> Subgraph:
    if max(len(found.artifacts), len(found.executions), len(found.events)) > _SURFACE_LIMIT:
        raise _too_much()
    return found


def _too_much() -> FailedPrecondition:
    return FailedPrecondition(
        f"The lineage has more than {_SURFACE_LIMIT} artifacts, executions or events; ask for fewer with max_hops or a "
        "filter, or use `trainshed lineage show`.",
        reason="LINEAGE_TOO_LARGE",
    )
