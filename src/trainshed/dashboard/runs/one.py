"""One run: its head, what can be done with it, and a tab for each way of looking at it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from typing import Any

from trainshed import costs, names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, Time
from trainshed.dashboard.logs.ansi import plain
from trainshed.dashboard.page import Action, Actions, Facts, Notice, Page, Part, Tab, Text
from trainshed.dashboard.runs import label, panel, results, tasks, timeline, usual, wrote
from trainshed.dashboard.runs.kept import Ended
from trainshed.dashboard.runs.listing import COMPARISON, SECTION, own_name
from trainshed.dashboard.runs.picture import Pictures
from trainshed.dashboard.runs.task import written
from trainshed.dashboard.runs.words import (
    address,
    asked_to_end,
    because,
    labels,
    pauses,
    remark,
    so_far,
    took,
    was_stopped,
)

TABS = ("graph", "tasks", "timeline", "logs", "results", "details")
WORDS = (
    "tab",
    "task",
    "attempt",
    "line",
    "open",
    "fold",
    "artifacts",
    "state",
    "text",
    "sort",
    "from",
)  # of the query, in all tabs
_PRICES = costs.load()
_EVERY_SECONDS = 2.0
_SHA = 12  # letters of a commit
_SHORT, _LONG = 12, 120  # characters of a value between which it is copied by a button


class OneRun:
    """Makes the pages of single runs."""

    def __init__(self, service: runs.Service) -> None:
        self._service = service
        self._ended = Ended(service)
        self._past = usual.Past(service)
        self._pictures = Pictures()

    def page(self, asked: Asked) -> Page:
        """Make the page of a run. Raises NotFound, InvalidArgument."""
        tab = asked.choice("tab", TABS, TABS[0])
        made: dict[str, Callable[[runs.Marks, Asked], Sequence[Part]]] = {
            "graph": self._graph,
            "tasks": self._tasks,
            "timeline": self._timeline,
            "logs": lambda found, asked: wrote.parts(self._service, found, asked),
            "results": lambda found, _: results.parts(self._service, found.run, tasks.shown_names(found.plan)),
            "details": lambda found, _: _details(self._service, found.run),
        }
        found = self._ended.marks(asked.name)
        run = found.run
        is_open = not runs.RUN.is_final(run.state)
        return Page(
            title=_title(run),
            section=SECTION,
            state=Badge(state=run.state, note=remark(run) or so_far(found)),
            about=(
                *_about(found, self._cost(found), self._asked_to_end(run)),
                *self._usually(run, asked),
                *labels(run),
            ),
            trail=(Link(text="Runs", href=SECTION), Link(text=run.pipeline, href=f"{SECTION}?pipeline={run.pipeline}")),
            tabs=_tabs(asked, run, tab),
            parts=(*_problem(found), _actions(run), *made[tab](found, asked)),
            follows=_follows(run),
            refresh_seconds=_EVERY_SECONDS if is_open and tab == "timeline" else None,
        )

    def layout(self, asked: Asked) -> bytes:
        """Answer the layout of a run's graph, as the page asks for it. Raises NotFound, InvalidArgument."""
        known = self._pictures.known(asked.word("shape"))
        return known if known is not None else self._pictures.layout(self._ended.marks(asked.name), asked)

    def _cost(self, found: runs.Marks) -> costs.Cost:
        return runs.cost_of(_PRICES, self._service.usage(found.run))

    def _asked_to_end(self, run: runs.Run) -> str:
        return asked_to_end(self._service.cancellations([run.name]).get(run.name)) if was_stopped(run) else ""

    def _usually(self, run: runs.Run, asked: Asked) -> Sequence[Cell]:
        said = usual.of_run(run, self._past.of(run), self._service.clock.now(), asked)
        return () if said is None else (said,)

    def _graph(self, found: runs.Marks, asked: Asked) -> Sequence[Part]:
        whole = self._pictures.whole(found)
        beside = panel.parts(self._service, found, whole, self._past.of(found.run), asked)
        log = [part for part in beside if not part.beside]  # it stands below the graph, where there is room for it
        return (self._pictures.part(found, asked), *log, *(part for part in beside if part.beside))

    def _tasks(self, found: runs.Marks, asked: Asked) -> Sequence[Part]:
        return tasks.parts(self._service, found, self._past.of(found.run), asked)

    def _timeline(self, found: runs.Marks, asked: Asked) -> Sequence[Part]:
        return (timeline.part(self._service, found, asked),)


def _title(run: runs.Run) -> str:
    """Call a run by the name that somebody gave it; a pipeline's name says nothing of a single run."""
    return run.display_name if run.display_name not in {"", run.pipeline} else names.short(run.name)


def _identifier(run: runs.Run) -> Cell:
    short = names.short(run.name)
    return Code(text=short, may_copy=True) if short != _title(run) else None


def _lasted(run: runs.Run) -> Cell:
    """Say how long a run took, or for how long it is at work."""
    lasted, word = took(run), "for" if run.end_time is None else "took"
    return None if lasted is None else Several(cells=(word, lasted, pauses(run)) if pauses(run) else (word, lasted))


def _about(found: runs.Marks, cost: costs.Cost, stopped: str) -> Sequence[Cell]:
    run = found.run
    return tuple(
        cell
        for cell in (
            _identifier(run),
            because(run),
            Several(cells=("created", Time(when=run.create_time))),
            _lasted(run),
            f"cost {cost}",
            stopped or None,
        )
        if cell is not None
    )


def _follows(run: runs.Run) -> Sequence[str]:
    """Answer what may change the page; a run that succeeded stays as it is once its commit was looked for."""
    if not runs.RUN.is_final(run.state):
        return (runs.run_channel(run.name), runs.tasks_channel(run.name))
    stays = run.state == "SUCCEEDED" and run.commit_sha is not None
    return () if stays else (runs.run_channel(run.name),)


def _tabs(asked: Asked, run: runs.Run, current: str) -> Sequence[Tab]:
    labels = {
        "graph": "Graph",
        "tasks": "Tasks",
        "timeline": "Timeline",
        "logs": "Logs",
        "results": "Results",
        "details": "Details",
    }
    address = Asked(path=asked.path)
    tabs = [
        Tab(label=label, href=address.href(tab=None if tab == TABS[0] else tab), is_current=tab == current)
        for tab, label in labels.items()
    ]
    return (*tabs, Tab(label="Why", href=links.why(run.name).href, is_current=False))


def _problem(found: runs.Marks) -> Sequence[Part]:
    run = found.run
    if not run.error:
        return ()
    text, _, more = run.error.partition("\n")
    failed = next((mark for mark in found.tasks if mark.state == "FAILED" and not mark.is_dag), None)
    there = Link(text="See this task and its log", href=tasks.address(run.name, failed.name)) if failed else None
    return (Notice(id="problem", text=text + (" …" if more else ""), state=run.state, next=there),)


def _actions(run: runs.Run) -> Actions:
    own, job = f"/trainshed/v1/{own_name(run)}", names.short(run.name)
    found: list[Action] = []
    if not runs.RUN.is_final(run.state):
        question = "Cancel this run? What runs is stopped; retry lets it go on later."
        found.append(Action(label="Cancel", path=f"/v1/{run.name}:cancel", confirm=question))
    if runs.RUN.allows("retry", run.state):
        found.append(Action(label="Retry what failed", path=f"{own}:retry"))
    found.append(Action(label="Run again", path=f"{own}:clone", then=f"{SECTION}/{{name}}"))
    if runs.RUN.is_final(run.state):
        question = f"Delete the run {job} with its logs? Its artifacts, models and receipts stay; what its tasks made is not reused any more."
        found.append(Action(label="Delete", path=f"/v1/{run.name}", method="DELETE", confirm=question, then=SECTION))
    more = (
        Link(text="Run again with changes", href=links.href(SECTION, run.name) + "/clone"),
        Link(text="Compare with the previous one", href=f"{COMPARISON}?run={run.name}&previous=1"),
    )
    return Actions(id="actions", actions=found, links=more, copies_address=True)


def _details(service: runs.Service, run: runs.Run) -> Sequence[Part]:
    here = service.stored_here([run.root, run.template_uri, *run.parameters.values(), *(run.outputs or {}).values()])
    spec = run.template_uri or f"sha256 {run.spec_digest[:16]}"
    about: tuple[tuple[str, Cell], ...] = (
        ("Name", Code(text=run.name, may_copy=True)),
        ("Pipeline", run.pipeline),
        ("Started by", because(run)),
        ("Created", _at(run.create_time)),
        ("Started", _at(run.start_time)),
        ("Ended", _at(run.end_time)),
        ("Time of its event", _at(run.logical_time)),
        ("Tasks", remark(run) or run.tasks_total),
        ("Commit of its code", _commit(run)),
        ("Spec", address(spec, here) or Code(text=spec, may_copy=bool(run.template_uri))),
        ("Outputs below", address(run.root, here) or Code(text=run.root, may_copy=True)),
        ("When a task fails", "the others go on" if run.failure_policy != "FAIL_FAST" else "the run ends"),
        ("Caching", {None: "as each task says", True: "on", False: "off"}[run.caching]),
        ("Run key", Code(text=run.run_key) if run.run_key else None),
        ("Service account", run.service_account),
        ("Labels", ", ".join(f"{key}={value}" for key, value in run.labels.items())),
    )
    parts: list[Part] = [
        Facts(
            id="parameters",
            heading="Parameters",
            pairs=[(k, _value(v, here)) for k, v in run.parameters.items()] or [("None", None)],
        ),
        Facts(id="about", heading="Details", pairs=about),
        label.form(run),
    ]
    if run.outputs:
        parts.append(
            Facts(id="outputs", heading="Outputs", pairs=[(k, _value(v, here)) for k, v in run.outputs.items()])
        )
    if run.error:
        parts.append(Text(id="error", heading="Error", text=plain(run.error)))
    return parts


def _commit(run: runs.Run) -> Cell:
    """Say of which commit the code is, with the way to its other runs; the account says how that is known, or why not."""
    if run.commit_sha:
        others = Link(text="all runs of it", href=f"{SECTION}?commit={run.commit_sha}")
        return Several(cells=(Code(text=run.commit_sha[:_SHA], may_copy=True), others))
    return (
        "looked for when the run has ended"
        if run.commit_sha is None
        else Link(text="not known", href=links.why(run.name).href)
    )


def _at(when: datetime | None) -> Time | None:
    return None if when is None else Time(when=when, is_exact=True)


def _value(value: Any, here: Collection[str]) -> Cell:
    if there := address(value, here):
        return there
    text = written(value)
    return Code(text=text, may_copy=_SHORT < len(text) <= _LONG) if text else "empty text"
