"""SQL of artifacts that say where a model was pushed to. Every function works inside the caller's transaction."""

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, func, select

from trainshed.lineage.addresses import bounds
from trainshed.lineage.model import Artifact, Event, Execution
from trainshed.lineage.store import artifacts, as_artifact, events, executions, pushes
from trainshed.lineage.store_graph import read_executions


def next_destination(conn: Connection, start: str) -> str:
    """Answer the first destination, in the order of addresses, from an address on; empty when there is none."""
    query = select(func.min(pushes.c.destination)).where(pushes.c.destination >= start)
    return conn.execute(query).scalar() or ""


def pushed_below(conn: Connection, folder: str, *, before: int | None = None, limit: int) -> list[Artifact]:
    """Read what was pushed into a folder, not into one further down, newest first."""
    first, end = bounds(folder)
    place, key = pushes.c.destination, pushes.c.artifact_id
    is_deeper = func.instr(func.substr(place, len(first) + 1), "/") > 0
    newest = select(key).where(place >= first, place < end, ~is_deeper).order_by((key + 0).desc()).limit(limit)
    if before is not None:
        newest = newest.where(key < before)
    query = select(artifacts).where(artifacts.c.id.in_(newest)).order_by(artifacts.c.id.desc())
    return [as_artifact(row) for row in conn.execute(query)]


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
