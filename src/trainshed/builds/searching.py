"""What people look for among builds. All of it is done by the database, by index, newest builds first."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from trainshed import names
from trainshed.builds import store
from trainshed.builds.model import Build

_BEGINNING = re.compile(r"[0-9a-f-]{4,40}")
_AFTER_HEX = "g"  # sorts behind every identifier that goes on in hexadecimal digits


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which builds somebody looks for; what is empty does not matter."""

    state: str = ""
    trigger: str = ""  # resource name
    since: datetime | None = None  # created then or later
    text: str = ""  # the beginning of a build's or a commit's identifier, or a branch or tag
    page_size: int = 50
    page_token: str = ""


def page(conn: Connection, wanted: Search) -> tuple[list[Build], str]:
    """Answer a page, without steps, and the token of the next one. Raises InvalidArgument."""
    before = names.read_time_token(wanted.page_token)
    keys: set[tuple[datetime, str]] = set()
    for way in _ways(wanted.text):
        keys.update(_keys(conn, wanted, way, before))
    newest = sorted(keys, reverse=True)
    found = [build_id for _, build_id in newest[: wanted.page_size]]
    if not found:
        return [], ""
    c = store.builds.c
    rows = conn.execute(select(store.builds).where(c.id.in_(found)).order_by(c.create_time.desc(), c.id.desc()))
    builds = [Build.from_row(row) for row in rows]
    if len(newest) <= wanted.page_size:
        return builds, ""
    return builds, names.time_token(builds[-1].create_time, builds[-1].build_id)


def count(conn: Connection, states: Sequence[str]) -> int:
    """Count the builds in some states."""
    return conn.execute(select(func.count()).where(store.builds.c.state.in_(states))).scalar_one()


def _keys(
    conn: Connection, wanted: Search, way: ColumnElement[bool], before: tuple[datetime, str] | None
) -> list[tuple[datetime, str]]:
    """Look in one way, which has an index in the order of the list."""
    c = store.builds.c
    query = select(c.create_time, c.id).where(way).order_by(c.create_time.desc(), c.id.desc())
    if wanted.state:
        query = query.where(c.state == wanted.state)
    if wanted.trigger:
        query = query.where(c.trigger == wanted.trigger)
    if wanted.since is not None:
        query = query.where(c.create_time >= wanted.since)
    if before is not None:
        query = query.where(c.create_time <= before[0], (c.create_time < before[0]) | (c.id < before[1]))
    return [(row.create_time, row.id) for row in conn.execute(query.limit(wanted.page_size + 1))]


def _ways(text: str) -> Iterator[ColumnElement[bool]]:
    c = store.builds.c
    if not text:
        yield true()
        return
    yield c.ref == text
    if _BEGINNING.fullmatch(low := text.lower()):
        for column in (c.id, c.commit_sha):
            yield and_(column >= low, column < low + _AFTER_HEX)
