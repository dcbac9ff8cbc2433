"""What became of a schedule's firings in the end: of each chain of events the receipt that tells."""

from bisect import bisect_right
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, bindparam, func, literal, not_, or_, select

from trainshed.ledger.search import stimuli
from trainshed.ledger.store import receipts
from trainshed.sql import Prepared

_STEPS = 3  # from a schedule to its topic, to a function, to the run
_c = receipts.c


def due_ends(
    conn: Connection, trigger: str, stretches: Sequence[tuple[datetime, datetime]]
) -> list[list[tuple[str, str]]]:
    """Answer of a schedule's firings in each of the stretches that follow one another what became of them in the end.

    That is the state and the link of a receipt: of a firing that a function turned into a run, the function's; where
    several heard of it, that of the one that started work, or else of one that failed.
    """
    found: list[list[tuple[str, str]]] = [[] for _ in stretches]
    each = [stimuli(*stretch) for stretch in stretches]
    for mine in zip(*each, strict=True):  # those that came due, those that were forced
        starts = [low for low, _ in mine]
        for stimulus, state, link in _ENDS.rows(conn, trigger=trigger, low=starts[0], high=mine[-1][1]):
            found[bisect_right(starts, stimulus) - 1].append((state, link))
    return found


def _ends() -> Select[Any]:
    """Read each firing with the state of the receipt that says what became of it."""
    begins = (_c.stimulus.label("root"), _c.id, _c.state, _c.link, _c.create_time, literal(0).label("step"))
    begun = select(*begins).where(_c.trigger == bindparam("trigger"))
    begun = begun.where(_c.stimulus >= bindparam("low"), _c.stimulus < bindparam("high"))
    chain = begun.cte("chain", recursive=True)
    following = select(chain.c.root, _c.id, _c.state, _c.link, _c.create_time, chain.c.step + 1).where(
        _c.parent_id == chain.c.id, chain.c.step < _STEPS, not_(_is_work(chain.c.link))
    )
    chain = chain.union_all(following)
    is_failure = or_(chain.c.state == "FAILED", chain.c.state == "REFUSED")
    latest = (chain.c.step, chain.c.create_time, chain.c.id)
    telling = [each.desc() for each in (_is_work(chain.c.link), is_failure, *latest)]
    rank = func.row_number().over(partition_by=chain.c.root, order_by=telling)
    ranked = select(chain.c.root, chain.c.state, chain.c.link, rank.label("rank")).subquery()
    return select(ranked.c.root, ranked.c.state, ranked.c.link).where(ranked.c.rank == 1)


def _is_work(link: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(func.instr(link, "/pipelineJobs/") > 0, func.instr(link, "/builds/") > 0)


_ENDS = Prepared(_ends())
