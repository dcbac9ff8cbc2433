"""Rules of schedules of runs: what is allowed, when one is looked at, and what becomes of due times. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from trainshed import names
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument
from trainshed.schedules.of_runs.model import Options, RunSchedule

PARENT = "projects/{project}/locations/{location}"
NAME = PARENT + "/schedules/{schedule}"
MISSED = "missed: the server was down at the time, and the schedule does not catch up"
PAUSED = "missed: the schedule was paused, and was resumed without catching up"
CHANGED = "the schedule was changed before this run was started"
_LONGEST_NAME = 128
_MOST = 2**63 - 1
_LISTED = 20  # more due times of one fate than this share one receipt
_INSTANT = timedelta(microseconds=1)


def check(options: Options, request: Mapping[str, Any], parent: str) -> Options:
    """Answer the options if Vertex AI would take them. Raises InvalidArgument naming the field."""
    _check_cron(options)
    if not 0 < len(options.display_name) <= _LONGEST_NAME:
        raise InvalidArgument.field("schedule.displayName", f"give a name of 1 to {_LONGEST_NAME} characters")
    if not 1 <= options.max_concurrent_run_count <= _MOST:
        raise InvalidArgument.field("schedule.maxConcurrentRunCount", "give how many runs may start at once, 1 or more")
    for field_name, count in (
        ("maxRunCount", options.max_run_count),
        ("maxConcurrentActiveRunCount", options.max_concurrent_active_run_count),
    ):
        if not 0 <= count <= _MOST:
            raise InvalidArgument.field(f"schedule.{field_name}", f"{count} is negative; leave it out for no limit")
    if options.end_time and options.start_time and options.end_time <= options.start_time:
        raise InvalidArgument.field("schedule.endTime", "has to be later than startTime")
    _check_request(request, parent)
    return options


def _check_cron(options: Options) -> None:
    try:
        _ = options.ticks
    except InvalidArgument as error:
        why = error.message.partition(": ")[2]
        raise InvalidArgument.field("schedule.cron", why, reason=error.reason) from error


def _check_request(request: Mapping[str, Any], parent: str) -> None:
    where = "schedule.createPipelineJobRequest"
    if not request:
        raise InvalidArgument.field(where, "is missing; it is what the schedule creates, and nothing else can be here")
    if request.get("pipelineJobId"):
        raise InvalidArgument.field(f"{where}.pipelineJobId", "leave it out; each run gets an id of its own")
    given = request.get("parent", "")
    names.parse(PARENT, given, field=f"{where}.parent")
    if given != parent:
        raise InvalidArgument.field(f"{where}.parent", f"{given!r} is not the schedule's own, {parent!r}")


def first_due(options: Options, now: datetime) -> datetime | None:
    """Answer the first due time after now, and not before the start time."""
    after = max(now, options.start_time - _INSTANT) if options.start_time else now
    return options.ticks.next_due(after)


def wake_time(options: Options, due: datetime | None) -> datetime | None:
    """Answer when to look at a schedule whose next due time that is."""
    if options.end_time is not None and (due is None or due > options.end_time):
        return options.end_time
    return due


def shown(options: Options, due: datetime | None) -> datetime | None:
    """Answer a due time unless it lies behind the end."""
    return None if due is None or (options.end_time is not None and due > options.end_time) else due


@dataclass(kw_only=True)
class Due:
    """Due times of one schedule, sorted by what becomes of them."""

    start: list[datetime] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)  # stimulus, reason
    next_due: datetime | None = None  # the first that nothing is decided about
    is_behind: bool = False  # that one waits until a run ends
    is_more: bool = False  # that one has come as well; look again
    is_over: bool = False  # no run comes any more


def sort_due(schedule: RunSchedule, *, active: int, horizon: datetime, now: datetime, limit: int) -> Due:
    """Decide about what has come due. Before `horizon` nobody was there to look, `active` runs have not ended."""
    options, due = schedule.options, Due()
    left = options.max_run_count - schedule.started_run_count if options.max_run_count else _MOST
    room = room_of(options, active)
    is_saved = schedule.catch_up or schedule.is_behind
    missed: list[datetime] = []
    refused: list[datetime] = []
    for time in _until(schedule, now):
        if len(due.start) >= left:
            break
        if time < horizon and not is_saved:
            missed.append(time)
        elif len(due.start) >= room and options.allow_queueing:
            due.next_due, due.is_behind = time, True
            break
        elif len(due.start) >= room:
            refused.append(time)
        elif len(due.start) == limit:
            due.next_due, due.is_more = time, True
            break
        else:
            due.start.append(time)
    due.skipped = [*stimuli(missed, MISSED), *stimuli(refused, _too_many(options))]
    if due.next_due is None:
        due.next_due = shown(options, options.ticks.next_due(now))
    is_past = options.end_time is not None and now >= options.end_time
    nothing_left = due.next_due is None and (options.end_time is None or is_past)
    due.is_over = len(due.start) >= left or nothing_left
    return due


def room_of(options: Options, active: int) -> int:
    """Answer how many more runs may be open beside the `active` ones."""
    return options.max_concurrent_active_run_count - active if options.max_concurrent_active_run_count else _MOST


def stimuli(times: Iterable[datetime], reason: str) -> list[tuple[str, str]]:
    """Answer the receipts of due times that start nothing: one each, or one for all where they are many."""
    listed = list(times)
    if len(listed) <= _LISTED:
        return [(rfc3339(time), reason) for time in listed]
    return [(f"{rfc3339(listed[0])}/{rfc3339(listed[-1])}", f"{len(listed)} due times: {reason}")]


def undecided(schedule: RunSchedule, now: datetime) -> list[datetime]:
    """Answer what has come due and was not decided about."""
    return list(_until(schedule, now))


def _until(schedule: RunSchedule, now: datetime) -> Iterable[datetime]:
    if schedule.next_run_time is None:
        return ()
    end = min(now, schedule.options.end_time) if schedule.options.end_time else now
    return schedule.options.ticks.due_times(schedule.next_run_time - _INSTANT, until=end)


def _too_many(options: Options) -> str:
    most = options.max_concurrent_active_run_count
    return f"overlap: {most} runs of the schedule had not ended (maxConcurrentActiveRunCount), and it does not queue"
