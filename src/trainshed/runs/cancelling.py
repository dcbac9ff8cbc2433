"""When runs were asked to end, and who or what asked: read from their history."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from trainshed.runs.lifecycle import RUN
from trainshed.sql.lifecycle import history_table

DEADLINE = "its deadline"
_ASKS = {
    "cancel": "",
    "expire": DEADLINE,
}  # transitions that ask a run to end, and why those come that nobody asked for
_FORGETS = ("created", "retry")  # what was asked before is of another life


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """A run was asked to end."""

    time: datetime
    cause: str  # who or what asked: "the dashboard"; empty: that was not recorded

    @property
    def by(self) -> str:
        """Say who or what asked, in words."""
        return self.cause or "somebody"


def of_runs(conn: Connection, names: Sequence[str]) -> dict[str, Cancellation]:
    """Answer of some runs when they were asked to end, and by what; one that was not is left out."""
    c = history_table.c
    found: dict[str, Cancellation] = {}
    query = select(c.resource, c.transition, c.time, c.cause).where(c.noun == RUN.noun, c.resource.in_(names))
    for name, transition, time, cause in conn.execute(
        query.where(c.transition.in_((*_ASKS, *_FORGETS))).order_by(c.id)
    ):
        if transition in _FORGETS:
            found.pop(name, None)
        else:
            found.setdefault(name, Cancellation(time=time, cause=cause or _ASKS[transition]))
    return found
