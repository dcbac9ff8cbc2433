"""What became of a schedule's firings in the end, counted: of each chain of events the receipt that tells."""

from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, func, literal, not_, or_, select

from trainshed.ledger.search import between, stimuli
from trainshed.ledger.store import receipts

_STEPS = 3  # from a schedule to its topic, to a function, to the run
_c = receipts.c


def count_due(conn: Connection, trigger: str, since: datetime, until: datetime) -> dict[str, int]:
    """Count a schedule's firings in a stretch of time, by what became of them in the end.

    A firing that a function turned into a run counts as the function's receipt says; where several heard of it, that of
    the one that started work, or else of one that failed.
    """
    counts: dict[str, int] = {}
    for low, high in stimuli(since, until):
        for state, count in conn.execute(_ends(between(trigger, low, high))):
            counts[state] = counts.get(state, 0) + count
    return counts


def _ends(begun: Select[Any]) -> Select[Any]:
    """Count chains of receipts by the state of the one that says what became of the event."""
    begins = (_c.id.label("root"), _c.id, _c.state, _c.link, _c.create_time, literal(0).label("step"))
    chain = begun.with_only_columns(*begins).cte("chain", recursive=True)
    following = select(chain.c.root, _c.id, _c.state, _c.link, _c.create_time, chain.c.step + 1).where(
        _c.parent_id == chain.c.id, chain.c.step < _STEPS, not_(_is_work(chain.c.link))
    )
    chain = chain.union_all(following)
    is_failure = chain.c.state.in_(("FAILED", "REFUSED"))
    latest = (chain.c.step, chain.c.create_time, chain.c.id)
    telling = [each.desc() for each in (_is_work(chain.c.link), is_failure, *latest)]
    place = func.row_number().over(partition_by=chain.c.root, order_by=telling)
    ranked = select(chain.c.state, place.label("place")).subquery()
    return select(ranked.c.state, func.count()).where(ranked.c.place == 1).group_by(ranked.c.state)


def _is_work(link: ColumnElement[str]) -> ColumnElement[bool]:
    return or_(link.contains("/pipelineJobs/"), link.contains("/builds/"))
