"""Schedules: the list, and one schedule with its next due times."""

from trainshed import ledger, schedules
from trainshed.dashboard import links
from trainshed.dashboard.page import Badge, Cell, Facts, Link, Page, Table
from trainshed.dashboard.render import time

SECTION = "/schedules"


class Schedules:
    """Pages over the schedules feature."""

    def __init__(self, service: schedules.Service, receipts: ledger.Service, parent: str) -> None:
        self._service = service
        self._receipts = receipts
        self._parent = parent

    def listing(self) -> Page:
        """All schedules of the default project and region."""
        found, _ = self._service.list_schedules(self._parent)
        nothing = "No schedule yet: trainshed scheduler jobs create pubsub NAME --schedule CRON --topic T makes one."
        columns = ("Schedule", "State", "Cron", "Time zone", "Target", "Next firing", "Last attempt")
        rows = [self._row(s) for s in found]
        return Page(title="Schedules", section=SECTION, parts=(Table(columns=columns, rows=rows, nothing=nothing),))

    def detail(self, name: str) -> Page:
        """One schedule. Raises NotFound."""
        schedule, upcoming = self._service.preview(name)
        options = schedule.options
        about = (
            ("State", Badge(state=schedule.state, note=schedule.status_message)),
            ("Cron", options.schedule),
            ("Time zone", options.time_zone),
            ("Daylight saving", str(options.daylight_saving)),
            ("Overlap", str(options.overlap)),
            ("Catch-up", f"at most {options.catch_up.limit}, {options.catch_up.order} first"),
            ("Target", _target(options.target)),
            ("Last attempt", time(schedule.last_attempt_time)),
        )
        receipts = [
            (
                links.link(f"receipts/{r.receipt_id}"),
                r.stimulus,
                Badge(state=r.state, note=r.reason),
                links.link(r.link),
            )
            for r in self._receipts.list(trigger=name, limit=50)
        ]
        return Page(
            title=name.rsplit("/", 1)[-1],
            section=SECTION,
            parts=(
                Facts(pairs=about),
                Table(
                    heading="Next firings",
                    columns=("Due",),
                    rows=[(time(due),) for due in upcoming],
                    nothing="It does not fire again.",
                ),
                Table(
                    heading="Firings",
                    columns=("Receipt", "Due", "What became of it", "Led to"),
                    rows=receipts,
                    nothing="It has not fired yet.",
                ),
            ),
        )

    def _row(self, schedule: schedules.Schedule) -> tuple[Cell, ...]:
        return (
            Link(text=schedule.name.rsplit("/", 1)[-1], href=links.href(SECTION, schedule.name)),
            Badge(state=schedule.state, note=schedule.status_message),
            schedule.options.schedule,
            schedule.options.time_zone,
            _target(schedule.options.target),
            time(schedule.next_due_time),
            time(schedule.last_attempt_time),
        )


def _target(target: schedules.PubsubTarget | schedules.HttpTarget) -> Cell:
    return links.link(target.topic) if isinstance(target, schedules.PubsubTarget) else target.uri
