"""The commit that the code of each run is of: kept in its row, so that all runs of a commit are found by index.

A run that a commit led to knows it from the beginning. Of every other one it is looked for once it has ended, by whoever
knows what built the files and images that its tasks used.
"""

import re
from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, func, or_, select, update

from trainshed import ledger
from trainshed.errors import InvalidArgument
from trainshed.runs import store
from trainshed.runs.lifecycle import RUN
from trainshed.sql import changes, notify

_c = store.runs.c
_SHA = re.compile("[0-9a-f]{7,64}")
_AFTER_ALL = "g"  # sorts after every digit of a commit
_MOST = 20  # commits that the beginning of one may mean
Run = tuple[str, datetime]  # name, end


def first(conn: Connection, receipt_id: str) -> str | None:
    """Answer the commit that led to a run; what is not known of it now is looked for when the run has ended."""
    return (ledger.first_commit(conn, receipt_id) if receipt_id else "") or None


def unknown(conn: Connection, limit: int) -> list[Run]:
    """Read which runs have ended whose commit was not looked for since then, the newest first."""
    query = select(_c.name, _c.end_time).where(_c.commit_sha.is_(None), _c.end_time.is_not(None))
    rows = conn.execute(query.order_by(_c.create_time.desc(), _c.name.desc()).limit(limit))
    return [(name, end) for name, end in rows]


def note(conn: Connection, found: Mapping[Run, str]) -> None:
    """Keep the commits of runs, unless they went on in the meantime; empty: nobody knows it."""
    for (name, end), sha in found.items():
        guard = (_c.name == name, _c.end_time == end, _c.commit_sha.is_(None))
        if conn.execute(update(store.runs).where(*guard).values(commit_sha=sha)).rowcount:
            notify(conn, changes(RUN.noun))
            notify(conn, store.run_channel(name))


def are_of(conn: Connection, text: str) -> ColumnElement[bool]:
    """Answer the condition that runs are of a commit, given its first seven characters or more. Raises InvalidArgument."""
    begin = text.strip().lower()
    if not _SHA.fullmatch(begin):
        raise InvalidArgument.field("commit", f"{text!r} is not a commit: give seven or more of its hexadecimal digits")
    meant = _meant(conn, begin) or [begin]
    return or_(*(_c.commit_sha == sha for sha in meant)) if len(meant) > 1 else _c.commit_sha == meant[0]


def _meant(conn: Connection, begin: str) -> list[str]:
    """Step through the commits that begin so: runs of one lie together in the index."""
    found: list[str] = []
    least = _c.commit_sha >= begin
    while len(found) < _MOST:
        query = select(func.min(_c.commit_sha)).where(least, _c.commit_sha < begin + _AFTER_ALL)
        sha = conn.execute(query).scalar()
        if sha is None:
            break
        found.append(sha)
        least = _c.commit_sha > sha
    return found
