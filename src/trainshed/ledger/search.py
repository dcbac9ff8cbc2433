"""What people look for in the ledger. All of it is done by the database; no page costs more for a longer ledger.

What no index narrows down (words of a reason, say) is looked for among so many receipts at once; the token of the next
page goes on where that ended.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import nlargest
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal_column, or_, select

from trainshed import names
from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.errors import InvalidArgument
from trainshed.ledger.model import Receipt
from trainshed.ledger.store import RARE, receipts

_LOOKED_THROUGH = 20_000  # receipts that one page looks through for words
_FAILED = 200  # newest ones of a state among which those are looked for that ended last
_MOST_MEANT = 20  # triggers that a short name may stand for
_FORCED = "forced/"
_c = receipts.c
_NEWEST = (_c.create_time.desc(), _c.id.desc())


@dataclass(frozen=True, kw_only=True)
class Search:
    """Which receipts somebody looks for; what is empty does not matter."""

    state: str = ""
    kind: str = ""
    trigger: str = ""  # resource name, or the end of one
    text: str = ""  # in its reason, its event or what it led to
    since: datetime | None = None
    until: datetime | None = None  # before
    page_size: int = 50
    page_token: str = ""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A page of receipts, newest first."""

    receipts: Sequence[Receipt]
    token: str  # of the next page; empty: there is none
    looked_until: datetime | None = None  # where the search stopped before the page was full


def page(conn: Connection, wanted: Search) -> Found:
    """Answer a page. Raises InvalidArgument for a token that is none."""
    query = _narrowed(conn, wanted)
    sifted = _sifted(wanted)
    stop = conn.execute(query.limit(1).offset(_LOOKED_THROUGH)).one_or_none() if sifted else None
    if stop is not None:
        query = query.where(_c.create_time >= stop.create_time)
        query = query.where(or_(_c.create_time > stop.create_time, _c.id >= stop.id))
    whole = query.with_only_columns(receipts).where(*sifted).limit(wanted.page_size + 1)
    found = [Receipt.from_row(row) for row in conn.execute(whole)]
    if len(found) > wanted.page_size:
        last = found[wanted.page_size - 1]
        return Found(receipts=found[:-1], token=_token(last.create_time, last.receipt_id))
    if stop is not None:
        return Found(receipts=found, token=_token(stop.create_time, stop.id), looked_until=stop.create_time)
    return Found(receipts=found, token="")


def failed_last(conn: Connection, *, limit: int) -> list[Receipt]:
    """Answer the receipts of what failed or was refused last, whenever it had begun, among the newest of either kind."""
    newest = select(_c.id, _c.update_time).order_by(*_NEWEST).limit(_FAILED)
    each = [newest.where(_c.state == literal_column(f"'{state}'")) for state in ("FAILED", "REFUSED")]
    ends = [row for query in each for row in conn.execute(query)]
    last = [row.id for row in nlargest(limit, ends, key=lambda row: row.update_time)]
    return [Receipt.from_row(row) for row in conn.execute(select(receipts).where(_c.id.in_(last)))]


def due(conn: Connection, trigger: str, since: datetime, until: datetime, *, limit: int) -> list[Receipt]:
    """Answer the receipts of a schedule's due times, and of firings by hand, in a stretch of time; newest first."""
    found = [
        Receipt.from_row(row)
        for low, high in stimuli(since, until)
        for row in conn.execute(between(trigger, low, high).order_by(_c.stimulus.desc()).limit(limit))
    ]
    return sorted(found, key=lambda receipt: due_time(receipt) or receipt.create_time, reverse=True)[:limit]


def due_time(receipt: Receipt) -> datetime | None:
    """Answer when a firing was due, or was forced; of several due times in one receipt the first. None: no firing."""
    text = receipt.stimulus.removeprefix(_FORCED).partition("/")[0]
    try:
        return parse_rfc3339(text) if receipt.kind == "firing" else None
    except ValueError:
        return None


def is_forced(receipt: Receipt) -> bool:
    """Tell a firing that somebody asked for from one that came due."""
    return receipt.stimulus.startswith(_FORCED)


def between(trigger: str, low: str, high: str) -> Select[Any]:
    """Select the receipts of a trigger between two stimuli."""
    return select(receipts).where(_c.trigger == trigger, _c.stimulus >= low, _c.stimulus < high)


def stimuli(since: datetime, until: datetime) -> tuple[tuple[str, str], tuple[str, str]]:
    """Answer between which stimuli firings of a time lie: they begin with their time, and text sorts as time does."""
    low, high = (rfc3339(time)[:19] for time in (since, until))
    return (low, high), (_FORCED + low, _FORCED + high)


def _narrowed(conn: Connection, wanted: Search) -> Select[Any]:
    """Answer when and which: everything that an index is entered by."""
    query = select(_c.create_time, _c.id).order_by(*_NEWEST)
    if wanted.trigger:
        query = query.where(_c.trigger.in_(_meant(conn, wanted.trigger)))
    if wanted.state in RARE:
        query = query.where(_c.state == literal_column(f"'{wanted.state}'"))  # spelt out: there is an index of each
    if wanted.since is not None:
        query = query.where(_c.create_time >= wanted.since)
    if wanted.until is not None:
        query = query.where(_c.create_time < wanted.until)
    return _after(query, wanted.page_token)


def _sifted(wanted: Search) -> list[ColumnElement[bool]]:
    """Answer what has to be looked for receipt by receipt."""
    found: list[ColumnElement[bool]] = []
    if wanted.state and wanted.state not in RARE:
        found.append(_c.state == wanted.state)
    if wanted.kind:
        found.append(_c.kind == wanted.kind)
    if wanted.text:
        found.append(or_(*(c.contains(wanted.text, autoescape=True) for c in (_c.reason, _c.stimulus, _c.link))))
    return found


def _meant(conn: Connection, trigger: str) -> list[str]:
    """Answer the triggers that a name, or the end of one, stands for: steps from one trigger to the next."""
    if trigger.startswith("projects/"):
        return [trigger]
    first = select(func.min(_c.trigger).label("name")).cte(recursive=True)
    following = select(func.min(_c.trigger)).where(_c.trigger > first.c.name).scalar_subquery()
    steps = first.union_all(select(following).where(first.c.name.is_not(None)))
    is_meant = or_(steps.c.name == trigger, steps.c.name.endswith(f"/{trigger}", autoescape=True))
    return [str(name) for name in conn.execute(select(steps.c.name).where(is_meant).limit(_MOST_MEANT)).scalars()]


def _after(query: Select[Any], token: str) -> Select[Any]:
    position = names.read_page_token(token)
    if not position:
        return query
    try:
        time, receipt_id = parse_rfc3339(position["time"]), str(position["id"])
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidArgument.field("page_token", "not a token that this server returned") from error
    # The first condition is what the index is entered by.
    return query.where(_c.create_time <= time, or_(_c.create_time < time, _c.id < receipt_id))


def _token(time: datetime, receipt_id: str) -> str:
    return names.page_token(time=rfc3339(time), id=receipt_id)
