"""The overview: what one sees first. Is the server well, what goes on, what failed and why, what needs a person.

- `health`: what was measured of the server, and what it means. Pure.
- `spending`: what the last days cost; `bill`: the same by pipeline and by what started the runs, on a page of its own.
- `coming`: what is due next, and what came of it last time. `failures`: what failed last. `waiting`: what needs a person.
- `fresh`: each model's newest version.
- `first`: the page of an empty store.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from trainshed import builds, explain, functions, ledger, registry, runs, schedules, topics
from trainshed.clock import Clock
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Several, size, span
from trainshed.dashboard.overview import bill, coming, failures, first, fresh, health, waiting
from trainshed.dashboard.overview.health import Health
from trainshed.dashboard.overview.spending import WEEK, Spending, Spent
from trainshed.dashboard.page import Empty, Figures, Page, Part, Table
from trainshed.dashboard.serve import Address
from trainshed.dashboard.wording import money
from trainshed.quantities import counted
from trainshed.schedules import of_runs
from trainshed.sql import changes

_SHOWN = 8
_NOUNS = ("build", "run", "receipt", "schedule", "run schedule", "function")
_REFRESH_SECONDS = 60.0  # disk space, and the window of the week
_AT_WORK = ("WORKING", "QUEUED")


@dataclass(frozen=True, kw_only=True)
class Sources:
    """What the overview is made of."""

    builds: builds.Service
    runs: runs.Service
    schedules: schedules.Service
    run_schedules: of_runs.Service
    functions: functions.Service
    topics: topics.Service
    ledger: ledger.Service
    models: registry.Service
    accounts: explain.Service
    health: Callable[[], Health]
    clock: Clock
    parent: str


class Overview:
    """The page at the root."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources
        self._spending = Spending(sources.runs, sources.builds, sources.clock)
        self._has_begun = False

    def addresses(self) -> list[Address]:
        """Answer the pages of this section."""
        return [
            Address(path="/", make=self.page, words=()),
            Address(path=bill.SECTION, make=self.costs, words=bill.WORDS),
        ]

    def costs(self, asked: Asked) -> Page:
        """Show what the last days cost. Raises InvalidArgument."""
        return bill.page(self._spending, asked, self._sources.clock.now())

    def page(self, asked: Asked) -> Page:  # noqa: ARG002  (no word of the query counts)
        """Make the page."""
        self._has_begun = self._has_begun or self._begun()
        return self._overview() if self._has_begun else first.page()

    def _begun(self) -> bool:
        """Tell whether anything has happened, or is set up to."""
        s = self._sources
        return bool(
            s.runs.search(runs.Search(page_size=1))[0]
            or s.builds.list(limit=1)[0]
            or s.ledger.search(ledger.Search(page_size=1)).receipts
            or s.functions.list(s.parent)
            or s.schedules.search(s.parent, limit=1)
            or s.run_schedules.search(s.parent, limit=1)
        )

    def _overview(self) -> Page:
        s, measured = self._sources, self._sources.health()
        open_runs = [run for state in ("RUNNING", "PENDING", "CANCELLING") for run in self._runs_in(state)]
        open_builds = s.builds.newest(_AT_WORK, limit=_SHOWN)
        failed = failures.read(s.runs, s.builds, s.ledger, s.accounts, limit=_SHOWN)
        wanted = waiting.read(s.builds, s.topics, s.schedules, s.run_schedules, now=s.clock.now(), limit=_SHOWN + 1)
        at_work = s.runs.count_open() + s.builds.count(_AT_WORK)
        models = fresh.read(s.models, limit=_SHOWN)
        parts: list[Part] = [
            *_unwell(measured),
            self._figures(measured, at_work, len(wanted)),
            waiting.table(wanted[:_SHOWN]),
            _at_work(open_runs, open_builds, s.runs.done_of(open_runs), at_work),
            coming.table(coming.read(s.schedules, s.run_schedules, s.ledger, s.accounts, limit=_SHOWN)),
            failures.table(failed),
            fresh.table(models),
        ]
        return Page(
            title="Overview",
            section="/",
            parts=parts,
            follows=[*(changes(noun) for noun in _NOUNS), registry.CHANNEL],
            refresh_seconds=_REFRESH_SECONDS,
        )

    def _runs_in(self, state: str) -> Sequence[runs.Run]:
        return self._sources.runs.search(runs.Search(state=state, page_size=_SHOWN))[0]

    def _figures(self, measured: Health, at_work: int, wanted: int) -> Figures:
        found = health.findings(measured)
        spent = self._spending.of(WEEK)
        free, total = size(measured.free_bytes), size(measured.total_bytes)
        figures: list[tuple[str, Cell, str]] = [
            ("Server", Badge(state=health.state(found)), f"version {measured.version}"),
            ("Disk free", free, f"of {_gib(total)}"),
            ("Cores for tasks", f"{measured.cores:g}", "on this machine"),
            ("At work now", at_work, "runs and builds"),
            (
                "Needs you",
                wanted if wanted <= _SHOWN else f"more than {_SHOWN}",
                "approvals, dead letters, backlogs, pauses",
            ),
            ("Cost of 7 days", Link(text=money(spent.local, spent.currency), href=bill.SECTION), _cloud(spent)),
        ]
        return Figures(id="health", figures=figures)


def _gib(found: Cell) -> str:
    count = getattr(found, "count", 0)
    return f"{count / (1 << 30):.1f} GiB"


def _cloud(spent: Spent) -> str:
    return f"here; {money(spent.cloud, spent.currency)} on Google Cloud; {counted(spent.runs, 'run')} that ended"


def _unwell(measured: Health) -> list[Part]:
    found = health.findings(measured)
    if not found:
        return []
    rows: list[Sequence[Cell]] = [
        (Badge(state=f.state), f.text, Code(text=f.command, may_copy=True) if f.command else None) for f in found
    ]
    return [
        Table(id="unwell", heading="The server", columns=("State", "What", "To do"), rows=rows, nothing=Empty(text=""))
    ]


def _at_work(
    open_runs: Sequence[runs.Run], open_builds: Sequence[builds.Build], done: Mapping[str, runs.Done], total: int
) -> Table:
    rows: list[Sequence[Cell]] = [
        (
            Several(cells=("Run", Link(text=run.name.rsplit("/", 1)[-1], href=links.href("/runs", run.name)))),
            Badge(state=run.state, note=done[run.name].said() if run.name in done else ""),
            run.pipeline,
            span(run.start_time or run.create_time, None, runs.paused_seconds(run)),
            links.why(run.name),
        )
        for run in open_runs
    ]
    rows += [
        (
            Several(cells=("Build", Link(text=build.build_id[:8], href=links.href("/builds", build.build_id)))),
            Badge(state=build.state),
            build.trigger.rsplit("/", 1)[-1],
            span(build.start_time or build.create_time, None),
            links.why(build.name),
        )
        for build in open_builds
    ]
    nothing = Empty(text="Nothing runs at the moment.")
    columns = ("What", "State", "Of", "For", "Account")
    count = total if total > len(rows) else None
    return Table(id="now", heading="Now", columns=columns, rows=rows, nothing=nothing, count=count)
