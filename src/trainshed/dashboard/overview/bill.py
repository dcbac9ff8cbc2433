"""What the last days cost, the costliest first: by pipeline, by what started the runs."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from urllib.parse import urlencode

from trainshed import names
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Cell, Link, Ranked, Seconds
from trainshed.dashboard.overview.spending import WEEK, Item, Spending, Spent
from trainshed.dashboard.page import Empty, Figures, Filter, Filters, Page, Part, Table
from trainshed.dashboard.wording import money

SECTION = "/costs"
WORDS = ("days",)  # of the query
_WINDOWS = {"7": "the last 7 days", "1": "the last day", "30": "the last 30 days"}
_REFRESH_SECONDS = 60.0
_COLUMNS = ("Runs", "Tasks worked", "Cost here", "On Google Cloud", "Share of cost")
_NOTHING = Empty(text="No run that was made in this time has ended.", command="trainshed pipelines run PIPELINE.json")


def page(spending: Spending, asked: Asked, now: datetime) -> Page:
    """Make the page. Raises InvalidArgument."""
    days = int(asked.choice("days", tuple(_WINDOWS), str(WEEK)))
    spent = spending.of(days)
    since = (now - timedelta(days=days)).strftime("%Y-%m-%dT%H:%M")
    return Page(
        title="Costs",
        section="/",
        about=(f"Runs and builds made in {_WINDOWS[str(days)]} that have ended.",),
        trail=(Link(text="Overview", href="/"),),
        parts=(
            Filters(
                id="filters",
                action=SECTION,
                filters=(Filter(name="days", label="Time", value=str(days), choices=list(_WINDOWS.items())),),
                button="Show",
            ),
            _figures(spent),
            _table("pipelines", "By pipeline", "Pipeline", spent, _by_pipeline(since), lambda item: item.pipeline),
            _table(
                "triggers", "By what started them", "Started by", spent, _by_trigger(since), lambda item: item.trigger
            ),
        ),
        refresh_seconds=_REFRESH_SECONDS,
    )


def _figures(spent: Spent) -> Part:
    of_builds = spent.cost_of_builds
    return Figures(
        id="figures",
        figures=[
            ("Here", money(spent.local, spent.currency), "runs and builds"),
            ("On Google Cloud", money(spent.cloud, spent.currency), "what the same would have cost"),
            ("Runs", spent.runs, "that ended"),
            ("Builds on Google Cloud", money(of_builds.cloud, of_builds.currency), "part of that sum"),
        ],
    )


def _table(
    key: str, heading: str, column: str, spent: Spent, link: Callable[[str], Cell], of: Callable[[Item], str]
) -> Part:
    groups: dict[str, list[Item]] = {}
    for item in spent.items:
        groups.setdefault(of(item), []).append(item)
    total = sum(item.cost.cloud for item in spent.items)
    ordered = sorted(groups.items(), key=lambda group: -sum(item.cost.cloud for item in group[1]))
    return Table(
        id=key,
        heading=heading,
        columns=(column, *_COLUMNS),
        rows=[(link(name), *_row(items, total)) for name, items in ordered],
        nothing=_NOTHING,
        can_sort=True,
    )


def _row(items: Sequence[Item], total: float) -> tuple[Cell, ...]:
    here, cloud = sum(item.cost.local for item in items), sum(item.cost.cloud for item in items)
    currency = items[0].cost.currency
    share = cloud / total if total else 0.0
    return (
        sum(item.runs for item in items),
        Seconds(seconds=sum(item.seconds for item in items)),
        Ranked(text=money(here, currency), rank=here),
        Ranked(text=money(cloud, currency), rank=cloud),
        Ranked(text=f"{share * 100:.0f} %", rank=share),
    )


def _by_pipeline(since: str) -> Callable[[str], Cell]:
    return lambda name: Link(text=name, href=f"/runs?{urlencode({'pipeline': name, 'since': since})}")


def _by_trigger(since: str) -> Callable[[str], Cell]:
    def link(name: str) -> Cell:
        if not name:
            return "by hand"
        found = links.link(name)
        if not isinstance(found, Link):
            return names.called(name)
        return Link(text=names.called(name), href=f"/runs?{urlencode({'trigger': name, 'since': since})}")

    return link
