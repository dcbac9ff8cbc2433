"""One function: which tabs there are, and what they have in common."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from trainshed import functions, names, policies
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, Several, time
from trainshed.dashboard.functions import described, logs, measured, source, trying
from trainshed.dashboard.functions.listing import SECTION, fed_by
from trainshed.dashboard.page import Filter, Filters, Notice, Page, Part, Tab
from trainshed.dashboard.wording import exactly
from trainshed.errors import NotFound
from trainshed.sql import changes

__all__ = ["SECTION", "WORDS", "One"]
WORDS = (
    "tab",
    "version",
    "window",
    "outcome",
    "before",
    "skip",
    "file",
    *logs.WORDS,
    "line",
)  # of the query, in all tabs
_REFRESH_SECONDS = 10.0  # the window moves on, instances come and go


@dataclass(frozen=True, kw_only=True)
class _Looked:
    """What every tab is made of."""

    function: functions.Function
    version: functions.Version | None  # the one looked at; None while none ever worked
    number: int | None  # of the version asked for; None: all, or the one that serves
    versions: Sequence[functions.Version]
    asked: Asked


class One:
    """The page of a function."""

    def __init__(self, service: functions.Service, host: functions.Host, rights: policies.Service) -> None:
        self._service = service
        self._host = host
        self._rights = rights
        self._tabs: Mapping[str, tuple[str, Callable[[_Looked], Sequence[Part]]]] = {
            "metrics": ("Metrics", self._metrics),
            "details": ("Details", lambda of: described.details(of.function, of.version, of.versions, of.asked)),
            "source": ("Source", self._source),
            "variables": ("Variables", lambda of: described.variables(_configuration(of))),
            "trigger": ("Trigger", lambda of: described.trigger(of.function, of.version)),
            "permissions": ("Permissions", lambda of: described.permissions(of.function, self._rights.get)),
            "logs": ("Logs", lambda of: logs.parts(of.function.name, of.asked)),
            "testing": ("Testing", lambda of: trying.parts(of.function)),
        }

    def page(self, asked: Asked) -> Page:
        """One tab of a function. Raises NotFound, InvalidArgument."""
        of = self._looked(asked)
        current = asked.choice("tab", tuple(self._tabs), "metrics")
        name = of.function.name
        has_choice = current in {"metrics", "details", "source", "variables", "trigger"} and bool(of.versions)
        choice = [_choose(of, current)] if has_choice else []
        parts = [*_problem(of.function), *choice, *self._tabs[current][1](of)]
        return Page(
            title=names.short(name),
            section=SECTION,
            state=Badge(state=of.function.state),
            about=_about(of),
            trail=(Link(text="Functions", href=SECTION),),
            tabs=[
                Tab(label=label, href=_href(asked, tab), is_current=tab == current)
                for tab, (label, _) in self._tabs.items()
            ],
            parts=parts,
            follows=(changes("function", name), functions.calls_channel(name)),
            refresh_seconds=_REFRESH_SECONDS if current == "metrics" else None,
        )

    def _looked(self, asked: Asked) -> _Looked:
        function = self._service.get(asked.name)
        versions = self._service.versions(asked.name)
        number = asked.number("version", 0) or None
        version = function.version if number is None else next((v for v in versions if v.number == number), None)
        if number is not None and version is None:
            known = ", ".join(str(v.number) for v in versions) or "none yet"
            raise NotFound(f"{names.short(asked.name)} has no version {number}; there are: {known}.")
        return _Looked(function=function, version=version, number=number, versions=versions, asked=asked)

    def _metrics(self, of: _Looked) -> Sequence[Part]:
        name = of.function.name
        found = self._service.metrics(name, window=measured.window(of.asked), version=of.number)
        before = of.asked.moment("before")
        wanted = functions.Wanted(version=of.number, failed=of.asked.choice("outcome", ("failed",)) == "failed")
        calls = self._service.invocations(
            name, limit=measured.CALLS + 1, before=before, skip=measured.skipped(of.asked), wanted=wanted
        )
        charts = measured.charts(found, self._host.instances(name), measured.window_words(of.asked))
        return [*charts, *measured.calls(calls, of.asked)]

    def _source(self, of: _Looked) -> Sequence[Part]:
        folder = self._host.sources.folder(of.version.source) if of.version else None
        return source.parts(folder, of.asked)


def _configuration(of: _Looked) -> functions.Configuration:
    return of.version.configuration if of.version else of.function.requested


def _about(of: _Looked) -> list[Cell]:
    configuration = _configuration(of)
    about: list[Cell] = [fed_by(of.function.name, configuration), configuration.runtime]
    if of.function.version:
        words = f"version {of.function.version.number} serves, deployed"
        about.append(Several(cells=[words, time(of.function.version.deploy_time)]))
    return about


def _problem(function: functions.Function) -> list[Part]:
    if not function.error:
        return []
    kept = "the version before it goes on" if function.version else "no version works yet"
    text = f"The last deployment failed, {kept}: {function.error.strip().partition(chr(10))[0]}"
    advice = Link(text="All that it said", href=f"{links.href(SECTION, function.name)}?tab=details#said")
    return [Notice(id="problem", text=text, state="FAILED", next=advice)]


def _choose(of: _Looked, tab: str) -> Part:
    first = "all versions" if tab == "metrics" else "the one that serves"
    versions = [("", first), *((str(v.number), f"{v.number}, deployed {exactly(v.deploy_time)}") for v in of.versions)]
    chosen = [Filter(name="version", label="Version", value=str(of.number or ""), choices=versions)]
    if tab == "metrics":
        chosen.append(measured.window_filter(of.asked))
    return Filters(
        id="choose",
        heading="Choose a version",
        filters=chosen,
        action=f"{of.asked.path}?tab={tab}",
        kept=[("tab", tab)],
        button="Show",
    )


def _href(asked: Asked, tab: str) -> str:
    kept = replace(asked, query=[(key, value) for key, value in asked.query if key in {"version", "window"}])
    return kept.href(tab=tab)
