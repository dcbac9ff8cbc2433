"""One schedule of messages or calls: what it does, its firings, a calendar, its form."""

from trainshed import names, schedules
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, time
from trainshed.dashboard.page import Action, Actions, Facts, Page, Part, Tab
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import messages
from trainshed.dashboard.triggers import schedule_forms as forms
from trainshed.dashboard.triggers.firings import Firings, coming
from trainshed.dashboard.triggers.months import Ahead
from trainshed.dashboard.triggers.sources import follows
from trainshed.schedules import Fold, Gap, PubsubTarget, Schedule, firing
from trainshed.sql import changes

TRAIL = (Link(text="Schedules", href="/schedules"),)
VIEWS = (("", "Firings"), ("calendar", "Calendar"), ("edit", "Edit"))
_GAPS = {
    Gap.SKIP: "a due time in it is skipped",
    Gap.RUN_NEXT: "a due time in it fires as soon as the clock has jumped",
}
_FOLDS = {
    Fold.BOTH: "a due time in it fires both times",
    Fold.FIRST_ONLY: "a due time in it fires the first time alone",
}
_PAUSED = "It is paused; resume it to see its next firings."


class SchedulePage:
    """Makes the pages of one schedule."""

    def __init__(self, service: schedules.Service, firings: Firings) -> None:
        self._service = service
        self._firings = firings

    def page(self, asked: Asked) -> Page:
        """Show one schedule. Raises NotFound, InvalidArgument."""
        view = asked.choice("view", [word for word, _ in VIEWS if word])
        schedule = self._service.get(asked.name)
        parts, channels = self._view(view, schedule, asked)
        return Page(
            title=names.short(schedule.name),
            section=ABOVE,
            state=Badge(state=schedule.state),
            about=(schedule.options.cron.words, schedule.options.time_zone),
            trail=TRAIL,
            tabs=views(asked, view),
            parts=(_actions(schedule), *parts),
            follows=(changes("schedule", schedule.name), firing.CHANGED, *channels),
        )

    def _view(self, view: str, schedule: Schedule, asked: Asked) -> tuple[list[Part], list[str]]:
        if view == "edit":
            return list(forms.edit_job(schedule)), []
        cron = schedule.options.cron
        if view == "calendar":
            is_enabled = schedule.state == "ENABLED"
            now = self._service.clock.now()
            ahead = Ahead(cron=cron, after=now if is_enabled else None)
            found = self._firings.calendar(schedule.name, ahead, asked, now=now)
            return [found], [changes("receipt")]
        _, upcoming = self._service.preview(schedule.name)
        told = self._firings.last(schedule.name)
        nothing = "It does not fire again." if schedule.state != "PAUSED" else _PAUSED
        next_ones = coming(upcoming if schedule.state == "ENABLED" else [], cron.time_zone, nothing=nothing)
        parts = [
            self._firings.strip(told, cron.time_zone),
            self._firings.listing(schedule.name, asked, cron.time_zone),
            next_ones,
            Facts(id="facts", heading="What it does", pairs=_facts(schedule)),
        ]
        return parts, follows(told)


def views(asked: Asked, view: str) -> list[Tab]:
    """Answer the views of a schedule."""
    clear = {"view": None, "month": None, "page": None, "day": None}
    return [
        Tab(label=label, href=asked.href(**{**clear, "view": word}), is_current=word == view) for word, label in VIEWS
    ]


def outcome(schedule: Schedule, *, is_brief: bool = False) -> Cell:
    """Answer when the last attempt was, and how it ended; in brief without all that was said of a failure."""
    if schedule.last_attempt_time is None:
        return None
    when = time(schedule.last_attempt_time, schedule.options.time_zone)
    if not schedule.status_code:
        return Several(cells=(when, Badge(state="OK")))
    said = str(schedule.status_code) if is_brief else f"{schedule.status_code}: {schedule.status_message}"
    return Several(cells=(when, Badge(state="FAILED", note=said)))


def _actions(schedule: Schedule) -> Actions:
    path = f"/v1/{schedule.name}"
    short = names.short(schedule.name)
    pause = Action(label="Pause", path=f"{path}:pause")
    resume = Action(label="Resume", path=f"{path}:resume")
    gone = f"Delete the schedule {short}? Its receipts and the runs that it led to stay."
    return Actions(
        id="actions",
        actions=(
            Action(label="Run now", path=f"{path}:run"),
            pause if schedule.state == "ENABLED" else resume,
            Action(label="Delete", path=path, method="DELETE", confirm=gone, then="/schedules"),
        ),
        links=(links.metrics(schedule.name),),
        copies_address=True,
    )


def _facts(schedule: Schedule) -> list[tuple[str, Cell]]:
    options = schedule.options
    found: list[tuple[str, Cell]] = [
        ("Name", Code(text=schedule.name, may_copy=True)),
        ("Description", options.description),
        ("Cron", Several(cells=(Code(text=options.schedule), options.cron.words))),
        ("Time zone", options.time_zone),
        ("Last attempt", outcome(schedule)),
        *_target(options),
        ("Missing hour in spring", _GAPS[options.daylight_saving.gap]),
        ("Double hour in autumn", _FOLDS[options.daylight_saving.fold]),
        ("While the last one is not done", options.overlap.words),
        ("Missed while the server was down", options.catch_up.words),
        ("Tries after a failure", options.retry.retry_count),
        ("Changed", time(schedule.user_update_time, options.time_zone)),
    ]
    return found


def _target(options: schedules.Options) -> list[tuple[str, Cell]]:
    target = options.target
    if isinstance(target, PubsubTarget):
        attributes = ", ".join(f"{key}={value}" for key, value in target.attributes.items())
        return [
            ("Publishes to", links.link(target.topic)),
            ("Message", Code(text=messages.readable(messages.decoded(target.data)))),
            ("Attributes", attributes),
        ]
    return [
        ("Calls", Code(text=f"{target.method} {target.uri}")),
        ("Body", Code(text=messages.readable(messages.decoded(target.body)))),
        ("Answer within", f"{options.attempt_deadline_seconds:g} s"),
        ("Authorised by", f"{target.token} token of {target.token_email}" if target.token else None),
    ]
