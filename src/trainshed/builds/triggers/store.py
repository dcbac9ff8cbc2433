"""Tables and SQL of build triggers. Every function works inside the caller's transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Table, Text, UniqueConstraint, delete, select, update

from trainshed import names
from trainshed.builds.triggers.model import Trigger
from trainshed.errors import NotFound
from trainshed.sql import Json, Timestamp, insert_new, metadata, notify

TRIGGERS = "build triggers"

triggers = Table(
    "build_triggers",
    metadata,
    Column("id", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("region", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("document", Json, nullable=False),
    Column("create_time", Timestamp, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    UniqueConstraint("project", "region", "name"),
)

refs = Table(
    "build_trigger_refs",
    metadata,
    Column("trigger_id", Text, ForeignKey("build_triggers.id"), primary_key=True),
    Column("ref", Text, primary_key=True),
    Column("sha", Text, nullable=False),
)


def insert_trigger(conn: Connection, values: Mapping[str, Any]) -> bool:
    """Store a new trigger; tell whether its name was free."""
    notify(conn, TRIGGERS)
    return insert_new(conn, triggers, values)


def find_trigger(conn: Connection, project: str, region: str, name_or_id: str) -> Trigger:
    """Read a trigger by name or id. Raises NotFound."""
    c = triggers.c
    query = select(triggers).where((c.name == name_or_id) | (c.id == name_or_id))
    if project:
        query = query.where(c.project == project)
    if region not in {"", "global", "-"}:
        query = query.where(c.region == region)
    row = conn.execute(query).first()
    if row is None:
        raise NotFound(
            f"There is no build trigger {name_or_id!r}; `trainshed builds triggers list` shows them.",
            reason="TRIGGER_NOT_FOUND",
        )
    return Trigger.from_row(row)


def named(conn: Connection, resource: str) -> Trigger:
    """Read a trigger by its resource name. Raises NotFound, InvalidArgument for what is no such name."""
    parts = names.parse("projects/{project}/locations/{region}/triggers/{trigger}", resource)
    return find_trigger(conn, parts["project"], parts["region"], parts["trigger"])


def list_triggers(conn: Connection, *, project: str = "", region: str = "") -> list[Trigger]:
    """Read triggers by name."""
    c = triggers.c
    query = select(triggers).order_by(c.name)
    if project:
        query = query.where(c.project == project)
    if region and region not in {"global", "-"}:
        query = query.where(c.region == region)
    return [Trigger.from_row(row) for row in conn.execute(query)]


def forget_refs(conn: Connection, trigger_id: str) -> None:
    """Forget what was seen of a trigger's refs."""
    conn.execute(delete(refs).where(refs.c.trigger_id == trigger_id))


def update_trigger(conn: Connection, trigger_id: str, **values: Any) -> None:
    """Change a trigger."""
    notify(conn, TRIGGERS)
    conn.execute(update(triggers).where(triggers.c.id == trigger_id).values(**values))


def delete_trigger(conn: Connection, trigger_id: str) -> None:
    """Remove a trigger and what it has seen; its receipts and builds stay."""
    notify(conn, TRIGGERS)
    forget_refs(conn, trigger_id)
    conn.execute(delete(triggers).where(triggers.c.id == trigger_id))


def seen_refs(conn: Connection, trigger_id: str) -> dict[str, str]:
    """Read what was last seen of a trigger's refs."""
    c = refs.c
    return {row.ref: row.sha for row in conn.execute(select(c.ref, c.sha).where(c.trigger_id == trigger_id))}


def see_ref(conn: Connection, trigger_id: str, ref: str, sha: str) -> None:
    """Note what is seen of a ref now; no sha: it is gone."""
    c = refs.c
    conn.execute(delete(refs).where(c.trigger_id == trigger_id, c.ref == ref))
    if sha:
        conn.execute(refs.insert().values(trigger_id=trigger_id, ref=ref, sha=sha))
