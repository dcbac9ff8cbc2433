"""SQL of artifacts that say where a model was pushed to. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Integer, Select, Text, bindparam, func, select

from trainshed.lineage.addresses import bounds
from trainshed.lineage.model import Artifact, Event, Execution
from trainshed.lineage.store import artifacts, as_artifact, as_artifact_of, events, executions, pushes, read_executions
from trainshed.sql import Prepared

_NEVER = (1 << 63) - 1  # no artifact has a number so high


def next_destination(conn: Connection, start: str) -> str:
    """Answer the first destination, in the order of addresses, from an address on; empty when there is none."""
    query = select(func.min(pushes.c.destination)).where(pushes.c.destination >= start)
    return conn.execute(query).scalar() or ""


def pushed_below(conn: Connection, folder: str, *, before: int | None = None, limit: int) -> list[Artifact]:
    """Read what was pushed into a folder, not into one further down, newest first."""
    first, end = bounds(folder)
    values = {"first": first, "end": end, "before": _NEVER if before is None else before, "most": limit}
    return [as_artifact_of(zip(_COLUMNS, row, strict=True)) for row in _BELOW.rows(conn, **values)]


def _below() -> Select[Any]:
    place, key = pushes.c.destination, pushes.c.artifact_id
    first = bindparam("first", type_=Text)
    is_deeper = func.instr(func.substr(place, func.length(first) + 1), "/") > 0
    inside = (place >= first, place < bindparam("end"), key < bindparam("before"), ~is_deeper)
    newest = select(key).where(*inside).order_by((key + 0).desc()).limit(bindparam("most", type_=Integer))
    return select(artifacts).where(artifacts.c.id.in_(newest)).order_by(artifacts.c.id.desc())


_BELOW = Prepared(_below())  # the overview asks for each of its models
_COLUMNS = [column.name for column in artifacts.columns]


def pushed_to(conn: Connection, destination: str) -> Artifact | None:
    """Find what was last pushed to an address."""
    newest = select(func.max(pushes.c.artifact_id)).where(pushes.c.destination == destination)
    row = conn.execute(select(artifacts).where(artifacts.c.id == newest.scalar_subquery())).one_or_none()
    return None if row is None else as_artifact(row)


def makers(conn: Connection, artifact_ids: Iterable[int]) -> dict[int, Execution]:
    """Answer the execution that made each of these, those left out that took it from the cache."""
    query = (
        select(events.c.artifact_id, executions.c.id)
        .join(executions, executions.c.id == events.c.execution_id)
        .where(events.c.type == "OUTPUT", events.c.artifact_id.in_(list(artifact_ids)))
        .where(executions.c.last_known_state != "CACHED")
        .order_by(executions.c.id.desc())
    )
    pairs = [(row[0], row[1]) for row in conn.execute(query)]
    found = read_executions(conn, {execution_id for _, execution_id in pairs})
    return {artifact_id: found[execution_id] for artifact_id, execution_id in pairs}


def events_of(conn: Connection, execution_ids: Sequence[int]) -> list[Event]:
    """Read what some executions read and made, in the order in which they were given it."""
    query = select(events).where(events.c.execution_id.in_(execution_ids))
    ordered = query.order_by(events.c.execution_id, events.c.type, events.c.position)
    return [Event(**row._mapping) for row in conn.execute(ordered)]  # noqa: SLF001  (a row's public mapping)
