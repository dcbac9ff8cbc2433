"""What people write on runs, in their rows. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Connection, update

from trainshed.runs.lifecycle import RUN
from trainshed.runs.store import run_channel, runs
from trainshed.sql import changes, notify


def set_labels(conn: Connection, name: str, labels: Mapping[str, str], *, now: datetime) -> None:
    """Write a run's labels anew."""
    conn.execute(update(runs).where(runs.c.name == name).values(labels=dict(labels), update_time=now))
    for channel in (changes(RUN.noun), changes(RUN.noun, name), run_channel(name)):
        notify(conn, channel)
