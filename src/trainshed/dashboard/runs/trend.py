"""Metrics over the runs of a pipeline, or of what starts runs: one chart each, every point leads to its run.

Below them the same runs as a table of metrics and of the parameters that differ, to be sorted; `sheet` has it as a file.
"""

from collections.abc import Iterator, Sequence
from urllib.parse import urlencode

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, Ranked, time
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.page import Empty, Filter, Filters, Notice, Page, Part, Table
from trainshed.dashboard.runs import differences
from trainshed.dashboard.runs.listing import SECTION, SHEET, TREND, narrowed, short
from trainshed.dashboard.runs.words import began_by, took
from trainshed.dashboard.scales import SECONDS
from trainshed.dashboard.wording import duration, exactly
from trainshed.quantities import counted
from trainshed.runs import Measured
from trainshed.sql import changes

WORDS = ("state", "pipeline", "trigger", "metric", "page")  # of the query
DURATION = "duration"
_RUNS = 50
_CHARTS = 8  # without a chosen metric
_COLUMNS = 8  # of metrics in the table
_VALUES = 10  # in a row of it: of metrics, and of parameters that differ
_NAMED = 5  # of those that are left out
_NOTHING = Empty(
    text="None of these runs has a metric. A component that takes Output[Metrics] and calls "
    'metrics.log_metric("accuracy", 0.93) has it here, run by run.'
)


def page(service: runs.Service, asked: Asked) -> Page:
    """Make the page. Raises InvalidArgument naming the word of the query that cannot be meant."""
    wanted = search(asked)
    found, token = service.measured(wanted)
    known = metrics(found)
    metric = asked.word("metric")
    chosen = [metric] if metric else known
    return Page(
        title=f"Metrics of {_whose(wanted)}",
        section=SECTION,
        about=(
            *([_about(wanted, found)] if found else []),
            Link(text="These runs as a list", href=_list(asked)),
            *(
                [Link(text="As a CSV file", href=f"{SHEET}?{asked.href().partition('?')[2]}".rstrip("?"))]
                if found
                else []
            ),
        ),
        trail=(Link(text="Runs", href=SECTION),),
        parts=(
            _filters(service.known(), wanted, known, metric),
            *_charts(found, chosen, _nothing(metric, known)),
            *_table(asked, found, chosen, token),
        ),
        follows=(changes(runs.RUN.noun),),
    )


def search(asked: Asked) -> runs.Search:
    """Read which runs are asked for. Raises InvalidArgument."""
    return runs.Search(
        state=asked.choice("state", tuple(runs.RUN.states)),
        pipeline=asked.word("pipeline"),
        trigger=asked.word("trigger"),
        page_size=_RUNS,
        page_token=asked.word("page"),
    )


def address(metric: str = "", *, pipeline: str = "", trigger: str = "") -> str:
    """Answer the address of this page."""
    words = {"pipeline": pipeline, "trigger": trigger, "metric": metric}
    return f"{TREND}?{urlencode({key: word for key, word in words.items() if word})}"


def metrics(found: Sequence[Measured]) -> list[str]:
    """Answer the metrics that runs have, those that most of them have first; how long they took is always known."""
    counts: dict[str, int] = {}
    for each in found:
        for name in each.numbers:
            counts[name] = counts.get(name, 0) + 1
    return [*sorted(counts, key=lambda name: -counts[name]), DURATION]


def value(each: Measured, metric: str) -> float | None:
    """Answer one number of a run; None where it has none."""
    run = each.run
    if metric != DURATION:
        return each.numbers.get(metric)
    return runs.worked_seconds(run)


def _whose(wanted: runs.Search) -> str:
    if wanted.pipeline:
        return wanted.pipeline
    if wanted.trigger == runs.BY_HAND:
        return "runs by hand"
    return names.called(wanted.trigger) if wanted.trigger else "all runs"


def _about(wanted: runs.Search, found: Sequence[Measured]) -> Cell:
    if wanted.page_token:
        return f"{counted(len(found), 'older run')}."
    return "The last run." if len(found) == 1 else f"The last {counted(len(found), 'run')}."


def _list(asked: Asked) -> str:
    kept = {key: asked.word(key) for key in ("pipeline", "trigger", "state") if asked.word(key)}
    return f"{SECTION}?{urlencode(kept)}" if kept else SECTION


def _filters(known: runs.Known, wanted: runs.Search, metric_names: Sequence[str], metric: str) -> Part:
    shown = [*metric_names, *([metric] if metric and metric not in metric_names else ())]
    every = [("", "all"), *((name, name) for name in shown)]
    return Filters(
        id="filters",
        action=TREND,
        filters=(*narrowed(known, wanted), Filter(name="metric", label="Metric", value=metric, choices=every)),
    )


def _nothing(metric: str, known: Sequence[str]) -> Empty:
    """Say why a chart is empty: the metric that was asked for is that of other runs, or there is none at all."""
    if not metric or metric in known:
        return _NOTHING
    return Empty(text=f"None of these runs has the metric {metric!r}; choose another above, or other runs.")


def _charts(found: Sequence[Measured], chosen: Sequence[str], nothing: Empty) -> Iterator[Part]:
    oldest_first = list(enumerate(reversed(found), start=1))
    leads = [(place, _called(each.run)) for place, each in oldest_first]
    for number, metric in enumerate(chosen[:_CHARTS]):
        yield Chart(
            id=f"chart-{number}",
            heading=metric,
            series=[Series(label=metric, points=[(place, value(each, metric)) for place, each in oldest_first])],
            nothing=nothing if metric != DURATION else Empty(text="No run has ended yet."),
            unit=SECONDS if metric == DURATION else "",
            from_zero=metric == DURATION,
            x_label="Runs, the oldest first",
            has_marks=True,
            leads=leads,
        )


def _called(run: runs.Run) -> Link:
    return Link(text=f"{names.short(run.name)}, {exactly(run.create_time)}", href=links.href(SECTION, run.name))


def _table(asked: Asked, found: Sequence[Measured], chosen: Sequence[str], token: str) -> Iterator[Part]:
    is_one = len(chosen) == 1
    known = [metric for metric in chosen if is_one or any(value(each, metric) is not None for each in found)]
    differing = varying(found)
    shown = known[:_COLUMNS]
    varied = differing[: _VALUES - len(shown)]
    if rest := [*known[len(shown) :], *differing[len(varied) :]]:
        yield Notice(id="rest", text=f"The CSV file has also {', '.join(rest[:_NAMED])}{_further(len(rest) - _NAMED)}.")
    yield Table(
        id="runs",
        heading="Runs",
        columns=(
            "Run",
            "State",
            "Started by",
            "Created",
            *shown,
            *(["Since the one before"] if is_one else []),
            *varied,
        ),
        rows=[
            (
                Link(text=names.short(each.run.name), href=links.href(SECTION, each.run.name)),
                Badge(state=each.run.state),
                began_by(each.run),
                time(each.run.create_time),
                *(_written(each, metric) for metric in shown),
                *([_change(found, place, shown[0])] if is_one else []),
                *(_parameter(each.run, key) for key in varied),
            )
            for place, each in enumerate(found)
        ],
        nothing=Empty(text="No run is like that.", command="trainshed pipelines run PIPELINE.json"),
        more=asked.href(page=token) if token else "",
        can_sort=True,
    )


def _further(count: int) -> str:
    return f" and {count} more" if count > 0 else ""


def varying(found: Sequence[Measured]) -> list[str]:
    """Answer the parameters that are not the same in all runs."""
    different, _ = differences.split(differences.rows([each.run.parameters for each in found]))
    return [row.label for row in different]


def _parameter(run: runs.Run, key: str) -> Cell:
    given = run.parameters.get(key)
    if isinstance(given, bool) or not isinstance(given, int | float):
        return None if given is None else short(given)
    return given if isinstance(given, int) else Ranked(text=f"{given:.6g}", rank=given)


def _change(found: Sequence[Measured], place: int, metric: str) -> Cell:
    """Say by how much a run differs from the last one before it that has the metric, and lead to what else differs."""
    now = value(found[place], metric)
    before = next((each for each in found[place + 1 :] if value(each, metric) is not None), None)
    write = duration if metric == DURATION else differences.amount
    said = differences.change(value(before, metric), now, write) if before is not None else ""
    return Link(text=said, href=links.compare(before.run.name, found[place].run.name)) if said and before else None


def _written(each: Measured, metric: str) -> Cell:
    number = value(each, metric)
    if metric == DURATION:
        return took(each.run)
    return None if number is None else Ranked(text=f"{number:.6g}", rank=number)
