"""The graph in the store: everything above or below some nodes, read level by level.

An edge is an event; beside events, two links lead further: data that an execution read by its address leads to the
artifact that lay there, and an artifact to others with the same content under the same address (an import of what a
task made). Each level is a fixed number of queries, however many nodes it has.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any, TypeVar

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, func, or_, select

from trainshed.lineage.addresses import bounds, plain, trail
from trainshed.lineage.model import Artifact, Event, Execution, Reading, Subgraph
from trainshed.lineage.store import artifacts, as_artifact, as_execution, events, executions, readings

T = TypeVar("T")
_CHUNK = 2000  # values in one query
_RANGES = 200  # ranges in one query
_PAIRS = 200_000  # links by address that one level may have: everybody who read a folder times everything in it
_FEW_PAIRS = 5_000  # in a brief answer


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
_ADDRESSES = (
    select(readings.c.path, executions.c.id, executions.c.create_time)
    .join(executions, executions.c.id == readings.c.execution_id)
    .where(readings.c.is_address, readings.c.execution_id.in_(_THESE))
)
_PLACES = select(artifacts.c.id, artifacts.c.uri, artifacts.c.digest, artifacts.c.create_time)
_PLACES_BY_ID = _PLACES.where(artifacts.c.id.in_(_THESE))
_PLACES_BY_URI = _PLACES.where(artifacts.c.uri.in_(_THESE))


@dataclass(kw_only=True)
class _Walk:
    """What was found so far; depths are counted in edges."""

    is_upstream: bool
    artifact_depths: dict[int, int]
    execution_depths: dict[int, int]
    is_brief: bool = False
    most: int = 0  # of what one query answers, where the answer is brief
    same: set[tuple[int, int]] = field(default_factory=set)
    by_name: set[tuple[int, int]] = field(default_factory=set)
    is_cut: bool = False

    @property
    def size(self) -> int:
        return len(self.artifact_depths) + len(self.execution_depths)


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An artifact as far as its address is concerned."""

    artifact_id: int
    uri: str
    digest: str
    create_time: datetime


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
        is_upstream=upstream,
        is_brief=is_brief,
        most=limit,
        artifact_depths=dict.fromkeys(from_artifacts, 0),
        execution_depths=dict.fromkeys(from_executions, 0),
    )
    things, doings, level = set(walk.artifact_depths), set(walk.execution_depths), 0
    while things or doings:
        if things:
            things |= _take(walk.artifact_depths, _same(conn, walk, things), level, limit - walk.size)
        if depth is not None and level >= depth:
            break
        next_doings = _executions_next_to(conn, walk, things) if things else set()
        next_things = _artifacts_next_to(conn, walk, doings) if doings else set()
        level += 1
        things = _take(walk.artifact_depths, next_things, level, limit - walk.size)
        doings = _take(walk.execution_depths, next_doings - ignored, level, limit - walk.size)
        if walk.size > limit:
            break
    return _load(conn, walk, is_whole=walk.size <= limit and not walk.is_cut)


def between(conn: Connection, artifact_ids: Iterable[int], execution_ids: Iterable[int]) -> Subgraph:
    """Read these nodes, and the edges between them, and nothing else."""
    walk = _Walk(
        is_upstream=True,
        artifact_depths=dict.fromkeys(artifact_ids, 0),
        execution_depths=dict.fromkeys(execution_ids, 0),
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


def chunks(values: Iterable[T], size: int = _CHUNK) -> Iterator[Sequence[T]]:
    """Cut values into what fits into one query."""
    everything = list(values)
    for start in range(0, len(everything), size):
        yield everything[start : start + size]


def read_executions(conn: Connection, ids: Iterable[int]) -> dict[int, Execution]:
    """Read executions by id."""
    query = select(executions)
    return {
        row.id: as_execution(row)
        for part in chunks(ids)
        for row in conn.execute(query.where(executions.c.id.in_(part)))
    }


def read_artifacts(conn: Connection, ids: Iterable[int]) -> dict[int, Artifact]:
    """Read artifacts by id."""
    query = select(artifacts)
    return {
        row.id: as_artifact(row) for part in chunks(ids) for row in conn.execute(query.where(artifacts.c.id.in_(part)))
    }


def _take(depths: dict[int, int], found: Iterable[int], level: int, room: int) -> set[int]:
    """Add what is new, the newest where there is not room for all: one more than that, which says that there is more."""
    new = {node for node in found if node not in depths}
    if len(new) > room:
        new = set(sorted(new, reverse=True)[: max(room, 0) + 1])
    depths.update(dict.fromkeys(new, level))
    return new


def _executions_next_to(conn: Connection, walk: _Walk, things: set[int]) -> set[int]:
    """Find who made these things, or who read them; reuse from the cache is no making."""
    if walk.is_upstream:
        return _ids(conn, _FIRST_MAKERS if walk.is_brief else _MAKERS, things)
    return _ids(conn, _USERS, things) | _readers(conn, walk, things)


def _artifacts_next_to(conn: Connection, walk: _Walk, doings: set[int]) -> set[int]:
    """Find what these doings read, or what they made."""
    if walk.is_upstream:
        return _ids(conn, _INPUTS, doings) | _read_by_name(conn, walk, doings)
    return _ids(conn, _OUTPUTS, doings)


def _ids(conn: Connection, query: Select[Any], ids: set[int]) -> set[int]:
    return {found for part in chunks(ids) for found in conn.execute(query, {"ids": part}).scalars()}


def _same(conn: Connection, walk: _Walk, things: set[int]) -> set[int]:
    """Find artifacts with the same content under the same address: older ones upstream, newer ones downstream."""
    classes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in _places(conn, _PLACES_BY_ID, things):
        if place.uri and place.digest:
            classes[place.uri, place.digest].append(place.artifact_id)
    pick = max if walk.is_upstream else min
    pivots = {key: pick(ids) for key, ids in classes.items()}
    found = set()
    for place in _places(conn, _PLACES_BY_URI, {uri for uri, _ in classes}):
        pivot = pivots.get((place.uri, place.digest), place.artifact_id)
        if (place.artifact_id < pivot) if walk.is_upstream else (place.artifact_id > pivot):
            walk.same.add((min(place.artifact_id, pivot), max(place.artifact_id, pivot)))
            found.add(place.artifact_id)
    return found


def _readers(conn: Connection, walk: _Walk, things: set[int]) -> set[int]:
    """Find executions that read these artifacts by their addresses, by that of a file in them, or of a folder around."""
    places = [p for p in _places(conn, _PLACES_BY_ID, things) if p.uri.startswith("gs://")]
    within: dict[str, list[_Place]] = defaultdict(list)  # a folder or the address itself -> what lies there
    exact: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        exact[plain(place.uri)].append(place)
        for path in trail(place.uri):
            within[path].append(place)
    rows = [row for part in chunks(within) for row in _readings_of(conn, walk, part, exact)]
    pairs = ((p, row.id, row.create_time) for row in rows for p in (within if row.is_address else exact)[row.path])
    return {execution for _, execution in _linked(conn, walk, pairs)}


def _readings_of(conn: Connection, walk: _Walk, paths: Sequence[str], exact: Collection[str]) -> Sequence[Any]:
    """Read who named one of these paths as an address, or one of those that are exact at all."""
    path = readings.c.path
    chosen = select(path, readings.c.is_address, readings.c.execution_id).where(
        or_(and_(path.in_(paths), readings.c.is_address), path.in_([p for p in paths if p in exact]))
    )
    if walk.is_brief:  # every run may read one bucket
        chosen = chosen.order_by(readings.c.execution_id.desc()).limit(walk.most)
    of = chosen.subquery().c
    query = select(of.path, of.is_address, executions.c.id, executions.c.create_time)
    rows = conn.execute(query.join(executions, executions.c.id == of.execution_id)).all()
    walk.is_cut |= walk.is_brief and len(rows) >= walk.most
    return rows


def _read_by_name(conn: Connection, walk: _Walk, doings: set[int]) -> set[int]:
    """Find the artifacts that lay where these executions read data by its address."""
    rows = [row for part in chunks(doings) for row in conn.execute(_ADDRESSES, {"ids": part})]
    above: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        for path in trail(row.path):
            above[path].append(row)
    around = (
        (place, row.id, row.create_time)
        for place in _places(conn, _PLACES_BY_URI, spellings(above))
        for row in above[plain(place.uri)]
    )
    at: dict[str, list[Any]] = defaultdict(list)
    for row in rows:
        at[row.path].append(row)
    below = (
        (place, row.id, row.create_time)
        for place in _below(conn, walk, at)
        for path in trail(place.uri)[1:]
        for row in at.get(path, ())
    )
    return {artifact for artifact, _ in _linked(conn, walk, chain(around, below))}


def _linked(conn: Connection, walk: _Walk, found: Iterable[tuple[_Place, int, datetime]]) -> set[tuple[int, int]]:
    """Keep the pairs in which the artifact is what lay there when the execution read it."""
    most = _FEW_PAIRS if walk.is_brief else _PAIRS
    pairs = set(islice(found, most))
    walk.is_cut |= len(pairs) == most
    if not pairs:
        return set()
    history: dict[str, list[_Place]] = defaultdict(list)
    for place in _places(conn, _PLACES_BY_URI, {place.uri for place, _, _ in pairs}):
        history[place.uri].append(place)
    own = _outputs(conn, {execution for _, execution, _ in pairs})
    kept = {
        (place.artifact_id, execution)
        for place, execution, time in pairs
        if place.create_time <= time
        and (place.artifact_id, execution) not in own
        and not any(
            place.artifact_id < later.artifact_id and later.create_time <= time and later.digest != place.digest
            for later in history[place.uri]
        )
    }
    walk.by_name |= kept
    return kept


def _outputs(conn: Connection, doings: set[int]) -> set[tuple[int, int]]:
    query = select(events.c.artifact_id, events.c.execution_id).where(events.c.type == "OUTPUT")
    return {
        (row[0], row[1])
        for part in chunks(doings)
        for row in conn.execute(query.where(events.c.execution_id.in_(part)))
    }


def _places(conn: Connection, query: Select[Any], values: Iterable[Any]) -> list[_Place]:
    return [_place(row) for part in chunks(values) for row in conn.execute(query, {"ids": part})]


def _below(conn: Connection, walk: _Walk, folders: Iterable[str]) -> list[_Place]:
    found = []
    for part in chunks(folders, _RANGES):
        ranges = [and_(artifacts.c.uri >= low, artifacts.c.uri < high) for low, high in map(bounds, part)]
        query = _PLACES.where(or_(*ranges))
        rows = conn.execute(query.limit(walk.most) if walk.is_brief else query).all()
        walk.is_cut |= walk.is_brief and len(rows) >= walk.most
        found += [_place(row) for row in rows]
    return found


def _place(row: Any) -> _Place:
    return _Place(artifact_id=row.id, uri=row.uri, digest=row.digest, create_time=row.create_time)


def spellings(uris: Iterable[str]) -> list[str]:
    """Answer each address as a file and as a folder."""
    return [spelling for uri in uris for spelling in (uri, f"{uri}/")]


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
        same=_among(walk.same, walk.artifact_depths, walk.artifact_depths),
        by_name=_among(walk.by_name, walk.artifact_depths, walk.execution_depths),
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
