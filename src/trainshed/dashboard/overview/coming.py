"""What is due next, in its own time zone and in UTC, and what came of it last time."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from trainshed import explain, ledger, names, schedules
from trainshed.clock import rfc3339
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Link, Several, Time
from trainshed.dashboard.page import Empty, Table
from trainshed.schedules import of_runs


@dataclass(frozen=True, kw_only=True)
class Coming:
    """A schedule with its next due time."""

    name: str
    called: str
    due: datetime | None
    zone: str
    last: explain.Fate | None  # what came of its last event


def read(
    of_messages: schedules.Service,
    of_runs_: of_runs.Service,
    receipts: ledger.Service,
    accounts: explain.Service,
    *,
    limit: int,
) -> list[Coming]:
    """Read the schedules that are due next."""
    found = [
        (s.name, names.short(s.name), s.next_due_time, s.options.time_zone)
        for s in of_messages.in_state("ENABLED", limit=limit)
    ]
    found += [
        (r.name, r.options.display_name, r.next_run_time, r.options.ticks.zone.key)
        for r in of_runs_.in_state("ACTIVE", limit=limit)
    ]
    found.sort(key=lambda each: (each[2] is None, each[2]))
    found = found[:limit]
    latest = receipts.latest([name for name, *_ in found], limit=1)
    last = [mine[0] for mine in latest.values() if mine]
    fates = dict(zip((receipt.trigger for receipt in last), accounts.fates(last), strict=True))
    return [
        Coming(name=name, called=called, due=due, zone=zone, last=fates.get(name)) for name, called, due, zone in found
    ]


def table(found: Sequence[Coming]) -> Table:
    """Write them as a table."""
    return Table(
        id="next",
        heading="Next",
        columns=("Schedule", "Due", "In its time zone", "In UTC", "Last time", "Account"),
        rows=[_row(each) for each in found],
        nothing=Empty(
            text="No schedule fires by itself.",
            command="trainshed scheduler jobs create pubsub hourly --schedule '0 * * * *' --topic TOPIC --message-body '{}'",
        ),
    )


def _row(each: Coming) -> Sequence[Cell]:
    local = each.due.astimezone(ZoneInfo(each.zone)).strftime("%Y-%m-%d %H:%M") if each.due else None
    last: Cell = "has not fired yet"
    if each.last is not None:
        last = Several(cells=(Badge(state=each.last.state), each.last.says))
    return (
        Link(text=each.called, href=links.href("/schedules", each.name)),
        Time(when=each.due, zone=each.zone) if each.due else None,
        f"{local} {each.zone}" if local else None,
        rfc3339(each.due)[:16].replace("T", " ") if each.due else None,
        last,
        links.why(each.name, _question(each.last)),
    )


def _question(last: explain.Fate | None) -> str:
    if last is not None and last.has_failed:
        return "Why it failed"
    return "Why" if last is None or last.did_something else "Why nothing came of it"
