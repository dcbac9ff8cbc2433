"""What leads from node to node beside events: the same content under the same address, and data read by its address.

An artifact leads to others with the same content under the same address (an import of what a task made); what an
execution read by its address leads to the artifact that lay there.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain, islice
from typing import Any

from sqlalchemy import BindParameter, Connection, Select, and_, bindparam, or_, select

from trainshed.lineage.addresses import bounds, plain, spellings, trail
from trainshed.lineage.store import artifacts, events, executions, readings
from trainshed.sql import chunks

_RANGES = 200  # ranges in one query
_PAIRS = 200_000  # links by address that one level may have: everybody who read a folder times everything in it
_FEW_PAIRS = 5_000  # in a brief answer

# Asked at every level, so made once.
_THESE: BindParameter[Any] = bindparam("ids", expanding=True)
_ADDRESSES = (
    select(readings.c.path, executions.c.id, executions.c.create_time)
    .join(executions, executions.c.id == readings.c.execution_id)
    .where(readings.c.is_address, readings.c.execution_id.in_(_THESE))
)
_PLACES = select(artifacts.c.id, artifacts.c.uri, artifacts.c.digest, artifacts.c.create_time)
_PLACES_BY_ID = _PLACES.where(artifacts.c.id.in_(_THESE))
_PLACES_BY_URI = _PLACES.where(artifacts.c.uri.in_(_THESE))


@dataclass(kw_only=True)
class Links:
    """Those found so far, in one direction."""

    is_upstream: bool
    is_brief: bool = False
    most: int = 0  # of what one query answers, where the answer is brief
    same: set[tuple[int, int]] = field(default_factory=set)  # an older and a newer artifact
    by_name: set[tuple[int, int]] = field(default_factory=set)  # an artifact, and an execution that read it
    is_cut: bool = False  # there are more


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An artifact as far as its address is concerned."""

    artifact_id: int
    uri: str
    digest: str
    create_time: datetime


def same(conn: Connection, links: Links, things: set[int]) -> set[int]:
    """Find artifacts with the same content under the same address: older ones upstream, newer ones downstream."""
    classes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for place in _places(conn, _PLACES_BY_ID, things):
        if place.uri and place.digest:
            classes[place.uri, place.digest].append(place.artifact_id)
    pick = max if links.is_upstream else min
    pivots = {key: pick(ids) for key, ids in classes.items()}
    found = set()
    for place in _places(conn, _PLACES_BY_URI, {uri for uri, _ in classes}):
        pivot = pivots.get((place.uri, place.digest), place.artifact_id)
        if (place.artifact_id < pivot) if links.is_upstream else (place.artifact_id > pivot):
            links.same.add((min(place.artifact_id, pivot), max(place.artifact_id, pivot)))
            found.add(place.artifact_id)
    return found


def readers(conn: Connection, links: Links, things: set[int]) -> set[int]:
    """Find executions that read these artifacts by their addresses, by that of a file in them, or of a folder around."""
    places = [p for p in _places(conn, _PLACES_BY_ID, things) if p.uri.startswith("gs://")]
    within: dict[str, list[_Place]] = defaultdict(list)  # a folder or the address itself -> what lies there
    exact: dict[str, list[_Place]] = defaultdict(list)
    for place in places:
        exact[plain(place.uri)].append(place)
        for path in trail(place.uri):
            within[path].append(place)
    rows = [row for part in chunks(within) for row in _readings_of(conn, links, part, exact)]
    pairs = ((p, row.id, row.create_time) for row in rows for p in (within if row.is_address else exact)[row.path])
    return {execution for _, execution in _linked(conn, links, pairs)}


def _readings_of(conn: Connection, links: Links, paths: Sequence[str], exact: Collection[str]) -> Sequence[Any]:
    """Read who named one of these paths as an address, or one of those that are exact at all."""
    path = readings.c.path
    chosen = select(path, readings.c.is_address, readings.c.execution_id).where(
        or_(and_(path.in_(paths), readings.c.is_address), path.in_([p for p in paths if p in exact]))
    )
    if links.is_brief:  # every run may read one bucket
        chosen = chosen.order_by(readings.c.execution_id.desc()).limit(links.most)
    of = chosen.subquery().c
    query = select(of.path, of.is_address, executions.c.id, executions.c.create_time)
    rows = conn.execute(query.join(executions, executions.c.id == of.execution_id)).all()
    links.is_cut |= links.is_brief and len(rows) >= links.most
    return rows


def read_by_name(conn: Connection, links: Links, doings: set[int]) -> set[int]:
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
        for place in _below(conn, links, at)
        for path in trail(place.uri)[1:]
        for row in at.get(path, ())
    )
    return {artifact for artifact, _ in _linked(conn, links, chain(around, below))}


def _linked(conn: Connection, links: Links, found: Iterable[tuple[_Place, int, datetime]]) -> set[tuple[int, int]]:
    """Keep the pairs in which the artifact is what lay there when the execution read it."""
    most = _FEW_PAIRS if links.is_brief else _PAIRS
    pairs = set(islice(found, most))
    links.is_cut |= len(pairs) == most
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
    links.by_name |= kept
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


def _below(conn: Connection, links: Links, folders: Iterable[str]) -> list[_Place]:
    found = []
    for part in chunks(folders, _RANGES):
        ranges = [and_(artifacts.c.uri >= low, artifacts.c.uri < high) for low, high in map(bounds, part)]
        query = _PLACES.where(or_(*ranges))
        rows = conn.execute(query.limit(links.most) if links.is_brief else query).all()
        links.is_cut |= links.is_brief and len(rows) >= links.most
        found += [_place(row) for row in rows]
    return found


def _place(row: Any) -> _Place:
    return _Place(artifact_id=row.id, uri=row.uri, digest=row.digest, create_time=row.create_time)
