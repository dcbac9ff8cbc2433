"""Table and SQL of what is kept to be reused: which key names which task's outputs."""

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import Column, Connection, Index, Table, Text, delete, select

from trainshed.runs.model import TaskRow
from trainshed.runs.store_tasks import tasks
from trainshed.sql import Json, Timestamp, metadata

cache = Table(
    "task_cache",
    metadata,
    Column("key", Text, primary_key=True),
    Column("task_id", Text, nullable=False),
    Column("pipeline", Text, nullable=False),
    Column("task", Text, nullable=False),
    Column("parts", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Index("ix_task_cache_pipeline", "pipeline", "task", "create_time"),
)


def put_cache(
    conn: Connection, key: str, *, task_id: str, pipeline: str, task: str, parts: Mapping[str, str], now: datetime
) -> None:
    """Let a key name a task's outputs from now on."""
    conn.execute(delete(cache).where(cache.c.key == key))
    values = {"key": key, "task_id": task_id, "pipeline": pipeline, "task": task, "parts": dict(parts)}
    conn.execute(cache.insert().values(**values, create_time=now))


def find_cached(conn: Connection, key: str) -> TaskRow | None:
    """Find the task whose outputs a key names."""
    joined = tasks.join(cache, cache.c.task_id == tasks.c.id)
    row = conn.execute(select(tasks).select_from(joined).where(cache.c.key == key)).one_or_none()
    return None if row is None else TaskRow.from_row(row)


def latest_parts(conn: Connection, pipeline: str, task: str) -> dict[str, str] | None:
    """Read what the newest cached execution of a task was keyed by, to say why a key differs."""
    query = select(cache.c.parts).where(cache.c.pipeline == pipeline, cache.c.task == task)
    parts: dict[str, str] | None = conn.execute(query.order_by(cache.c.create_time.desc()).limit(1)).scalar()
    return parts
