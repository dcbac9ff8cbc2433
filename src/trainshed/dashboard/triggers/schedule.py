"""What one schedule of messages or calls says of itself."""

from datetime import datetime

from trainshed import names, schedules
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Code, Several, time
from trainshed.dashboard.page import Action, Actions
from trainshed.dashboard.triggers import messages
from trainshed.dashboard.triggers import schedule_forms as forms
from trainshed.dashboard.triggers.months import Ahead
from trainshed.dashboard.triggers.schedule_page import Described
from trainshed.schedules import Fold, Gap, PubsubTarget, Schedule

_GAPS = {
    Gap.SKIP: "a due time in it is skipped",
    Gap.RUN_NEXT: "a due time in it fires as soon as the clock has jumped",
}
_FOLDS = {
    Fold.BOTH: "a due time in it fires both times",
    Fold.FIRST_ONLY: "a due time in it fires the first time alone",
}
_PAUSED = "It is paused; resume it to see its next firings."


def described(schedule: Schedule, *, now: datetime) -> Described:
    """Describe a schedule of messages or calls."""
    after = max(now, schedule.last_due_time or now)
    return Described(
        name=schedule.name,
        noun="schedule",
        title=names.short(schedule.name),
        state=schedule.state,
        ahead=Ahead(cron=schedule.options.cron, after=after if schedule.state == "ENABLED" else None),
        nothing=_PAUSED if schedule.state == "PAUSED" else "It does not fire again.",
        actions=_actions(schedule),
        facts=_facts(schedule),
        forms=forms.edit_job(schedule),
    )


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
        ("Retries after a failure", options.retry.retry_count),
        ("Updated", time(schedule.user_update_time, options.time_zone)),
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
