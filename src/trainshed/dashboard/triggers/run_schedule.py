"""One schedule of runs: what it starts, its firings, a calendar, its form."""

from datetime import datetime, timedelta
from itertools import islice

from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Several, time
from trainshed.dashboard.page import Action, Actions, Facts, Page, Part
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import schedule_forms as forms
from trainshed.dashboard.triggers.firings import Firings, coming
from trainshed.dashboard.triggers.months import Ahead
from trainshed.dashboard.triggers.schedule import TRAIL, VIEWS, views
from trainshed.dashboard.triggers.sources import follows
from trainshed.schedules import firing, of_runs
from trainshed.schedules.of_runs import RunSchedule
from trainshed.sql import changes

_COMING = 10


class RunSchedulePage:
    """Makes the pages of one schedule of runs."""

    def __init__(self, service: of_runs.Service, firings: Firings) -> None:
        self._service = service
        self._firings = firings

    def page(self, asked: Asked) -> Page:
        """Show one schedule. Raises NotFound, InvalidArgument."""
        view = asked.choice("view", [word for word, _ in VIEWS if word])
        schedule = self._service.get(asked.name)
        parts, channels = self._view(view, schedule, asked)
        cron = schedule.options.ticks
        return Page(
            title=schedule.options.display_name,
            section=ABOVE,
            state=Badge(state=schedule.state),
            about=(cron.words, cron.time_zone),
            trail=TRAIL,
            tabs=views(asked, view),
            parts=(_actions(schedule), *parts),
            follows=(changes("run schedule", schedule.name), firing.CHANGED, *channels),
        )

    def _view(self, view: str, schedule: RunSchedule, asked: Asked) -> tuple[list[Part], list[str]]:
        cron, now = schedule.options.ticks, self._service.clock.now()
        if view == "edit":
            return [forms.edit_of_runs(schedule)], []
        ahead = _ahead(schedule, now)
        if view == "calendar":
            found = self._firings.calendar(schedule.name, ahead, asked, now=now)
            return [found], [changes("receipt"), changes("run")]
        told = self._firings.last(schedule.name)
        due = list(islice(ahead.due(), _COMING))
        nothing = (
            "It is paused; resume it to see its next runs." if schedule.state == "PAUSED" else "No run comes any more."
        )
        parts = [
            self._firings.strip(told, cron.time_zone),
            self._firings.listing(schedule.name, asked, cron.time_zone),
            coming(due, cron.time_zone, nothing=nothing),
            Facts(id="facts", heading="What it does", pairs=_facts(schedule, cron.time_zone)),
        ]
        return parts, follows(told)


def _ahead(schedule: RunSchedule, now: datetime) -> Ahead:
    """Answer what is to come: from its start or from now, to its end, as many as it may still start."""
    options = schedule.options
    starts = options.start_time - timedelta(microseconds=1) if options.start_time else now
    most = max(0, options.max_run_count - schedule.started_run_count) if options.max_run_count else None
    after = max(now, starts) if schedule.state == "ACTIVE" else None
    return Ahead(cron=options.ticks, after=after, until=options.end_time, most=most)


def _actions(schedule: RunSchedule) -> Actions:
    path = f"/v1/{schedule.name}"
    gone = f"Delete the schedule {schedule.options.display_name}? Its receipts and the runs that it started stay."
    run = Action(label="Run now", path=f"/trainshed/v1/{schedule.name}:run")
    pause = Action(label="Pause", path=f"{path}:pause")
    resume = Action(label="Resume", path=f"{path}:resume")
    catch_up = Action(
        label="Resume and catch up",
        path=f"{path}:resume",
        body={"catchUp": True},
        confirm="Start, now, a run for every due time that passed while it was paused?",
    )
    changing = {"ACTIVE": (run, pause), "PAUSED": (run, resume, catch_up)}.get(schedule.state, ())
    delete = Action(label="Delete", path=path, method="DELETE", confirm=gone, then="/schedules")
    more = (links.metrics(schedule.name),)
    return Actions(id="actions", actions=(*changing, delete), links=more, copies_address=True)


def _facts(schedule: RunSchedule, zone: str) -> list[tuple[str, Cell]]:
    options, job = schedule.options, schedule.request.get("pipelineJob") or {}
    most = options.max_run_count or "any number"
    found: list[tuple[str, Cell]] = [
        ("Name", Code(text=schedule.name, may_copy=True)),
        ("Cron", Several(cells=(Code(text=options.cron), options.ticks.words))),
        ("Starts", Code(text=str(job.get("templateUri") or job.get("displayName") or "a pipeline given in full"))),
        ("Runs", f"{schedule.started_run_count} started of {most}"),
        ("Last run", time(schedule.last_run_time, zone)),
        ("It led to", links.link(schedule.last_response)),
        ("At work at once", str(options.max_concurrent_active_run_count or "any number")),
        ("At that limit", "a due time waits" if options.allow_queueing else "a due time is skipped"),
        ("From", time(options.start_time, zone)),
        ("Until", time(options.end_time, zone)),
        ("Made", time(schedule.create_time, zone)),
        ("Paused", time(schedule.last_pause_time, zone)),
        ("Resumed", time(schedule.last_resume_time, zone)),
    ]
    return found
