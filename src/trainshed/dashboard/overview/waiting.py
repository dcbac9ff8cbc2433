"""What needs a person: builds that wait for approval, dead letters, messages that nobody takes, schedules that rest while their time goes by."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice

from trainshed import builds, names, schedules, topics
from trainshed.clock import rfc3339
from trainshed.dashboard import links
from trainshed.dashboard.cells import Badge, Cell, Code, Link
from trainshed.dashboard.page import Empty, Table
from trainshed.quantities import duration
from trainshed.schedules import of_runs

_TAKEN = timedelta(hours=1)  # within which somebody takes a message
_COUNTED = 1000  # due times that went by; there are that many or more


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """One thing that waits for somebody."""

    what: Cell
    state: str
    text: str
    command: str = ""


def read(
    of_builds: builds.Service,
    messages: topics.Service,
    of_messages: schedules.Service,
    of_runs_: of_runs.Service,
    *,
    now: datetime,
    limit: int,
) -> list[Wanted]:
    """Read what waits for a person, the most urgent kind first."""
    kinds: Iterable[Callable[[], Iterable[Wanted]]] = (
        lambda: map(_approval, of_builds.newest(("PENDING",), limit=limit)),
        lambda: map(_dead, messages.backlogs.with_dead_letters(limit=limit)),
        lambda: (_untaken(each, now) for each in messages.backlogs.untaken(now - _TAKEN, limit=limit)),
        lambda: (_paused(schedule, now) for schedule in of_messages.in_state("PAUSED", limit=limit)),
        lambda: (_paused_runs(schedule, now) for schedule in of_runs_.in_state("PAUSED", limit=limit)),
    )
    return list(islice((each for read in kinds for each in read()), limit))  # no more than is shown is looked at


def table(found: Sequence[Wanted]) -> Table:
    """Write them as a table."""
    rows: list[Sequence[Cell]] = [
        (
            each.what,
            Badge(state=each.state),
            each.text,
            Code(text=each.command, may_copy=True) if each.command else None,
        )
        for each in found
    ]
    nothing = Empty(text="Nothing waits for a decision of yours.")
    columns = ("What", "State", "Why", "To do")
    return Table(id="waiting", heading="Needs you", columns=columns, rows=rows, nothing=nothing)


def _approval(build: builds.Build) -> Wanted:
    trigger = f" of trigger {names.short(build.trigger)}" if build.trigger else ""
    return Wanted(
        what=Link(text=f"build {build.build_id[:8]}", href=links.href("/builds", build.build_id)),
        state=build.state,
        text=f"The build{trigger} waits for approval since {rfc3339(build.create_time)[:16]}Z.",
        command=f"trainshed builds approve {build.build_id}",
    )


def _dead(each: topics.DeadLetters) -> Wanted:
    said = "1 message was" if each.count == 1 else f"{_bounded(each.count, each.bound)} messages were"
    return Wanted(
        what=Link(text=f"subscription {names.short(each.name)}", href=links.href("/topics", each.topic)),
        state="DEAD LETTERS",
        text=f"{said} given up after too many attempts.",
    )


def _untaken(each: topics.Subscribed, now: datetime) -> Wanted:
    backlog, oldest = each.backlog, ""
    said = "1 message waits" if backlog.waiting == 1 else f"{_bounded(backlog.waiting, backlog.bound)} messages wait"
    if backlog.oldest_time:
        oldest = f", the oldest for {duration((now - backlog.oldest_time).total_seconds())}"
        oldest += " or longer" if backlog.may_be_older else ""
    is_pulled = each.kind is topics.Kind.PULL
    return Wanted(
        what=Link(text=f"subscription {names.short(each.name)}", href=links.href("/subscriptions", each.name)),
        state="BACKLOG",
        text=f"{said}{oldest}; " + ("nobody pulls them." if is_pulled else "they are not delivered."),
        command=f"trainshed pubsub subscriptions pull {names.short(each.name)} --limit 10" if is_pulled else "",
    )


def _bounded(count: int, bound: int) -> str:
    return f"{count} or more" if count >= bound else str(count)


def _paused(schedule: schedules.Schedule, now: datetime) -> Wanted:
    since = max(schedule.user_update_time, schedule.last_due_time or schedule.user_update_time)
    missed = _missed(schedule.options.cron.due_times(since, until=now))
    return Wanted(
        what=links.why(schedule.name, f"schedule {names.short(schedule.name)}"),
        state=schedule.state,
        text=f"It is paused and does not fire; {missed}.",
        command=f"trainshed scheduler jobs resume {names.short(schedule.name)}",
    )


def _paused_runs(schedule: of_runs.RunSchedule, now: datetime) -> Wanted:
    since = schedule.last_pause_time or schedule.update_time
    missed = _missed(schedule.options.ticks.due_times(since, until=now))
    return Wanted(
        what=links.why(schedule.name, f"schedule {schedule.options.display_name}"),
        state=schedule.state,
        text=f"It is paused and starts no run; {missed}.",
    )


def _missed(times: Iterable[datetime]) -> str:
    count = sum(1 for _ in islice(times, _COUNTED))
    if count <= 1:
        return "1 due time has gone by since" if count else "no due time has gone by since"
    more = " or more" if count == _COUNTED else ""
    return f"{count}{more} due times have gone by since"
