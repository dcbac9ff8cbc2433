"""How far runs have come, in few words and for many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, and_, bindparam, func, not_, select

from trainshed.runs.store import runs
from trainshed.sql import Prepared, among

_c = runs.c


@dataclass(frozen=True, kw_only=True)
class Progress:
    """One run: where it stands."""

    state: str
    create_time: datetime
    start_time: datetime | None
    end_time: datetime | None
    tasks_ran: int | None  # None until it ended
    tasks_total: int
    pauses: Sequence[Sequence[str]] | None = None


_PROGRESS = Prepared(
    select(
        _c.name, _c.state, _c.create_time, _c.start_time, _c.end_time, _c.tasks_ran, _c.tasks_total, _c.pauses
    ).where(among(_c.name, "given"))
)


def of_runs(conn: Connection, names: Sequence[str]) -> dict[str, Progress]:
    """Answer how far these runs have come; what is gone is left out."""
    return {
        name: Progress(
            state=state, create_time=made, start_time=start, end_time=end, tasks_ran=ran, tasks_total=total, pauses=idle
        )
        for name, state, made, start, end, ran, total, idle in _PROGRESS.rows(conn, given=list(names))
    }


def triggers_of(conn: Connection, names: Sequence[str]) -> list[str]:
    """Answer what stands at the beginning of these runs: schedules, triggers; nothing of one that was started by hand."""
    query = select(_c.trigger).distinct().where(_c.name.in_(names), _c.trigger != "").order_by(_c.trigger)
    return list(conn.execute(query).scalars())


def count_by_state(conn: Connection, trigger: str, since: datetime, until: datetime) -> dict[str, int]:
    """Count the runs of a trigger that were made in a stretch of time and had something to do, by their state."""
    return dict(_COUNTED.rows(conn, trigger=trigger, since=since, until=until))


def _counted() -> Select[Any]:
    is_needless = and_(_c.state == "SUCCEEDED", func.coalesce(_c.tasks_ran, 1) == 0, _c.tasks_total > 0)
    then = (_c.create_time >= bindparam("since"), _c.create_time < bindparam("until"))
    query = select(_c.state, func.count()).where(_c.trigger == bindparam("trigger"), *then, not_(is_needless))
    return query.group_by(_c.state)


_COUNTED = Prepared(_counted())  # a calendar asks for each of its days
