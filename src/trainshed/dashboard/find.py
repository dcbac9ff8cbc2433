"""Finding a thing by what one has of it: a name or a part of one, the beginning of an identifier, a commit, an address."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from trainshed import builds, functions, ledger, names, registry, runs, schedules, topics
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, time
from trainshed.dashboard.page import Empty, Filter, Filters, Notice, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.schedules import of_runs

SECTION = "/find"
_EACH = 6  # of a kind; one more is asked for, to say that there are more
_VERSIONS = 50  # of a model, among which one is looked for
_LONGEST = 500  # characters that are looked for
_BY_BEGINNING = ("builds", "receipts")  # whose identifiers lists write short
_COLUMNS = ("Name", "Kind", "State", "Created", "About")


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where things are looked for."""

    build_triggers: builds.Triggers
    run_triggers: runs.Triggers
    builds: builds.Service
    runs: runs.Service
    functions: functions.Service
    schedules: schedules.Service
    run_schedules: of_runs.Service
    topics: topics.Service
    ledger: ledger.Service
    models: registry.Service
    parent: str  # projects/P/locations/L


@dataclass(frozen=True, kw_only=True)
class Match:
    """A thing that fits."""

    kind: str
    name: str  # or identifier, as people write it
    href: str
    state: str = ""
    made: datetime | None = None
    about: Cell = None


Look = Callable[[str], Iterator[Match]]


class Find:
    """The page that finds."""

    def __init__(self, places: Places) -> None:
        self._places = places
        self._ways: Sequence[tuple[str, Look, str]] = (  # kind, how it is looked for, the list that has the rest
            ("runs", self._runs, "/runs?text="),
            ("pipelines", self._pipelines, ""),
            ("builds", self._builds, "/builds?text="),
            ("receipts", self._receipts, ""),
            ("schedules", self._schedules, "/schedules?name="),
            ("triggers", self._triggers, ""),
            ("functions", self._functions, "/functions?name="),
            ("topics", self._topics, "/topics?name="),
            ("models", self._models, ""),
        )

    def addresses(self) -> list[Address]:
        """Answer the page of this section."""
        return [Address(path=SECTION, make=self.page, words=("text",))]

    def page(self, asked: Asked) -> Page:
        """List what fits; go to it where nothing else can be meant."""
        text = asked.word("text").strip()[:_LONGEST]
        named = _by_address(text)
        found = [named] if named else list(self._found(text))
        meant = _meant(text, found)
        return Page(
            title=f"Find {text}" if text else "Find",
            section=SECTION,
            parts=(
                Filters(
                    id="filters",
                    action=SECTION,
                    filters=(Filter(name="text", label="Name, identifier, commit or address", value=text),),
                    button="Find",
                ),
                *_parts(text, [] if named else found),
            ),
            goes_to=meant.href if meant else "",
        )

    def whole(self, path: str) -> str:
        """Answer the whole path of one that ends in a short name, as `/builds/5030bf93`, and anything else as it is."""
        section, _, text = path.removeprefix("/").partition("/")
        if not text or "/" in text:
            return path
        of_section = [match for match in self._found(text) if match.href.startswith(f"/{section}/")]
        fit = [match for match in of_section if match.name == text or section in _BY_BEGINNING]
        return fit[0].href if len(fit) == 1 else path

    def _found(self, text: str) -> Iterator[Match]:
        for kind, look, rest in self._ways:
            matches = [match for match, _ in zip(look(text), range(_EACH + 1), strict=False)] if text else []
            yield from matches[:_EACH]
            if len(matches) > _EACH and rest:
                yield Match(kind=kind, name=f"All {kind} with {text}", href=f"{rest}{urlencode({'': text})[1:]}")

    def _runs(self, text: str) -> Iterator[Match]:
        found, _ = self._places.runs.search(runs.Search(text=text, page_size=_EACH + 1))
        for run in found:
            name = names.short(run.name)
            about = run.display_name if run.display_name not in {"", name, run.pipeline} else run.pipeline
            yield Match(
                kind="run", name=name, href=links.href("/runs", run.name), state=run.state, made=run.create_time,
                about=about,
            )  # fmt: skip

    def _pipelines(self, text: str) -> Iterator[Match]:
        for name in self._places.runs.known().pipelines:
            if text in name:
                href = f"/runs?{urlencode({'pipeline': name})}"
                yield Match(kind="pipeline", name=name, href=href, about="its runs")

    def _builds(self, text: str) -> Iterator[Match]:
        found, _ = self._places.builds.search(builds.Search(text=text, page_size=_EACH + 1))
        for build in found:
            commit = f"commit {build.commit_sha[:7]}" if build.commit_sha else ""
            yield Match(
                kind="build", name=build.build_id, href=links.href("/builds", build.build_id), state=build.state,
                made=build.create_time, about=commit,
            )  # fmt: skip

    def _receipts(self, text: str) -> Iterator[Match]:
        for receipt in self._places.ledger.that_begin(text):
            yield Match(kind="receipt", name=receipt, href=links.href("/receipts", receipt))

    def _schedules(self, text: str) -> Iterator[Match]:
        of_messages = self._places.schedules.search(self._places.parent, text=text, limit=_EACH + 1)
        starting = self._places.run_schedules.search(self._places.parent, text=text, limit=_EACH + 1)
        for one in of_messages:
            yield Match(
                kind="schedule", name=names.short(one.name), href=links.href("/schedules", one.name), state=one.state
            )
        for other in starting:
            yield Match(
                kind="run schedule", name=other.options.display_name or names.short(other.name),
                href=links.href("/schedules", other.name), state=other.state, made=other.create_time,
            )  # fmt: skip

    def _triggers(self, text: str) -> Iterator[Match]:
        for kind, known in (
            ("build trigger", self._places.build_triggers.list()),
            ("run trigger", self._places.run_triggers.list()),
        ):
            for one in known:
                name = names.short(one.resource)
                if text in name:
                    state = "DISABLED" if one.is_disabled else "ENABLED"
                    yield Match(
                        kind=kind,
                        name=name,
                        href=links.href("/triggers", one.resource),
                        state=state,
                        made=one.create_time,
                    )

    def _functions(self, text: str) -> Iterator[Match]:
        found, _ = self._places.functions.search(functions.Sought(text=text, limit=_EACH + 1))
        for one in found:
            yield Match(
                kind="function", name=names.short(one.name), href=links.href("/functions", one.name), state=one.state
            )

    def _topics(self, text: str) -> Iterator[Match]:
        prefix = f"{self._places.parent.partition('/locations/')[0]}/topics/"
        for one in self._places.topics.backlogs.topics(prefix, text=text, after="", limit=_EACH + 1):
            yield Match(
                kind="topic", name=names.short(one.name), href=links.href("/topics", one.name), made=one.create_time
            )

    def _models(self, text: str) -> Iterator[Match]:
        for one in self._places.models.models(versions=_VERSIONS if text.isdigit() else 1)[0]:
            about = f"version {one.live} is live" if one.live else "no version is live"
            if text in one.directory:
                yield Match(kind="model", name=one.name, href=links.model(one.directory), about=about)
            if text in {version.version for version in one.versions}:
                href = f"{links.model(one.directory)}?version={text}"
                yield Match(kind="model version", name=text, href=href, about=f"of {one.name}, of which {about}")


def _by_address(text: str) -> Match | None:
    """Read a whole resource name, or the address of stored data: what has a page is meant, whether it is there or not."""
    if "/" not in text:
        return None
    found = links.named(text, text)
    return Match(kind="address", name=text, href=found.href) if isinstance(found, Link) else None


def _meant(text: str, found: Sequence[Match]) -> Match | None:
    whole = [match for match in found if match.name == text]
    for alone in (found, whole):
        if len(alone) == 1:
            return alone[0]
    return None


def _parts(text: str, found: Sequence[Match]) -> Sequence[Part]:
    if not text:
        return (
            Notice(
                id="found",
                text="Paste what you have: the name of a run, function, schedule, trigger, topic or model or a part of it, the first "
                "characters of a build, a receipt or a commit, a resource name, or gs://BUCKET/NAME. The key / leads here from "
                "every page.",
            ),
        )
    rows: list[Sequence[Cell]] = [
        (
            Link(text=match.name, href=match.href),
            match.kind,
            Badge(state=match.state) if match.state else None,
            time(match.made),
            match.about,
        )
        for match in found
    ]
    nothing = Empty(
        text=f"Nothing is called {text}, or begins so. Of builds and commits four characters are needed, of receipts "
        "eight; artifacts are found by type and address in their own list.",
    )
    return (Table(id="found", columns=_COLUMNS, rows=rows, nothing=nothing),)
