"""What one run schedule says of itself."""

from datetime import datetime, timedelta

from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Code, Several, time
from trainshed.dashboard.page import Action, Actions
from trainshed.dashboard.triggers import schedule_forms as forms
from trainshed.dashboard.triggers.months import Ahead
from trainshed.dashboard.triggers.schedule_page import Described
from trainshed.schedules.of_runs import RunSchedule

_PAUSED = "It is paused; resume it to see its next runs."


def described(schedule: RunSchedule, *, now: datetime) -> Described:
    """Describe a run schedule."""
    return Described(
        name=schedule.name,
        noun="run schedule",
        title=schedule.options.display_name,
        state=schedule.state,
        ahead=_ahead(schedule, now),
        nothing=_PAUSED if schedule.state == "PAUSED" else "No run comes any more.",
        actions=_actions(schedule),
        facts=_facts(schedule),
        forms=(forms.edit_of_runs(schedule),),
    )


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


def _facts(schedule: RunSchedule) -> list[tuple[str, Cell]]:
    zone = schedule.options.ticks.time_zone
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
        ("Created", time(schedule.create_time, zone)),
        ("Paused", time(schedule.last_pause_time, zone)),
        ("Resumed", time(schedule.last_resume_time, zone)),
    ]
    return found
