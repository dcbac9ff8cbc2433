"""What many triggers, or many events, have in the ledger: a statement for all of them, however many they are."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Integer, bindparam, func, select

from trainshed.ledger.model import Delivery, Receipt
from trainshed.ledger.store import receipt_deliveries, receipts
from trainshed.sql import Json, Prepared, among, chunks

_MOST_CHILDREN = 2000
_CHUNK = 500  # events of which so many are read
_c, _d = receipts.c, receipt_deliveries.c
_FIELDS = (
    "id", "trigger", "kind", "stimulus", "state", "reason", "link", "parent_id", "data", "create_time", "update_time",
)  # fmt: skip


def _of_each(column: ColumnElement[str], *order: ColumnElement[Any]) -> Prepared:
    """Read some receipts of each of the values `given`: those that are first in an order, `most` of them."""
    values = func.json_each(bindparam("given", type_=Json())).table_valued("value")
    mine = select(_c.id).where(column == values.c.value).order_by(*order).limit(bindparam("most", type_=Integer))
    whole = receipts.alias("whole")
    chosen = select(*(whole.c[name] for name in _FIELDS)).select_from(values)
    return Prepared(chosen.join(whole, whole.c.id.in_(mine.correlate(values))))


_LATEST = _of_each(_c.trigger, _c.create_time.desc(), _c.id.desc())
_FIRST_CHILDREN = _of_each(_c.parent_id, _c.create_time, _c.id)
_CHILDREN = Prepared(
    select(*(_c[name] for name in _FIELDS))
    .where(among(_c.parent_id, "given"))
    .order_by(_c.create_time, _c.id)
    .limit(bindparam("most", type_=Integer))
)
_DELIVERIES = Prepared(
    select(_d.receipt_id, _d.number, _d.time, _d.outcome, _d.reason, _d.link)
    .where(among(_d.receipt_id, "given"))
    .order_by(_d.receipt_id, _d.number)
)


def latest(conn: Connection, triggers: Sequence[str], *, limit: int) -> dict[str, list[Receipt]]:
    """Answer the newest receipts of each trigger, newest first."""
    found: dict[str, list[Receipt]] = {trigger: [] for trigger in triggers}
    for receipt in _receipts(_LATEST.rows(conn, given=list(found), most=limit)):
        found[receipt.trigger].append(receipt)
    for mine in found.values():
        mine.sort(key=_age, reverse=True)
    return found


def of_stimuli(conn: Connection, wanted: Mapping[str, Sequence[str]]) -> list[Receipt]:
    """Answer the receipts of some stimuli at each trigger, oldest first."""
    found: list[Receipt] = []
    for trigger, stimuli in wanted.items():
        query = select(*(_c[name] for name in _FIELDS)).where(_c.trigger == trigger, _c.stimulus.in_(stimuli))
        found.extend(_receipts(conn.execute(query)))
    return sorted(found, key=_age)


def first_children(conn: Connection, receipt_ids: Sequence[str], *, limit: int) -> dict[str, list[Receipt]]:
    """Answer the first receipts of what each of these events led to, oldest first."""
    found: dict[str, list[Receipt]] = {receipt_id: [] for receipt_id in receipt_ids}
    for receipt in _receipts(_FIRST_CHILDREN.rows(conn, given=list(found), most=limit)):
        found[receipt.parent_id].append(receipt)
    for mine in found.values():
        mine.sort(key=_age)
    return found


def children_of(conn: Connection, receipt_ids: Sequence[str]) -> list[Receipt]:
    """Answer the receipts of what these events led to, oldest first; of very many only some."""
    found: list[Receipt] = []
    for given in chunks(receipt_ids, _CHUNK):
        found += _receipts(_CHILDREN.rows(conn, given=given, most=_MOST_CHILDREN))
    return found


def deliveries_of(conn: Connection, receipt_ids: Sequence[str]) -> dict[str, list[Delivery]]:
    """Answer the deliveries under each of some receipts, oldest first."""
    found: dict[str, list[Delivery]] = {receipt_id: [] for receipt_id in receipt_ids}
    for receipt_id, number, time, outcome, reason, link in _DELIVERIES.rows(conn, given=list(found)):
        found[receipt_id].append(
            Delivery(receipt_id=receipt_id, number=number, time=time, outcome=outcome, reason=reason, link=link)
        )
    return found


def _receipts(rows: Iterable[tuple[Any, ...]]) -> list[Receipt]:
    return [
        Receipt(
            receipt_id=receipt_id,
            trigger=trigger,
            kind=kind,
            stimulus=stimulus,
            state=state,
            reason=reason,
            link=link,
            parent_id=parent_id or "",
            data=data or {},
            create_time=create_time,
            update_time=update_time,
        )
        for (
            receipt_id,
            trigger,
            kind,
            stimulus,
            state,
            reason,
            link,
            parent_id,
            data,
            create_time,
            update_time,
        ) in rows
    ]


def _age(receipt: Receipt) -> tuple[datetime, str]:
    return receipt.create_time, receipt.receipt_id
