"""A store as years of work leave it, made in a minute: for measurements of its size, and for tests in small.

`fill` writes rows past the services, through the features' own tables, so that every constraint holds: what is not null,
what is unique, which states there are and which of them have ended. Everything has ended and nothing is due before next
month, so that a server over it is idle. Two stores of one scale differ only by the time that they end at.

    sheets.py     rows of one table, written by the thousand
    numbers.py    what is spread how: times, states, identifiers
    documents.py  the pipelines
    of_runs.py    runs, tasks, attempts, lineage
    of_events.py  topics, messages, schedules, receipts, functions
    of_builds.py  builds, their triggers and logs, buckets
"""

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import trainshed.app.features  # noqa: F401  (every table)
from large_store import of_builds, of_events, of_runs
from large_store.numbers import Calendar
from large_store.scale import LARGE, SMALL, Scale
from trainshed.sql.migrations import open_store

__all__ = ["LARGE", "SMALL", "Made", "Scale", "fill"]

_FAST = ("journal_mode=OFF", "synchronous=OFF", "cache_size=-500000", "temp_store=MEMORY", "foreign_keys=OFF")


@dataclass(frozen=True, kw_only=True)
class Made:
    """Where to look in what was made."""

    home: Path
    wide_runs: dict[int, str]  # by how many tasks they have
    build: str  # with the long log
    function: str  # that was called most
    topic: str  # with the most messages


def fill(home: Path, scale: Scale, *, until: datetime) -> Made:
    """Make a home directory whose store ends at a time."""
    home.mkdir(parents=True, exist_ok=True)
    path = home / "trainshed.db"
    open_store(path)
    calendar = Calendar(until=until, days=scale.days)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for pragma in _FAST:
            connection.execute(f"PRAGMA {pragma}")
        indexes = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL")
        later = indexes.fetchall()
        for name, _ in later:
            connection.execute(f"DROP INDEX {name}")
        connection.execute("BEGIN")
        runs = of_runs.write(connection, scale, calendar)
        of_events.write(connection, scale, calendar, runs.started)
        build = of_builds.write(connection, scale, calendar, home, runs.pushed)
        connection.execute("COMMIT")
        for _, sql in later:
            connection.execute(sql)
        connection.execute("PRAGMA journal_mode=WAL")
    return Made(home=home, wide_runs=runs.wide, build=build, function=of_events.FUNCTIONS[0], topic=of_events.TOPICS[0])
