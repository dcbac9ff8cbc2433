"""What the tasks of a run made, without reading everything that they did."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import Column, ColumnElement, Connection, Select, Text, bindparam, false, func, or_, select, type_coerce

from trainshed.lineage.model import CONTAINER, IMPORTER, RUN, Artifact
from trainshed.lineage.store import artifacts, events, executions, read_artifacts

_MAKERS = (CONTAINER, IMPORTER)  # a DAG's outputs are those of the tasks in it
_OUTSIDE_LOOPS = executions.c.name.not_like("%[%")  # where iterations of a loop have their number


@dataclass(frozen=True, kw_only=True)
class Product:
    """An artifact as the output of a task."""

    task: str  # path in the run
    key: str  # of the output
    artifact: Artifact


class Output(NamedTuple):
    """An artifact as an account of a run tells of it, which may have thousands."""

    artifact: str  # its public id
    name: str
    type: str  # schema title
    uri: str
    task: str  # path in the run
    is_reused: bool
    metadata: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Outputs:
    """What the tasks of a run made, as far as an account of it tells it."""

    count: int
    first: Sequence[Output]
    telling: Sequence[Output]  # whose metadata may say more than a number: the first ones of those


@dataclass(frozen=True, kw_only=True)
class Work:
    """What lineage says of a task beside its artifacts."""

    task: str
    code: Mapping[str, Any] | None
    properties: Mapping[str, Any]


def works_of_context(conn: Connection, context_id: int, *, limit: int = 1000) -> list[Work]:
    """Read the doings of a run's tasks outside of loops, imports among them, in the order in which they ended."""
    c = executions.c
    query = select(c.name, c.code, c.properties).where(c.context_id == context_id, _OUTSIDE_LOOPS)
    query = query.where(_without_index(c.schema_title).in_(_MAKERS))
    return [
        Work(task=row.name.partition("/tasks/")[2], code=row.code, properties=row.properties)
        for row in conn.execute(query.order_by(c.id).limit(limit))
    ]


def count_outside_loops(conn: Connection, context_id: int) -> tuple[int, int]:
    """Count the doings of a run's tasks outside of loops, and what these made."""
    makers = _without_index(executions.c.schema_title).in_(_MAKERS)
    of_run = executions.c.context_id == context_id, _OUTSIDE_LOOPS, makers
    works = select(func.count()).select_from(executions).where(*of_run)
    made = select(func.count()).select_from(events.join(executions, executions.c.id == events.c.execution_id))
    made = made.where(*of_run, events.c.type == "OUTPUT")
    return conn.execute(works).scalar_one(), conn.execute(made).scalar_one()


def outputs_of_run(
    conn: Connection, context_id: int, run: str, *, telling: Sequence[str] = (), most: int = 100
) -> Outputs:
    """Read what the tasks of a run made or took from the cache, in the order in which they ended.

    `telling` are words of metadata that are worth a look wherever they stand, `most` says how many are read of each.
    """
    of_run = _of_run(run)
    tells = or_(*(func.instr(_METADATA, word) > 0 for word in telling)) if telling else false()

    def read(*conditions: ColumnElement[bool]) -> list[Output]:
        rows = conn.execute(_OUTPUTS.where(of_run, *conditions).limit(most), {"context": context_id})
        return [
            Output(public or str(key), name or path, title, uri, doing.partition("/tasks/")[2], came is not None, told)
            for doing, came, path, key, public, name, title, uri, told in rows
        ]

    first = read()
    if len(first) < most:
        return Outputs(count=len(first), first=first, telling=first)
    counted = _OUTPUTS.with_only_columns(func.count()).where(of_run).order_by(None)
    count = conn.execute(counted, {"context": context_id}).scalar_one()
    return Outputs(count=count, first=first, telling=read(tells))


def measures_of_run(conn: Connection, context_id: int, run: str, titles: Sequence[str]) -> dict[str, Mapping[str, Any]]:
    """Read the metadata of what a run made of some types, by its name: of several of one name that of the last one."""
    name = func.coalesce(func.nullif(artifacts.c.name, ""), events.c.path)
    order = (events.c.execution_id.desc(), events.c.position.desc())
    rank = func.row_number().over(partition_by=name, order_by=order).label("rank")
    found = _OUTPUTS.with_only_columns(name.label("name"), artifacts.c.metadata, rank).order_by(None)
    found = found.where(_of_run(run), artifacts.c.schema_title.in_(titles))
    last = found.subquery()
    rows = conn.execute(select(last.c.name, last.c.metadata).where(last.c.rank == 1), {"context": context_id})
    return {row.name: row.metadata for row in rows}


def _of_run(run: str) -> ColumnElement[bool]:
    start = f"{run}/tasks/"
    return func.substr(executions.c.name, 1, len(start)) == start


def _outputs() -> Select[Any]:
    e, a = executions.c, artifacts.c
    joined = executions.join(events, events.c.execution_id == e.id).join(artifacts, a.id == events.c.artifact_id)
    return (
        select(e.name, e.cached_from, events.c.path, a.id, a.resource_id, a.name, a.schema_title, a.uri, a.metadata)
        .select_from(joined)
        .where(e.context_id == bindparam("context"), e.schema_title != RUN, e.schema_title != IMPORTER)
        .where(events.c.type == "OUTPUT")
        .order_by(e.id, events.c.position)  # by the key that leads through: the first ones are found without the rest
    )


_OUTPUTS = _outputs()
_METADATA = type_coerce(artifacts.c.metadata, Text)  # as it is written


def products_of_context(
    conn: Connection, context_id: int, *, titles: Sequence[str] = (), limit: int = 1000, outside_loops: bool = False
) -> list[Product]:
    """Read what the tasks of a run made, in the order in which they ended; of these types (schema titles) alone."""
    found = products_of_contexts(conn, [context_id], titles=titles, limit=limit, outside_loops=outside_loops)
    return found.get(context_id, [])


def products_of_contexts(
    conn: Connection,
    context_ids: Sequence[int],
    *,
    titles: Sequence[str] = (),
    limit: int = 1000,
    outside_loops: bool = False,
) -> dict[int, list[Product]]:
    """Read what the tasks of several runs made, by their contexts; `limit` is for all of them together.

    What the older ones made is left out first.
    """
    joined = events.join(executions, executions.c.id == events.c.execution_id)
    joined = joined.join(artifacts, artifacts.c.id == events.c.artifact_id)
    query = (
        select(executions.c.context_id, executions.c.name, events.c.path, events.c.artifact_id)
        .select_from(joined)
        .where(executions.c.context_id.in_(context_ids), _without_index(executions.c.schema_title).in_(_MAKERS))
        .where(events.c.type == "OUTPUT")
        .order_by(executions.c.context_id.desc(), executions.c.id, events.c.position)
        .limit(limit)
    )
    if titles:
        query = query.where(_without_index(artifacts.c.schema_title).in_(titles))
    if outside_loops:
        query = query.where(_OUTSIDE_LOOPS)
    edges = conn.execute(query).all()
    things = read_artifacts(conn, {edge.artifact_id for edge in edges})
    found: dict[int, list[Product]] = {}
    for edge in edges:
        product = Product(task=edge.name.partition("/tasks/")[2], key=edge.path, artifact=things[edge.artifact_id])
        found.setdefault(edge.context_id, []).append(product)
    return found


def _without_index(column: Column[str]) -> ColumnElement[str]:
    """Answer a column whose index is left alone: there are few types, and very many rows of each."""
    return func.coalesce(column, "")
