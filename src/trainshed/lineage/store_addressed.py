"""What has to do with an address in the store, as far as one asks for: a bucket may hold everything that there is."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, or_, select

from trainshed.lineage.addresses import bounds, plain, spellings, trail
from trainshed.lineage.store import artifacts, executions, readings

_LATEST = 20_000  # artifacts among which one looks first for those of a folder


@dataclass(frozen=True, kw_only=True)
class Found:
    """What has to do with an address."""

    things: list[int]  # artifacts at it, in it, or around it
    doings: list[int]  # executions that read it by name
    is_cut: bool  # there is more


def at_address(conn: Connection, uri: str, *, most: int, since: datetime | None = None) -> Found:
    """Answer at most so many artifacts and executions, the newest ones; from a time on, the first executions after it."""
    path = readings.c.path
    is_it, around = path == plain(uri), trail(uri)[1:]
    has_read = or_(is_it, and_(path.in_(around), readings.c.is_address)) if around else is_it
    doings = select(readings.c.execution_id).where(has_read)
    order: Any = readings.c.execution_id.desc()
    if since is not None:
        doings = doings.join(executions, executions.c.id == readings.c.execution_id)
        doings, order = doings.where(executions.c.create_time >= since), readings.c.execution_id
    found = list(conn.execute(doings.distinct().order_by(order).limit(most + 1)).scalars())
    things = _things_at(conn, uri, most + 1)
    is_cut = max(len(found), len(things)) > most
    return Found(things=sorted(things[:most]), doings=sorted(found[:most]), is_cut=is_cut)


def _things_at(conn: Connection, uri: str, most: int) -> list[int]:
    """Answer artifacts of an address, the newest first where there are many."""
    low, high = bounds(uri)
    around = spellings(trail(uri)[:-1] or [plain(uri)])  # a bucket as a whole is nobody's artifact
    table = artifacts.c
    latest = select(table.id, table.uri).order_by(table.id.desc()).limit(_LATEST).subquery().c
    found = list(conn.execute(select(latest.id).where(latest.uri >= low, latest.uri < high).limit(most)).scalars())
    if len(found) < most:  # not among what was made lately; a folder may hold nearly everything there is
        below = select(table.id).where(table.uri >= low, table.uri < high).limit(max(most, _LATEST)).subquery().c
        found = list(conn.execute(select(below.id).order_by(below.id.desc()).limit(most)).scalars())
    at = conn.execute(select(table.id).where(table.uri.in_(around)).order_by(table.id.desc()).limit(most)).scalars()
    return list(dict.fromkeys([*at, *found]))[:most]
