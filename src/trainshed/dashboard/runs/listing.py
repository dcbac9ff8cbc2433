"""The list of runs: narrowed down by the address alone, newest first; several can be chosen and compared."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlencode

from trainshed import costs, names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, Several, time
from trainshed.dashboard.logs.ansi import plain
from trainshed.dashboard.page import Action, Empty, Filter, Filters, Notice, Page, Part, Table
from trainshed.dashboard.runs.words import asked_to_end, because, labels, remark, took, was_stopped
from trainshed.dashboard.wording import brief_cost
from trainshed.sql import changes

SECTION = "/runs"
COMPARISON = "/runs/compare"
TREND = "/runs/metrics"
SHEET = "/runs/metrics.csv"
NEW = "/runs/new"
WORDS = ("state", "pipeline", "trigger", "since", "until", "text", "value", "commit", "page")  # of the query
_PRICES = costs.load()
_ROWS = 50
_EVERY_SECONDS = 5.0  # in which tasks of a run that goes on may be done
_LONGEST_REASON = 160  # characters
_BRIEF = 24  # characters of a value
_MOST_PARAMETERS = 3
_COLUMNS = (
    "Run",
    "State",
    "Pipeline",
    "Started by",
    "Created",
    "Duration",
    "Cost here · cloud",
    "Parameters",
    "Account",
)
_EACH = (
    Action(label="Run again", path="/trainshed/v1/{own}:clone", confirm="Start {count} again, each as it was?"),
    Action(label="Retry what failed", path="/trainshed/v1/{own}:retry"),
    Action(
        label="Cancel",
        path="/v1/{key}:cancel",
        confirm="Cancel {count}? What runs is stopped; retry lets it go on later.",
    ),
    Action(
        label="Delete",
        path="/v1/{key}",
        method="DELETE",
        confirm="Delete {count}, logs included? Artifacts, models and receipts stay; what their tasks made is not reused any more.",
    ),
)


@dataclass(frozen=True, kw_only=True)
class Choice(Table):
    """A table whose rows can be chosen; what is chosen is sent to another page. For that it is a form without a script."""

    keys: Sequence[str]  # one per row: what is sent of it
    own: Sequence[str]  # one per row: what our own interface calls it
    labels: Sequence[str]  # one per row: what it is called
    action: str
    name: str  # of the word in the query
    button: str
    help: str = ""
    each: Sequence[Action] = ()  # asked for of each that is chosen; {key}, {own} in a path and {count} stand for it
    kind: ClassVar[str] = "choice"
    module: ClassVar[str] = "choose.js"


def page(service: runs.Service, asked: Asked) -> Page:
    """Make the page. Raises InvalidArgument naming the word of the query that cannot be meant."""
    wanted = runs.Search(
        state=asked.choice("state", tuple(runs.RUN.states)),
        pipeline=asked.word("pipeline"),
        trigger=asked.word("trigger"),
        since=asked.moment("since"),
        until=asked.moment("until"),
        text=asked.word("text"),
        value=asked.word("value"),
        commit=asked.word("commit"),
        page_size=_ROWS,
        page_token=asked.word("page"),
    )
    found, token = service.search(wanted)
    newest = (Link(text="Back to the newest", href=asked.href(page=None)),) if wanted.page_token else ()
    words = {"pipeline": wanted.pipeline, "trigger": wanted.trigger, "state": wanted.state}
    trend = f"{TREND}?{urlencode({key: word for key, word in words.items() if word})}".rstrip("?")
    return Page(
        title="Runs",
        section=SECTION,
        about=(
            *newest,
            Link(text="Start a run", href=NEW),
            *([Link(text="Metrics of these runs over time", href=trend)] if found else []),
        ),
        parts=(_filters(service.known(), wanted), *_further(asked, found, token), _table(service, asked, found, token)),
        follows=(changes(runs.RUN.noun),),
        refresh_seconds=_EVERY_SECONDS if any(not runs.RUN.is_final(run.state) for run in found) else None,
    )


def _further(asked: Asked, found: Sequence[runs.Run], token: str) -> tuple[Part, ...]:
    """Say that not everything was looked through, where a page is not full and there is a next one all the same."""
    if not token or len(found) == _ROWS:
        return ()
    text = "Many runs were looked through, and not all; older ones may fit as well"
    return (Notice(id="further", text=text, next=Link(text="Look further back", href=asked.href(page=token))),)


def _filters(known: runs.Known, wanted: runs.Search) -> Part:
    return Filters(
        id="filters",
        action=SECTION,
        filters=(
            Filter(name="text", label="Name contains", value=wanted.text),
            *narrowed(known, wanted),
            Filter(name="value", label="Parameter or label, as epochs=3", value=wanted.value),
            Filter(name="commit", label="Commit of its code", value=wanted.commit),
            Filter(name="since", label="Created since (UTC)", value=_local(wanted.since), type="datetime-local"),
            Filter(name="until", label="and before (UTC)", value=_local(wanted.until), type="datetime-local"),
        ),
    )


def narrowed(known: runs.Known, wanted: runs.Search) -> tuple[Filter, ...]:
    """Answer what lists of runs are narrowed down by: their state, what they are of, what started them."""
    by_hand = (runs.BY_HAND, runs.BY_HAND)
    asked_for = "" if wanted.trigger == runs.BY_HAND else wanted.trigger
    triggers = ((name, names.called(name)) for name in _with(known.triggers, asked_for))
    pipelines = _choices("any", _with(known.pipelines, wanted.pipeline))
    return (
        Filter(name="state", label="State", value=wanted.state, choices=_choices("any", runs.RUN.states)),
        Filter(name="pipeline", label="Pipeline", value=wanted.pipeline, choices=pipelines),
        Filter(
            name="trigger", label="Started by", value=wanted.trigger, choices=[("", "anything"), by_hand, *triggers]
        ),
    )


def _table(service: runs.Service, asked: Asked, found: Sequence[runs.Run], token: str) -> Part:
    stopped = service.cancellations([run.name for run in found if was_stopped(run)])
    done = service.done_of(found)
    is_narrowed = any(value for _, value in asked.query)
    nothing = (
        Empty(text="No run is like that. Take a word out of the filters, or show all.")
        if is_narrowed
        else Empty(
            text="No run yet. A run is one execution of a compiled pipeline: start one by hand, on a schedule, or for "
            "each message, commit or new object.",
            command="trainshed pipelines run PIPELINE.json",
        )
    )
    return Choice(
        id="runs",
        columns=_COLUMNS,
        rows=[_row(run, done.get(run.name), stopped.get(run.name)) for run in found],
        keys=[run.name for run in found],
        own=[own_name(run) for run in found],
        labels=[names.short(run.name) for run in found],
        nothing=nothing,
        more=asked.href(page=token) if token else "",
        action=COMPARISON,
        name="run",
        button="Compare",
        help="Choose up to ten runs to see what differs between them.",
        each=_EACH,
    )


def _row(run: runs.Run, done: runs.Done | None, stopped: runs.Cancellation | None) -> tuple[Cell, ...]:
    notes = (remark(run), done.said() if done else "", _reason(run), asked_to_end(stopped))
    called, labelled = Link(text=names.short(run.name), href=links.href(SECTION, run.name)), labels(run)
    return (
        Several(cells=(called, *labelled)) if labelled else called,
        Badge(state=run.state, note="; ".join(filter(None, notes))),
        run.pipeline,
        because(run),
        time(run.create_time),
        took(run),
        cost(run),
        brief(run.parameters),
        links.why(run.name),
    )


def own_name(run: runs.Run) -> str:
    """Answer what our own interface calls a run, below /trainshed/v1/."""
    parent, _, job = run.name.rpartition("/pipelineJobs/")
    return f"{parent}/runs/{job}"


def _reason(run: runs.Run) -> str:
    """Say in one line why a run failed; its page has the rest."""
    text = plain(run.error.partition("\n")[0]) if run.state == "FAILED" else ""
    return text if len(text) <= _LONGEST_REASON else f"{text[: _LONGEST_REASON - 1]}…"


def cost(run: runs.Run) -> str:
    """Write what a run cost; nothing while it goes on."""
    found = runs.actual_brief(_PRICES, run)
    return "" if found is None else brief_cost(found)


def brief(parameters: Mapping[str, Any]) -> str:
    """Write parameters for a list: plain values first, of addresses the last part."""
    ordered = sorted(parameters, key=lambda key: ("/" in str(parameters[key]), key))
    shown = [f"{key}={short(parameters[key])}" for key in ordered[:_MOST_PARAMETERS]]
    more = f" and {len(ordered) - len(shown)} more" if len(ordered) > len(shown) else ""
    return ", ".join(shown) + more


def short(value: Any) -> str:
    """Write a value for a list: of an address the last part, of what is long the beginning."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = text.rstrip("/").rsplit("/", 1)[-1]
    return text if len(text) <= _BRIEF else f"{text[: _BRIEF - 1]}…"


def _choices(anything: str, known: Sequence[str]) -> list[tuple[str, str]]:
    return [("", anything), *((word, word) for word in known)]


def _with(known: Sequence[str], chosen: str) -> list[str]:
    """Keep what is asked for among the choices, also when no run has it."""
    return [*known, *([chosen] if chosen and chosen not in known else ())]


def _local(when: datetime | None) -> str:
    """Write a time as date fields of browsers hold it."""
    return "" if when is None else when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M")
