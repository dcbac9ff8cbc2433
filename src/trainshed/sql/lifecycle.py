"""`fire`, `fire_many` and `Firing`: the only code that writes a state. It names the cause, guards the source, keeps the history."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Column,
    ColumnElement,
    Connection,
    Index,
    Integer,
    Select,
    Table,
    Text,
    Update,
    and_,
    bindparam,
    func,
    or_,
    select,
    update,
)

from trainshed.errors import StaleState
from trainshed.lifecycle import Lifecycle, Transition
from trainshed.sql.channels import notify
from trainshed.sql.prepared import Prepared
from trainshed.sql.schema import Timestamp, metadata

log = logging.getLogger(__name__)

history_table = Table(
    "history",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("noun", Text, nullable=False),
    Column("resource", Text, nullable=False),
    Column("transition", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("time", Timestamp, nullable=False),
    Column("cause", Text),  # who or what asked for it, where somebody did
    Index("ix_history_resource", "noun", "resource"),
)


_APPEND = history_table.insert()
_WAITING = "history"


def changes(noun: str, resource: str = "") -> str:
    """Answer the channel that is notified when a resource, or any of its kind, is made or takes a transition.

    `fire_many` and `Firing` notify for the kind alone.
    """
    return f"changed {noun} {resource}" if resource else f"changed {noun}"


@dataclass(frozen=True, kw_only=True)
class Change:
    """One entry of a resource's history."""

    transition: str
    state: str
    time: datetime
    cause: str = ""  # who or what asked for it: "the dashboard"; empty: nobody, or it is not known


def state_columns(lifecycle: Lifecycle) -> tuple[Column[Any], Column[Any]]:
    """Make the columns that `fire` writes: the state, and the end time that exists exactly in final states."""
    return (
        Column("state", Text, nullable=False, server_default=lifecycle.initial[0]),
        Column("end_time", Timestamp),
    )


def state_constraints(lifecycle: Lifecycle) -> tuple[CheckConstraint, ...]:
    """Let the schema enforce the lifecycle: known states; ended exactly when final."""
    states = ", ".join(f"'{s}'" for s in lifecycle.states)
    final = ", ".join(f"'{s}'" for s in sorted(lifecycle.final)) or "''"
    return (
        CheckConstraint(f"state IN ({states})", name="state_known"),
        CheckConstraint(f"(state IN ({final})) = (end_time IS NOT NULL)", name="ended_when_final"),
    )


def fire(
    conn: Connection,
    table: Table,
    lifecycle: Lifecycle,
    key: Mapping[str, Any],
    name: str,
    *,
    now: datetime,
    attempt: int | None = None,
    next_attempt: int | None = None,
    cause: str = "",
    **values: Any,
) -> None:
    """Take the transition `name` of the row that `key` names, setting `values` along with it.

    `attempt` fences: a report of an earlier attempt changes nothing; `next_attempt` begins a new one. `cause` is who or
    what asked for it, which the history keeps. Raises StaleState when the row is not in a source state, is of another
    attempt, or is not there; nothing is written then.
    """
    transition = lifecycle[name]
    values["state"] = transition.target
    if lifecycle.is_final(transition.target):
        values["end_time"] = now
    elif transition.reopens:
        values["end_time"] = None
    if next_attempt is not None:
        values["attempt"] = next_attempt
    fence = {} if attempt is None else {"attempt": attempt}
    guards = {**key, **fence}
    statement = _guarded(table, transition.sources, tuple(guards), tuple(sorted(values)))
    parameters = {f"is_{c}": v for c, v in guards.items()} | {f"new_{c}": v for c, v in values.items()}
    changed = conn.execute(statement, parameters).rowcount
    resource = "/".join(str(v) for v in key.values())
    if changed != 1:
        raise StaleState(
            f"{lifecycle.noun} {resource} cannot take {name!r}: it is not "
            f"{' or '.join(transition.sources)}" + ("" if attempt is None else f" in attempt {attempt}") + ".",
            metadata={"resource": resource, "transition": name},
        )
    record(conn, lifecycle.noun, resource, name, transition.target, now, cause=cause)


@cache
def _guarded(table: Table, sources: tuple[str, ...], guards: tuple[str, ...], columns: tuple[str, ...]) -> Update:
    """Build the guarded update of a transition once: building it costs more than running it."""
    is_source = or_(*(table.c.state == state for state in sources))  # IN would be spelt out anew each time
    where = and_(*(table.c[c] == bindparam(f"is_{c}") for c in guards), is_source)
    return update(table).where(where).values({c: bindparam(f"new_{c}") for c in columns})


def fire_many(
    conn: Connection,
    table: Table,
    lifecycle: Lifecycle,
    which: ColumnElement[bool],
    name: str,
    *,
    now: datetime,
    **values: Any,
) -> int:
    """Take one transition of every row that `which` selects and that is in a source state; answer how many.

    For rows that come in thousands and explain themselves (deliveries, the receipts of a batch of firings): one
    statement, one log line, no history.
    """
    transition = lifecycle[name]
    ended = {"end_time": now} if lifecycle.is_final(transition.target) else {}
    guard = and_(which, table.c.state.in_(transition.sources))
    changed = conn.execute(update(table).where(guard).values(state=transition.target, **ended, **values)).rowcount
    _tell_many(conn, changed, lifecycle.noun, transition)
    return changed


class Firing:
    """`fire_many` for what happens thousands of times a second: built once, run with its parameters.

    `which` and `values` may hold parameters, which must not be called as columns are; `now` is always one.
    """

    def __init__(
        self, table: Table, lifecycle: Lifecycle, name: str, which: ColumnElement[bool], **values: ColumnElement[Any]
    ) -> None:
        self._noun, self._transition = lifecycle.noun, lifecycle[name]
        if lifecycle.is_final(self._transition.target):
            values["end_time"] = bindparam("now", type_=Timestamp())
        is_source = or_(*(table.c.state == state for state in self._transition.sources))
        changed = update(table).where(which, is_source).values(state=self._transition.target, **values)
        self._statement = Prepared(changed)

    def __call__(self, conn: Connection, *, now: datetime, **parameters: Any) -> int:
        """Take the transition; answer how many rows took it."""
        changed = self._statement.run(conn, now=now, **parameters)
        _tell_many(conn, changed, self._noun, self._transition)
        return changed


def _tell_many(conn: Connection, changed: int, noun: str, transition: Transition) -> None:
    if not changed:
        return
    notify(conn, changes(noun))
    if log.isEnabledFor(logging.DEBUG):
        log.debug(
            "%d of %s: %s, now %s.",
            changed,
            noun,
            transition.name,
            transition.target,
            extra={"action": "states_changed", "transition": transition.name, "state": transition.target},
        )


def record(
    conn: Connection, noun: str, resource: str, transition: str, state: str, now: datetime, *, cause: str = ""
) -> None:
    """Append to the history of a resource; creation is recorded too, as transition `created`."""
    notify(conn, changes(noun))
    notify(conn, changes(noun, resource))
    entry = {"noun": noun, "resource": resource, "transition": transition, "state": state, "time": now}
    entry["cause"] = cause or None  # always there: what waits is written by one statement
    waiting: list[dict[str, Any]] | None = conn.info.get(_WAITING)
    if waiting is None:
        conn.execute(_APPEND, entry)
    else:
        waiting.append(entry)
    log.info(
        "%s %s: %s, now %s.",
        noun.capitalize(),
        resource,
        transition,
        state,
        extra={"action": "state_changed", noun: resource, "transition": transition, "state": state},
    )


def gather_history(conn: Connection) -> None:
    """Keep what is recorded from here on until `write_history`: one statement for all of it."""
    conn.info[_WAITING] = []


def write_history(conn: Connection) -> None:
    """Write what was recorded since `gather_history`."""
    if waiting := conn.info.pop(_WAITING, None):
        conn.execute(_APPEND, waiting)


def history(conn: Connection, noun: str, resource: str) -> list[Change]:
    """Read everything that happened to a resource, oldest first."""
    if _WAITING in conn.info:
        write_history(conn)
        gather_history(conn)
    table = history_table
    rows = conn.execute(
        select(table.c.transition, table.c.state, table.c.time, table.c.cause)
        .where(table.c.noun == noun, table.c.resource == resource)
        .order_by(table.c.id)
    )
    return [Change(transition=r.transition, state=r.state, time=r.time, cause=r.cause or "") for r in rows]


def changed_lately(noun: str, most: int) -> Select[Any]:
    """Select what is of a kind among so many changes, the last ones of all."""
    h = history_table.c
    last = select(func.max(h.id)).scalar_subquery()
    return select(h.resource).where(h.id > last - most, h.noun == noun).distinct()
