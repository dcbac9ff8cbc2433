"""Tables and SQL of functions. Every function works inside the caller's transaction and decides nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import (
    Column,
    Connection,
    Float,
    ForeignKey,
    Index,
    Integer,
    Table,
    Text,
    delete,
    func,
    select,
    text,
)

from trainshed.errors import NotFound
from trainshed.functions.lifecycle import FUNCTION, INVOCATION
from trainshed.functions.model import Configuration, Function, Invocation, Version
from trainshed.sql import Json, Timestamp, fire, insert_new, metadata, notify, state_columns, state_constraints
from trainshed.sql.lifecycle import record

functions = Table(
    "functions",
    metadata,
    Column("name", Text, primary_key=True),
    Column("version", Integer),  # the one that serves
    Column("requested", Json, nullable=False),
    Column("error", Text, nullable=False, server_default=""),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp, nullable=False),
    *state_columns(FUNCTION),
    *state_constraints(FUNCTION),
)

function_versions = Table(
    "function_versions",
    metadata,
    Column("function", Text, ForeignKey("functions.name", ondelete="CASCADE"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("source", Text, nullable=False),
    Column("environment", Text, nullable=False),
    Column("python", Text, nullable=False),
    Column("signature", Text, nullable=False),
    Column("configuration", Json, nullable=False),
    Column("deploy_time", Timestamp, nullable=False),
)

_FAILED = text("state NOT IN ('OK', 'RUNNING')")  # spelt out in queries as well, which lead through its index then

function_invocations = Table(
    "function_invocations",
    metadata,
    Column("id", Text, primary_key=True),
    Column("function", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stimulus", Text, nullable=False, server_default=""),
    Column("receipt_id", Text, nullable=False, server_default=""),
    Column("attempt", Integer, nullable=False, server_default="0"),
    Column("instance", Text, nullable=False, server_default=""),
    Column("start_time", Timestamp, nullable=False),
    Column("duration_seconds", Float),
    Column("memory_bytes", Integer, nullable=False, server_default="0"),
    Column("error", Text, nullable=False, server_default=""),
    *state_columns(INVOCATION),
    *state_constraints(INVOCATION),
    Index("ix_function_invocations_time", "function", "start_time"),
    Index("ix_function_invocations_open", "state", sqlite_where=Column("end_time").is_(None)),
    Index("ix_function_invocations_failed", "function", "start_time", sqlite_where=_FAILED),
)


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which invocations of a function."""

    version: int | None = None
    failed: bool = False


@dataclass(frozen=True, kw_only=True)
class Sought:
    """Which functions, and which part of them."""

    text: str = ""  # in the name
    state: str = ""
    after: str = ""  # name that the part before ended with
    limit: int = 50


EVERY = Wanted()


def calls_channel(name: str) -> str:
    """Answer the channel that is notified when a call of a function begins or ends."""
    return f"calls of {name}"


def insert_function(conn: Connection, name: str, requested: Configuration, now: datetime) -> bool:
    """Insert a function that is being deployed for the first time; False when the name is taken."""
    values = {"name": name, "requested": requested.as_json(), "create_time": now, "update_time": now}
    is_new = insert_new(conn, functions, values)
    if is_new:
        record(conn, FUNCTION.noun, name, "created", FUNCTION.initial[0], now)
    return is_new


def find_function(conn: Connection, name: str) -> Function | None:
    """Read a function with the version that serves."""
    row = conn.execute(select(functions).where(functions.c.name == name)).one_or_none()
    return None if row is None else _function(conn, row)


def get_function(conn: Connection, name: str) -> Function:
    """Read a function. Raises NotFound."""
    found = find_function(conn, name)
    if found is None:
        raise NotFound(f"There is no function {name!r}; `trainshed functions list` shows them.")
    return found


def list_functions(conn: Connection, parent: str) -> list[Function]:
    """Read the functions of `projects/P/locations/L`, by name; `-` is every location, or every project."""
    start = f"{parent}/".partition("-/")[0] if "/-/" in f"{parent}/" else f"{parent}/"
    query = select(functions).where(functions.c.name.startswith(start, autoescape=True)).order_by(functions.c.name)
    return [_function(conn, row) for row in conn.execute(query).all()]


def search_functions(conn: Connection, wanted: Sought) -> tuple[list[Function], str]:
    """Read functions by name, and the name after which there are more."""
    f = functions
    query = select(f).where(f.c.name > wanted.after).order_by(f.c.name).limit(wanted.limit + 1)
    if wanted.text:
        query = query.where(f.c.name.contains(wanted.text, autoescape=True))
    if wanted.state:
        query = query.where(f.c.state == wanted.state)
    rows = conn.execute(query).all()
    found = [_function(conn, row) for row in rows[: wanted.limit]]
    return found, found[-1].name if len(rows) > wanted.limit else ""


def deploying(conn: Connection) -> list[Function]:
    """Read the functions whose deployment is under way."""
    query = select(functions).where(functions.c.state == "DEPLOY_IN_PROGRESS")
    return [_function(conn, row) for row in conn.execute(query).all()]


def fire_function(conn: Connection, name: str, transition: str, *, now: datetime, **values: Any) -> None:
    """Take a transition of a function."""
    fire(conn, functions, FUNCTION, {"name": name}, transition, now=now, update_time=now, **values)


def insert_version(conn: Connection, version: Version) -> None:
    """Keep a version that started well."""
    values = {
        "function": version.function,
        "number": version.number,
        "source": version.source,
        "environment": version.environment,
        "python": str(version.python),
        "signature": version.signature,
        "configuration": version.configuration.as_json(),
        "deploy_time": version.deploy_time,
    }
    conn.execute(function_versions.insert().values(**values))


def next_version(conn: Connection, name: str) -> int:
    """Answer the number of the next version."""
    v = function_versions
    return 1 + (conn.execute(select(func.max(v.c.number)).where(v.c.function == name)).scalar() or 0)


def list_versions(conn: Connection, name: str) -> list[Version]:
    """Read all versions of a function, newest first."""
    v = function_versions
    query = select(v).where(v.c.function == name).order_by(v.c.number.desc())
    return [Version.from_row(row) for row in conn.execute(query)]


def delete_function(conn: Connection, name: str, now: datetime) -> None:
    """Remove a function and its versions; its invocations stay, as receipts do."""
    conn.execute(delete(function_versions).where(function_versions.c.function == name))
    conn.execute(delete(functions).where(functions.c.name == name))
    record(conn, FUNCTION.noun, name, "deleted", "", now)


def insert_invocation(conn: Connection, values: Mapping[str, Any], now: datetime) -> None:
    """Record that a call begins."""
    conn.execute(function_invocations.insert().values(**values))
    record(conn, INVOCATION.noun, values["id"], "created", INVOCATION.initial[0], now)
    notify(conn, calls_channel(values["function"]))


def fire_invocation(conn: Connection, invocation: Invocation, transition: str, *, now: datetime, **values: Any) -> None:
    """Take a transition of an invocation."""
    fire(conn, function_invocations, INVOCATION, {"id": invocation.id}, transition, now=now, **values)
    notify(conn, calls_channel(invocation.function))


def get_invocation(conn: Connection, invocation_id: str) -> Invocation:
    """Read one invocation. Raises NotFound."""
    i = function_invocations
    row = conn.execute(select(i).where(i.c.id == invocation_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no invocation {invocation_id!r}.")
    return Invocation.from_row(row)


def list_invocations(
    conn: Connection,
    name: str,
    *,
    before: datetime | None = None,
    skip: int = 0,
    wanted: Wanted = EVERY,
    limit: int = 100,
) -> list[Invocation]:
    """Read the invocations of a function, newest first; of those that started at the very time `before` all but some."""
    i = function_invocations
    query = select(i).where(i.c.function == name).order_by(i.c.start_time.desc()).limit(limit)
    if before is not None:
        query = query.where(i.c.start_time <= before).offset(skip) if skip else query.where(i.c.start_time < before)
    if wanted.version is not None:
        query = query.where(i.c.version == wanted.version)
    if wanted.failed:
        query = query.where(_FAILED)
    return [Invocation.from_row(row) for row in conn.execute(query)]


def open_invocations(conn: Connection) -> list[Invocation]:
    """Read the invocations that nobody has closed."""
    i = function_invocations
    return [Invocation.from_row(row) for row in conn.execute(select(i).where(i.c.end_time.is_(None)))]


def _function(conn: Connection, row: Any) -> Function:
    v = function_versions
    version = None
    if row.version is not None:
        found = conn.execute(select(v).where(v.c.function == row.name, v.c.number == row.version)).one()
        version = Version.from_row(found)
    return Function(
        name=row.name,
        state=row.state,
        version=version,
        requested=Configuration.from_json(row.requested),
        error=row.error,
        create_time=row.create_time,
        update_time=row.update_time,
    )
