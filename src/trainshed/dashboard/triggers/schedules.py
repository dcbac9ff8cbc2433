"""Schedules of both kinds, with their last firings: Cloud Scheduler's jobs, and Vertex AI's schedules of runs."""

from collections.abc import Sequence
from datetime import datetime

from trainshed import names, schedules, topics
from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Marks, Several, time
from trainshed.dashboard.page import Empty, Filter, Filters, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.dashboard.triggers import SECTION as ABOVE
from trainshed.dashboard.triggers import run_schedule, schedule, schedule_page, stories, tabs
from trainshed.dashboard.triggers import schedule_forms as forms
from trainshed.dashboard.triggers.firings import Firings, next_of
from trainshed.dashboard.triggers.schedule import outcome
from trainshed.dashboard.triggers.sources import Sources, follows
from trainshed.dashboard.triggers.stories import Story
from trainshed.errors import InvalidArgument
from trainshed.schedules import firing, of_runs
from trainshed.schedules.lifecycle import SCHEDULE
from trainshed.schedules.of_runs.lifecycle import RUN_SCHEDULE
from trainshed.sql import changes

SECTION = "/schedules"
_SHOWN = 25  # of each kind
_MARKS = 8  # of each schedule: reading what came of them is most of what the page costs
_STATES = tuple(dict.fromkeys((*SCHEDULE.states, *RUN_SCHEDULE.states)))
_COLUMNS = ("Schedule", "State", "Cron", "Next firing", "Last attempt", "Last firings", "Target", "Account")
_OF_RUNS = ("Schedule", "State", "Cron", "Next run", "Last run", "Last firings", "Runs started", "Account")


class Schedules:
    """Pages over the schedules feature."""

    def __init__(
        self,
        service: schedules.Service,
        of_runs: of_runs.Service,
        sources: Sources,
        messages: topics.Service,
        parent: str,
    ) -> None:
        self._service = service
        self._of_runs = of_runs
        self._sources = sources
        self._topics = messages
        self._parent = parent
        self._firings = Firings(sources)

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path=SECTION, make=self.listing, words=("name", "state", "after", "before")),
            Address(path=SECTION + "/{name:path}", make=self.detail, words=("view", "day", "month", "page")),
        ]

    def listing(self, asked: Asked) -> Page:
        """List both kinds. Raises InvalidArgument."""
        state, text = asked.choice("state", _STATES), asked.word("name")
        after, before = asked.word("after"), _read_place(asked.word("before"))
        jobs = self._service.search(self._parent, text=text, state=state, after=after, limit=_SHOWN + 1)
        of_runs = self._of_runs.search(self._parent, text=text, state=state, before=before, limit=_SHOWN + 1)
        shown = [*(s.name for s in jobs[:_SHOWN]), *(s.name for s in of_runs[:_SHOWN])]
        told = self._sources.last_of(shown, limit=_MARKS)
        parts: list[Part] = [
            Filters(id="filters", action=SECTION, filters=_filters(text, state)),
            _jobs(asked, jobs, told),
            _schedules_of_runs(asked, of_runs, told),
            forms.new_job(self._parent, self._topics),
            forms.new_of_runs(self._parent),
        ]
        channels = [changes("schedule"), changes("run schedule"), firing.CHANGED]
        works = follows([story for mine in told.values() for story in mine])
        return Page(title="Schedules", section=ABOVE, tabs=tabs(SECTION), parts=parts, follows=(*channels, *works))

    def detail(self, asked: Asked) -> Page:
        """One schedule. Raises NotFound, InvalidArgument."""
        now = self._service.clock.now()
        if "/schedules/" in asked.name:
            found = run_schedule.described(self._of_runs.get(asked.name), now=now)
        else:
            found = schedule.described(self._service.get(asked.name), now=now)
        return schedule_page.page(found, self._firings, asked, now=now)


def _filters(text: str, state: str) -> tuple[Filter, ...]:
    states = (("", "any"), *((s, s) for s in _STATES))
    return (
        Filter(name="name", label="Name contains", value=text),
        Filter(name="state", label="State", value=state, choices=states),
    )


def _jobs(asked: Asked, found: Sequence[schedules.Schedule], told: dict[str, list[Story]]) -> Table:
    shown = found[:_SHOWN]
    rows = [
        (
            *_beginning(s.name, names.short(s.name), s.state, s.options.cron),
            next_of(s.next_due_time, s.options.time_zone),
            outcome(s, is_brief=True),
            Marks(marks=stories.marks(told[s.name], s.options.time_zone)),
            target(s.options.target),
            links.why(s.name),
        )
        for s in shown
    ]
    nothing = Empty(
        text=f"{_none(asked)} schedule of messages. One publishes a message, or calls an endpoint, whenever its cron comes due: make one "
        "below, or type",
        command="trainshed scheduler jobs create pubsub NAME --schedule '*/3 * * * *' --topic TOPIC --message-body '{}'",
    )
    more = asked.href(after=shown[-1].name) if len(found) > _SHOWN else ""
    return Table(
        id="schedules", heading="Schedules of messages and calls", columns=_COLUMNS, rows=rows, nothing=nothing,
        more=more, more_text="More schedules",
    )  # fmt: skip


def _schedules_of_runs(asked: Asked, found: Sequence[of_runs.RunSchedule], told: dict[str, list[Story]]) -> Table:
    shown = found[:_SHOWN]
    rows = []
    for s in shown:
        cron = s.options.ticks
        due = s.next_run_time if s.state == "ACTIVE" else None
        last = Several(cells=(time(s.last_run_time, cron.time_zone), links.link(s.last_response)))
        rows.append(
            (
                *_beginning(s.name, s.options.display_name, s.state, cron),
                next_of(due, cron.time_zone),
                last if s.last_run_time else None,
                Marks(marks=stories.marks(told[s.name], cron.time_zone)),
                _started(s),
                links.why(s.name),
            )
        )
    nothing = Empty(
        text=f"{_none(asked)} schedule of runs. One starts runs of a compiled pipeline itself, as PipelineJob.create_schedule "
        "of Vertex AI's SDK asks for: make one below."
    )
    more = asked.href(before=_place(shown[-1])) if len(found) > _SHOWN else ""
    return Table(
        id="schedules-of-runs", heading="Schedules of runs", columns=_OF_RUNS, rows=rows, nothing=nothing, more=more
    )


def _beginning(name: str, shown: str, state: str, cron: schedules.Cron) -> tuple[Cell, ...]:
    link = Link(text=shown, href=links.href(SECTION, name))
    return link, Badge(state=state), Several(cells=(Code(text=cron.expression), f"{cron.words}, {cron.time_zone}"))


def _none(asked: Asked) -> str:
    return "The filter fits no" if asked.query else "There is no"


def _started(schedule: of_runs.RunSchedule) -> Cell:
    most = schedule.options.max_run_count
    return f"{schedule.started_run_count} of {most}" if most else schedule.started_run_count


def target(found: schedules.PubsubTarget | schedules.HttpTarget) -> Cell:
    """Answer what a schedule publishes to, or calls."""
    if isinstance(found, schedules.PubsubTarget):
        return links.link(found.topic)
    return Code(text=f"{found.method} {found.uri}")


def _place(schedule: of_runs.RunSchedule) -> str:
    return names.page_token(time=rfc3339(schedule.create_time), name=schedule.name)


def _read_place(token: str) -> tuple[datetime, str] | None:
    position = names.read_page_token(token)
    try:
        return (parse_rfc3339(position["time"]), str(position["name"])) if position else None
    except (KeyError, TypeError, ValueError) as error:
        raise InvalidArgument.field("before", "not a token that this server returned") from error
