"""The table of run triggers, and its SQL. Every function works inside the caller's transaction."""

from sqlalchemy import Boolean, Column, Connection, Table, Text, delete, select, update

from trainshed.errors import NotFound
from trainshed.runs.model import Trigger
from trainshed.sql import Json, Timestamp, insert_new, metadata, notify

TRIGGERS = "run triggers"  # the channel that is notified when they come, change or go

triggers = Table(
    "run_triggers",
    metadata,
    Column("name", Text, primary_key=True),
    Column("project", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("topic", Text, nullable=False),
    Column("bucket", Text, nullable=False),
    Column("spec_uri", Text, nullable=False),
    Column("subscription", Text, nullable=False),
    Column("is_disabled", Boolean(create_constraint=False), nullable=False, server_default="0"),
    Column("create_time", Timestamp, nullable=False),
    Column("parameters", Json, nullable=False, server_default="{}"),  # fixed values, as they were given
)


def insert(conn: Connection, trigger: Trigger) -> bool:
    """Record a run trigger; tell whether the name was free."""
    notify(conn, TRIGGERS)
    return insert_new(conn, triggers, vars(trigger))


def get(conn: Connection, name: str) -> Trigger:
    """Read a run trigger. Raises NotFound."""
    row = conn.execute(select(triggers).where(triggers.c.name == name)).one_or_none()
    if row is None:
        raise NotFound(f"There is no run trigger {name!r}; `trainshed pipelines triggers list` shows them.")
    return Trigger(**row._mapping)  # noqa: SLF001


def page(conn: Connection, *, after: str = "", limit: int | None = None) -> list[Trigger]:
    """Read run triggers by name."""
    query = select(triggers).where(triggers.c.name > after).order_by(triggers.c.name).limit(limit)
    return [Trigger(**row._mapping) for row in conn.execute(query)]  # noqa: SLF001


def set_disabled(conn: Connection, name: str, *, is_disabled: bool) -> None:
    """Say whether a run trigger starts runs."""
    notify(conn, TRIGGERS)
    conn.execute(update(triggers).where(triggers.c.name == name).values(is_disabled=is_disabled))


def change(conn: Connection, trigger: Trigger) -> None:
    """Record what starts a run trigger now, and what it starts with which fixed values."""
    notify(conn, TRIGGERS)
    changed = {
        "topic": trigger.topic,
        "bucket": trigger.bucket,
        "spec_uri": trigger.spec_uri,
        "parameters": trigger.parameters,
    }
    conn.execute(update(triggers).where(triggers.c.name == trigger.name).values(**changed))


def remove(conn: Connection, name: str) -> None:
    """Remove a run trigger."""
    notify(conn, TRIGGERS)
    conn.execute(delete(triggers).where(triggers.c.name == name))
