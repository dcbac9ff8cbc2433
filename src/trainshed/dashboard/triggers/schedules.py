"""Schedules, those of runs among them: the list, and one schedule with its next due times."""

from trainshed import ledger, schedules
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, time
from trainshed.dashboard.page import Empty, Facts, Page, Table
from trainshed.dashboard.serve import Address
from trainshed.schedules import of_runs

SECTION = "/schedules"
_MOST = 500


class Schedules:
    """Pages over the schedules feature."""

    def __init__(
        self, service: schedules.Service, of_runs: of_runs.Service, receipts: ledger.Service, parent: str
    ) -> None:
        self._service = service
        self._of_runs = of_runs
        self._receipts = receipts
        self._parent = parent

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing),
            Address(path=SECTION + "/{name:path}", make=self.detail),
        ]

    def listing(self, asked: Asked) -> Page:  # noqa: ARG002  (no filter yet)
        """All schedules of the default project and region."""
        found, _ = self._service.list_schedules(self._parent)
        nothing = "No schedule yet: trainshed scheduler jobs create pubsub NAME --schedule CRON --topic T makes one."
        columns = ("Schedule", "State", "Cron", "Time zone", "Target", "Next firing", "Last attempt")
        rows = [self._row(s) for s in found]
        table = Table(id="part-1", columns=columns, rows=rows, nothing=Empty(text=nothing))
        starting, _ = self._of_runs.list(self._parent, of_runs.Wanted(page_size=_MOST))
        of_them = Table(
            id="schedules-of-runs",
            heading="Schedules of runs",
            columns=("Schedule", "State", "Cron", "Next run", "Last run", "Runs started"),
            rows=[_row_of_runs(schedule) for schedule in starting],
            nothing=Empty(text="No schedule of runs yet: PipelineJob.create_schedule of Vertex AI's SDK makes one."),
        )
        return Page(title="Schedules", section=SECTION, parts=(table, of_them))

    def detail(self, asked: Asked) -> Page:
        """One schedule. Raises NotFound."""
        name = asked.name
        return self._detail_of_runs(name) if "/schedules/" in name else self._detail(name)

    def _detail(self, name: str) -> Page:
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
        coming = Table(
            id="next-firings",
            heading="Next firings",
            columns=("Due",),
            rows=[(time(due),) for due in upcoming],
            nothing=Empty(text="It does not fire again."),
        )
        parts = (Facts(id="part-4", pairs=about), coming, self._firings(name))
        return Page(title=name.rsplit("/", 1)[-1], section=SECTION, parts=parts)

    def _detail_of_runs(self, name: str) -> Page:
        schedule = self._of_runs.get(name)
        options = schedule.options
        about = (
            ("State", Badge(state=schedule.state, note="")),
            ("Cron", options.cron),
            ("Start", time(options.start_time)),
            ("End", time(options.end_time)),
            ("Runs", f"{schedule.started_run_count} of {options.max_run_count or 'any number'}"),
            ("At work at once", str(options.max_concurrent_active_run_count or "any number")),
            ("At the limit", "waits" if options.allow_queueing else "is skipped"),
            ("Next run", time(schedule.next_run_time)),
        )
        return Page(
            title=options.display_name, section=SECTION, parts=(Facts(id="part-5", pairs=about), self._firings(name))
        )

    def _firings(self, name: str) -> Table:
        rows = [
            (
                links.link(f"receipts/{r.receipt_id}"),
                r.stimulus,
                Badge(state=r.state, note=r.reason),
                links.link(r.link),
            )
            for r in self._receipts.list(trigger=name, limit=50)
        ]
        columns = ("Receipt", "Due", "What became of it", "Led to")
        return Table(
            id="firings", heading="Firings", columns=columns, rows=rows, nothing=Empty(text="It has not fired yet.")
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


def _row_of_runs(schedule: of_runs.RunSchedule) -> tuple[Cell, ...]:
    return (
        Link(text=schedule.options.display_name, href=links.href(SECTION, schedule.name)),
        Badge(state=schedule.state, note=""),
        schedule.options.cron,
        time(schedule.next_run_time),
        links.link(schedule.last_response),
        str(schedule.started_run_count),
    )


def _target(target: schedules.PubsubTarget | schedules.HttpTarget) -> Cell:
    return links.link(target.topic) if isinstance(target, schedules.PubsubTarget) else target.uri
