"""The graph in the store: everything above or below some nodes, read level by level.

An edge is an event; beside events, links of `store_links` lead further. Each level is a fixed number of queries, however
many nodes it has.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Select, bindparam, func, select

from trainshed.lineage.model import Event, Reading, Subgraph
from trainshed.lineage.store import artifacts, events, executions, read_artifacts, read_executions, readings
from trainshed.lineage.store_links import Links, read_by_name, readers, same
from trainshed.sql import chunks

T = TypeVar("T")

# Asked at every level, so made once.
_THESE: BindParameter[Any] = bindparam("ids", expanding=True)
_MAKERS = (
    select(events.c.execution_id)
    .join(executions, executions.c.id == events.c.execution_id)
    .where(events.c.type == "OUTPUT", executions.c.last_known_state != "CACHED", events.c.artifact_id.in_(_THESE))
)
_FIRST_MAKERS = (  # a thing that lay there before has as many makers as importers
    select(func.min(events.c.execution_id))
    .join(executions, executions.c.id == events.c.execution_id)
    .where(events.c.type == "OUTPUT", executions.c.last_known_state != "CACHED", events.c.artifact_id.in_(_THESE))
    .group_by(events.c.artifact_id)
)
_USERS = select(events.c.execution_id).where(events.c.type == "INPUT", events.c.artifact_id.in_(_THESE))
_INPUTS = select(events.c.artifact_id).where(events.c.type == "INPUT", events.c.execution_id.in_(_THESE))
_OUTPUTS = select(events.c.artifact_id).where(events.c.type == "OUTPUT", events.c.execution_id.in_(_THESE))


@dataclass(kw_only=True)
class _Walk:
    """What was found so far; depths are counted in edges."""

    artifact_depths: dict[int, int]
    execution_depths: dict[int, int]
    links: Links

    @property
    def size(self) -> int:
        return len(self.artifact_depths) + len(self.execution_depths)


def explore(
    conn: Connection,
    *,
    upstream: bool,
    from_artifacts: Iterable[int] = (),
    from_executions: Iterable[int] = (),
    depth: int | None = None,
    limit: int,
    without: Iterable[int] = (),
    is_brief: bool = False,
) -> Subgraph:
    """Read what is above (what things were made from) or below (what was made from them), `depth` edges far.

    `without` are executions at which to stop. A brief answer has only the first maker of each thing.
    """
    ignored = frozenset(without)
    walk = _Walk(
        artifact_depths=dict.fromkeys(from_artifacts, 0),
        execution_depths=dict.fromkeys(from_executions, 0),
        links=Links(is_upstream=upstream, is_brief=is_brief, most=limit),
    )
    things, doings, level = set(walk.artifact_depths), set(walk.execution_depths), 0
    while things or doings:
        if things:
            things |= _take(walk.artifact_depths, same(conn, walk.links, things), level, limit - walk.size)
        if depth is not None and level >= depth:
            break
        next_doings = _executions_next_to(conn, walk, things) if things else set()
        next_things = _artifacts_next_to(conn, walk, doings) if doings else set()
        level += 1
        things = _take(walk.artifact_depths, next_things, level, limit - walk.size)
        doings = _take(walk.execution_depths, next_doings - ignored, level, limit - walk.size)
        if walk.size > limit:
            break
    return _load(conn, walk, is_whole=walk.size <= limit and not walk.links.is_cut)


def between(conn: Connection, artifact_ids: Iterable[int], execution_ids: Iterable[int]) -> Subgraph:
    """Read these nodes, and the edges between them, and nothing else."""
    walk = _Walk(
        artifact_depths=dict.fromkeys(artifact_ids, 0),
        execution_depths=dict.fromkeys(execution_ids, 0),
        links=Links(is_upstream=True),
    )
    return _load(conn, walk, is_whole=True)


def with_artifacts(conn: Connection, execution_ids: Sequence[int]) -> Subgraph:
    """Read executions with everything that they read or made."""
    query = select(events.c.artifact_id)
    things = {
        i
        for part in chunks(execution_ids)
        for i in conn.execute(query.where(events.c.execution_id.in_(part))).scalars()
    }
    return between(conn, things, execution_ids)


def whole_context(conn: Connection, context_id: int) -> Subgraph:
    """Read the executions of a run with their artifacts."""
    ids = select(executions.c.id).where(executions.c.context_id == context_id)
    return with_artifacts(conn, list(conn.execute(ids).scalars()))


def reuses(conn: Connection, artifact_ids: Iterable[int]) -> dict[int, int]:
    """Count, for each artifact, the tasks that took it from the cache instead of making it."""
    query = (
        select(events.c.artifact_id, func.count())
        .join(executions, executions.c.id == events.c.execution_id)
        .where(events.c.type == "OUTPUT", executions.c.last_known_state == "CACHED")
        .group_by(events.c.artifact_id)
    )
    return {
        row[0]: row[1]
        for part in chunks(artifact_ids)
        for row in conn.execute(query.where(events.c.artifact_id.in_(part)))
    }


def same_content(conn: Connection, digests: Iterable[str]) -> dict[str, list[int]]:
    """Answer, for each content digest, the artifacts that have it, oldest first."""
    found: dict[str, list[int]] = defaultdict(list)
    for part in chunks({d for d in digests if d}):
        query = select(artifacts.c.digest, artifacts.c.id).where(artifacts.c.digest.in_(part)).order_by(artifacts.c.id)
        for digest, artifact_id in conn.execute(query):
            found[digest].append(artifact_id)
    return found


def _take(depths: dict[int, int], found: Iterable[int], level: int, room: int) -> set[int]:
    """Add what is new, the newest where there is not room for all: one more than that, which says that there is more."""
    new = {node for node in found if node not in depths}
    if len(new) > room:
        new = set(sorted(new, reverse=True)[: max(room, 0) + 1])
    depths.update(dict.fromkeys(new, level))
    return new


def _executions_next_to(conn: Connection, walk: _Walk, things: set[int]) -> set[int]:
    """Find who made these things, or who read them; reuse from the cache is no making."""
    if walk.links.is_upstream:
        return _ids(conn, _FIRST_MAKERS if walk.links.is_brief else _MAKERS, things)
    return _ids(conn, _USERS, things) | readers(conn, walk.links, things)


def _artifacts_next_to(conn: Connection, walk: _Walk, doings: set[int]) -> set[int]:
    """Find what these doings read, or what they made."""
    if walk.links.is_upstream:
        return _ids(conn, _INPUTS, doings) | read_by_name(conn, walk.links, doings)
    return _ids(conn, _OUTPUTS, doings)


def _ids(conn: Connection, query: Select[Any], ids: set[int]) -> set[int]:
    return {found for part in chunks(ids) for found in conn.execute(query, {"ids": part}).scalars()}


def _load(conn: Connection, walk: _Walk, *, is_whole: bool) -> Subgraph:
    edges = select(events).order_by(events.c.execution_id, events.c.type, events.c.position)
    found = [
        Event(**row._mapping)  # noqa: SLF001
        for part in chunks(walk.execution_depths)
        for row in conn.execute(edges.where(events.c.execution_id.in_(part)))
        if row.artifact_id in walk.artifact_depths
    ]
    addresses = select(readings.c.execution_id, readings.c.parameter, readings.c.path).where(readings.c.is_address)
    read = [
        Reading(execution_id=row[0], parameter=row[1], uri=row[2])
        for part in chunks(walk.execution_depths)
        for row in conn.execute(addresses.where(readings.c.execution_id.in_(part)))
    ]
    return Subgraph(
        artifacts=_ordered(read_artifacts(conn, walk.artifact_depths)),
        executions=_ordered(read_executions(conn, walk.execution_depths)),
        events=tuple(found),
        readings=tuple(read),
        same=_among(walk.links.same, walk.artifact_depths, walk.artifact_depths),
        by_name=_among(walk.links.by_name, walk.artifact_depths, walk.execution_depths),
        artifact_depths=walk.artifact_depths,
        execution_depths=walk.execution_depths,
        is_whole=is_whole,
    )


def _ordered(found: Mapping[int, T]) -> dict[int, T]:
    return dict(sorted(found.items()))


def _among(
    links: set[tuple[int, int]], left: Mapping[int, int], right: Mapping[int, int]
) -> tuple[tuple[int, int], ...]:
    return tuple(sorted((a, b) for a, b in links if a in left and b in right))
