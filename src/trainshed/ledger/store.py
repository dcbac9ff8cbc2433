"""Tables and SQL of the ledger. Every function works inside the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Column, Connection, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, func, select, text

from trainshed import names
from trainshed.errors import NotFound
from trainshed.ledger.lifecycle import RECEIPT
from trainshed.ledger.model import Delivery, Receipt
from trainshed.sql import (
    Json,
    Timestamp,
    chunks,
    fire,
    fire_many,
    insert_many,
    insert_new,
    metadata,
    state_columns,
    state_constraints,
)
from trainshed.sql.lifecycle import record

_CHUNK = 500  # ids in one statement
_LONGEST_CHAIN = 50  # events that led to one another; what starts itself again and again has no beginning

receipts = Table(
    "receipts",
    metadata,
    Column("id", Text, primary_key=True),
    Column("trigger", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("stimulus", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("link", Text, nullable=False, server_default=""),
    Column("parent_id", Text),
    Column("data", Json),
    Column("create_time", Timestamp, nullable=False),
    Column("update_time", Timestamp, nullable=False),
    *state_columns(RECEIPT),
    UniqueConstraint("trigger", "stimulus"),
    *state_constraints(RECEIPT),
    Index("ix_receipts_create_time", "create_time", "id"),
    Index("ix_receipts_trigger", "trigger", "create_time", "id"),
    Index("ix_receipts_link", "link"),
    Index("ix_receipts_parent_id", "parent_id"),
)
# What one looks for among very many, and costs nothing to keep while all is well.
RARE = ("JOINED", "REFUSED", "FAILED")
for _state in RARE:
    is_rare = text(f"state = '{_state}'")
    Index(f"ix_receipts_{_state.lower()}", receipts.c.create_time, receipts.c.id, sqlite_where=is_rare)

receipt_deliveries = Table(
    "receipt_deliveries",
    metadata,
    Column("receipt_id", Text, ForeignKey("receipts.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("time", Timestamp, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False, server_default=""),
    Column("link", Text, nullable=False, server_default=""),
)


def open_receipt(
    conn: Connection,
    *,
    trigger: str,
    kind: str,
    stimulus: str,
    now: datetime,
    parent_id: str = "",
    data: Mapping[str, Any] | None = None,
) -> tuple[Receipt, bool]:
    """Answer the receipt of a stimulus at a trigger and whether it is new; a redelivery finds the first one's."""
    receipt_id = names.short_id(12)
    values = {
        "id": receipt_id,
        "trigger": trigger,
        "kind": kind,
        "stimulus": stimulus,
        "parent_id": parent_id or None,
        "data": dict(data or {}),
        "create_time": now,
        "update_time": now,
    }
    is_new = insert_new(conn, receipts, values)
    if is_new:
        record(conn, RECEIPT.noun, receipt_id, "created", RECEIPT.initial[0], now)
    row = conn.execute(select(receipts).where(receipts.c.trigger == trigger, receipts.c.stimulus == stimulus)).one()
    return Receipt.from_row(row), is_new


def open_settled(
    conn: Connection, rows: Sequence[tuple[str, str, str, str]], transition: str, *, kind: str, link: str, now: datetime
) -> None:
    """Open receipts in bulk and take the same transition of all: they are new, and decided in this very transaction.

    A row is (id, trigger, stimulus, reason). They keep no history: it would say nothing more.
    """
    same = {"kind": kind, "link": link, "create_time": now, "update_time": now}
    insert_many(conn, receipts, ("id", "trigger", "stimulus", "reason"), rows, **same)
    for ids in chunks((row[0] for row in rows), _CHUNK):
        fire_many(conn, receipts, RECEIPT, receipts.c.id.in_(ids), transition, now=now)


def latest_stimulus(conn: Connection, trigger: str, *, below: str) -> str:
    """Answer the greatest stimulus smaller than `below` that has a receipt at a trigger; empty when none has."""
    c = receipts.c
    return conn.execute(select(func.max(c.stimulus)).where(c.trigger == trigger, c.stimulus < below)).scalar() or ""


def settle(
    conn: Connection, receipt_id: str, transition: str, *, now: datetime, reason: str = "", link: str = ""
) -> None:
    """Say what became of it: a transition of its lifecycle. Raises StaleState when it was started already."""
    values: dict[str, Any] = {"reason": reason, "update_time": now} | ({"link": link} if link else {})
    fire(conn, receipts, RECEIPT, {"id": receipt_id}, transition, now=now, **values)


def record_delivery(
    conn: Connection, receipt_id: str, *, now: datetime, outcome: str, reason: str = "", link: str = ""
) -> int:
    """Append one delivery under a receipt; answer its number."""
    d = receipt_deliveries
    number: int = 1 + (conn.execute(select(func.max(d.c.number)).where(d.c.receipt_id == receipt_id)).scalar() or 0)
    row = {"receipt_id": receipt_id, "number": number, "time": now, "outcome": outcome, "reason": reason, "link": link}
    conn.execute(d.insert(), row)
    return number


def conclude(
    conn: Connection, receipt_id: str, transition: str, *, now: datetime, reason: str = "", link: str = ""
) -> None:
    """Say what became of an event, and append the delivery that led to it. Raises StaleState."""
    settle(conn, receipt_id, transition, now=now, reason=reason, link=link)
    outcome = RECEIPT[transition].target.lower()
    record_delivery(conn, receipt_id, now=now, outcome=outcome, reason=reason, link=link)


def get_receipt(conn: Connection, receipt_id: str) -> Receipt:
    """Read one receipt. Raises NotFound."""
    row = conn.execute(select(receipts).where(receipts.c.id == receipt_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no receipt {receipt_id!r}; `trainshed receipts list` shows them.")
    return Receipt.from_row(row)


def that_begin(conn: Connection, text: str, *, most: int) -> list[str]:
    """Answer the identifiers of receipts that begin with a text."""
    low, high = names.beginning(text)
    query = select(receipts.c.id).where(receipts.c.id >= low, receipts.c.id < high)
    return list(conn.execute(query.order_by(receipts.c.id).limit(most)).scalars())


def find_receipt(conn: Connection, *, link: str) -> Receipt | None:
    """Find the receipt of the event that started what `link` names."""
    row = conn.execute(
        select(receipts).where(receipts.c.link == link, receipts.c.state == "STARTED").order_by(receipts.c.create_time)
    ).first()
    return None if row is None else Receipt.from_row(row)


def first_trigger(conn: Connection, receipt_id: str) -> str:
    """Answer what reacted first in the chain of events that ends at a receipt: a schedule, say, not its function."""
    found = ""
    for _ in range(_LONGEST_CHAIN):
        query = select(receipts.c.trigger, receipts.c.parent_id).where(receipts.c.id == receipt_id)
        row = conn.execute(query).one_or_none()
        if row is None:
            break
        found, receipt_id = row.trigger, row.parent_id or ""
    return found


def first_commit(conn: Connection, receipt_id: str) -> str:
    """Answer the commit that the chain of events began with which ends at a receipt; empty where there was none."""
    found = ""
    for _ in range(_LONGEST_CHAIN):
        query = select(receipts.c.kind, receipts.c.data, receipts.c.parent_id).where(receipts.c.id == receipt_id)
        row = conn.execute(query).one_or_none()
        if row is None:
            break
        if row.kind == "commit" and (row.data or {}).get("repository"):
            sha = str(row.data.get("sha", ""))
            found = sha if sha not in {"", "deleted"} else found
        receipt_id = row.parent_id or ""
    return found


def deliveries(conn: Connection, receipt_id: str) -> list[Delivery]:
    """Read the deliveries under a receipt, oldest first."""
    d = receipt_deliveries
    rows = conn.execute(select(d).where(d.c.receipt_id == receipt_id).order_by(d.c.number))
    return [Delivery(**row._mapping) for row in rows]  # noqa: SLF001  (SQLAlchemy's public mapping of a row)


def children(conn: Connection, receipt_id: str) -> list[Receipt]:
    """Read the receipts of what an event led to, oldest first."""
    query = select(receipts).where(receipts.c.parent_id == receipt_id).order_by(receipts.c.create_time, receipts.c.id)
    return [Receipt.from_row(row) for row in conn.execute(query)]


def pending(conn: Connection, *, trigger: str) -> list[Receipt]:
    """Read the receipts of a trigger about which nothing is decided yet."""
    query = select(receipts).where(receipts.c.trigger == trigger, receipts.c.state == RECEIPT.initial[0])
    return [Receipt.from_row(row) for row in conn.execute(query)]
