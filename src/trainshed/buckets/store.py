"""Tables and SQL of notification configs."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Integer, Table, Text, cast, delete, func, select

from trainshed.buckets.model import Notification
from trainshed.sql import Json, metadata, notify

NOTIFICATIONS = "bucket notifications"  # they came or went

notifications = Table(
    "bucket_notifications",
    metadata,
    Column("bucket", Text, ForeignKey("buckets.name", ondelete="CASCADE"), primary_key=True),
    Column("notification_id", Text, primary_key=True),
    Column("topic", Text, nullable=False),
    Column("event_types", Json, nullable=False),
    Column("prefix", Text, nullable=False),
    Column("payload_format", Text, nullable=False),
    Column("attributes", Json, nullable=False),
)


def insert(conn: Connection, bucket: str, values: Mapping[str, Any]) -> Notification:
    """Write a config under the bucket's next number."""
    n = notifications.c
    highest = conn.execute(select(func.max(cast(n.notification_id, Integer))).where(n.bucket == bucket)).scalar() or 0
    notify(conn, NOTIFICATIONS)
    conn.execute(notifications.insert().values(bucket=bucket, notification_id=str(highest + 1), **values))
    found = find(conn, bucket, str(highest + 1))
    assert found is not None
    return found


def find(conn: Connection, bucket: str, notification_id: str) -> Notification | None:
    """Read one config."""
    n = notifications.c
    query = select(notifications).where(n.bucket == bucket, n.notification_id == notification_id)
    row = conn.execute(query).one_or_none()
    return None if row is None else Notification.from_row(row)


def list_of(conn: Connection, bucket: str) -> list[Notification]:
    """Read the configs of a bucket, oldest first."""
    n = notifications.c
    query = select(notifications).where(n.bucket == bucket).order_by(cast(n.notification_id, Integer))
    return [Notification.from_row(row) for row in conn.execute(query)]


def remove(conn: Connection, bucket: str, notification_id: str) -> bool:
    """Remove a config; False when there is none."""
    notify(conn, NOTIFICATIONS)
    n = notifications.c
    query = delete(notifications).where(n.bucket == bucket, n.notification_id == notification_id)
    return conn.execute(query).rowcount == 1
