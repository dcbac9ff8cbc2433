"""Table and SQL of policies. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, Integer, Table, Text, delete, select

from trainshed.sql import Json, insert_new, metadata

policies = Table(
    "policies",
    metadata,
    Column("resource", Text, primary_key=True),
    Column("policy", Json, nullable=False),
    Column("number", Integer, nullable=False),  # how often it was set
)


def find(conn: Connection, resource: str) -> tuple[dict[str, Any], int]:
    """Read a policy and how often it was set; an empty one and 0 when it never was."""
    row = conn.execute(select(policies).where(policies.c.resource == resource)).one_or_none()
    return ({}, 0) if row is None else (dict(row.policy), row.number)


def put(conn: Connection, resource: str, policy: Mapping[str, Any], number: int) -> None:
    """Set a policy."""
    values = {"resource": resource, "policy": dict(policy), "number": number}
    if not insert_new(conn, policies, values):
        conn.execute(policies.update().where(policies.c.resource == resource).values(**values))


def forget(conn: Connection, resource: str) -> None:
    """Remove the policy of a resource that is gone."""
    conn.execute(delete(policies).where(policies.c.resource == resource))
