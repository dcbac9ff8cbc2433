"""Several runs side by side: what differs first, what does not folded away."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from string import ascii_uppercase
from typing import Any, ClassVar
from urllib.parse import urlencode

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Named, Seconds, called, named, time
from trainshed.dashboard.charts import Chart, Series
from trainshed.dashboard.origin import Origins
from trainshed.dashboard.page import Empty, Notice, Page, Part, Tab, Table
from trainshed.dashboard.runs import differences, lines, parallel
from trainshed.dashboard.runs.differences import OfTask, Row, amount
from trainshed.dashboard.runs.listing import COMPARISON, SECTION, cost
from trainshed.dashboard.runs.tasks import names_in
from trainshed.dashboard.runs.words import because, part_took, remark, took
from trainshed.dashboard.wording import duration
from trainshed.errors import InvalidArgument
from trainshed.explain import Origin
from trainshed.quantities import counted

WORDS = ("run", "previous", "tab", "task")  # of the query
_TABS = {"": "Comparison", "pipeline": "Pipeline", "logs": "Logs"}  # of two runs
MOST = 10
_PAIR = 2
_GONE = "an environment that was removed"
_MOST_AXES = 6  # of parameters, and of metrics
_MOST_CHARTS = 3
_MOST_SERIES = 6
Write = Callable[[Any], Cell]


@dataclass(frozen=True, kw_only=True)
class Differences(Part):
    """Rows that differ between columns, and those that do not behind their number."""

    columns: Sequence[str]
    different: Sequence[tuple[str | Named, Sequence[Cell]]]
    alike: Sequence[tuple[str | Named, Sequence[Cell]]]
    nothing: str  # said where there is no row at all
    alike_is: str = "the same"
    kind: ClassVar[str] = "differences"


@dataclass(frozen=True, kw_only=True)
class Parallel(Part):
    """Parallel coordinates."""

    drawing: parallel.Drawing
    kind: ClassVar[str] = "parallel"


def page(service: runs.Service, asked: Asked, parent: str, origins: Origins) -> Page:
    """Make the page; `parent` is where runs are of which only the short id is given. Raises NotFound, InvalidArgument."""
    chosen = _chosen(service, asked, parent)
    sides = sorted(service.sides(chosen), key=lambda side: side.run.create_time)  # a change goes from earlier to later
    tab = asked.choice("tab", tuple(_TABS)[1:])
    return Page(
        title=f"Comparison of {len(sides)} runs" if len(sides) > 1 else "Comparison",
        section=SECTION,
        trail=(Link(text="Runs", href=SECTION),),
        tabs=_tabs(sides, tab),
        parts=_lines(service, sides, tab, asked) if tab else _parts(service, sides, origins, asked),
        follows=[runs.run_channel(side.run.name) for side in sides if not runs.RUN.is_final(side.run.state)],
    )


def _chosen(service: runs.Service, asked: Asked, parent: str) -> list[str]:
    """Answer the runs that are asked for. Raises InvalidArgument, NotFound."""
    words = [word if "/" in word else f"{parent}/pipelineJobs/{word}" for word in asked.words("run")]
    chosen = list(dict.fromkeys(words))
    if len(chosen) > MOST:
        raise InvalidArgument.field("run", f"{len(chosen)} runs are too many to compare; choose up to {MOST}")
    if any(key == "previous" for key, _ in asked.query):
        if len(chosen) != 1:
            raise InvalidArgument.field("previous", "give exactly one run to compare with the one before it")
        before = service.previous(chosen[0])
        return [*([before.name] if before else ()), *chosen]
    return chosen


def _tabs(sides: Sequence[runs.Side], current: str) -> Sequence[Tab]:
    if len(sides) != _PAIR:
        return ()
    here = Asked(path=COMPARISON, query=[("run", side.run.name) for side in sides])
    return [Tab(label=label, href=here.href(tab=tab), is_current=tab == current) for tab, label in _TABS.items()]


def _lines(service: runs.Service, sides: Sequence[runs.Side], tab: str, asked: Asked) -> Sequence[Part]:
    """Compare two runs line by line. Raises InvalidArgument."""
    if len(sides) != _PAIR:
        raise InvalidArgument.field(
            "tab", f"lines of two runs are compared, and here {counted(len(sides), 'run')} to compare"
        )
    letters = [_letter(place, side) for place, side in enumerate(sides)]
    return lines.pipelines(service, sides, letters) if tab == "pipeline" else lines.logs(service, sides, letters, asked)


def _none() -> Part:
    nothing = (
        "Choose two to ten runs in the list of runs, and compare them: parameters, metrics, durations, code, data."
    )
    return Notice(id="runs", text=nothing, next=Link(text="To the list of runs", href=SECTION))


def _parts(service: runs.Service, sides: Sequence[runs.Side], origins: Origins, asked: Asked) -> Sequence[Part]:
    if not sides:
        return (_none(),)
    letters = [_letter(place, side) for place, side in enumerate(sides)]
    call = calling(sides)
    metrics = differences.rows([metrics_of(side) for side in sides], call)
    parameters = differences.rows([side.run.parameters for side in sides])
    group = _Groups(letters)
    if len(sides) == 1:
        return (_alone(sides[0], has_asked=any(key == "previous" for key, _ in asked.query)), _runs(sides, letters))
    return (
        _runs(sides, letters),
        group.part("parameters", "Parameters", parameters, nothing="These runs have no parameters.", by=amount),
        *_labels(group, sides),
        group.part("metrics", "Metrics", metrics, nothing="These runs have no metrics.", by=amount),
        *_sweep(sides, letters, parameters, metrics),
        *_charts(metrics, len(sides)),
        *_beyond(sides, letters),
        group.part("tasks", "Tasks", differences.rows([_states(side) for side in sides], call), write=_state),
        group.part(
            "durations",
            "Durations",
            differences.rows([_durations(side) for side in sides], call),
            write=lambda value: None if value is None else Seconds(seconds=value),
            same=differences.near,
            alike_is=differences.NEARLY,
            by=duration,
        ),
        group.part(
            "made-of",
            "Code, environment and data",
            differences.rows([_made_of(side, origins.of(side.run.name)) for side in sides], call),
            write=_code,
        ),
        *_packages(service, group, sides),
        group.part("artifacts", "Artifacts", differences.rows([_artifacts(s) for s in sides], call), write=_code),
    )


def _beyond(sides: Sequence[runs.Side], letters: Sequence[str]) -> Iterator[Notice]:
    """Say of which runs not everything is compared: the first of their tasks, and of what these did and made."""
    cut = [
        f"the first {runs.MOST_COMPARED} of {' and of '.join(counted(count, noun) for noun, count in side.beyond.items())} of {letter}"
        for side, letter in zip(sides, letters, strict=True)
        if side.beyond
    ]
    if cut:
        text = f"Compared is what there is outside of loops; here {', '.join(cut)}. Metrics, durations, code and data of the rest are not below."
        yield Notice(id="beyond", text=text)


def _labels(group: "_Groups", sides: Sequence[runs.Side]) -> Iterator[Part]:
    if any(side.run.labels for side in sides):
        yield group.part("labels", "Labels", differences.rows([side.run.labels for side in sides]))


def _packages(service: runs.Service, group: "_Groups", sides: Sequence[runs.Side]) -> Iterator[Part]:
    """Compare what was installed where tasks ran; runs in the same environments have the same, and one that reused all has none."""
    used = [{task.environment for task in side.tasks if task.environment} for side in sides]
    if not all(used) or len({frozenset(digests) for digests in used}) == 1:
        return
    known = {digest: service.packages(digest) for digest in set().union(*used)}
    found = [_installed([known[digest] for digest in sorted(digests)]) for digests in used]
    yield group.part("packages", "Packages", differences.rows(found), nothing="Their environments are gone.")


def _installed(environments: Sequence[Mapping[str, str] | None]) -> dict[str, str]:
    """Answer packages with their versions: all of them, where tasks of a run had different ones."""
    versions: dict[str, set[str]] = {}
    for installed in environments:
        for name, version in (installed or {_GONE: "its packages are not known any more"}).items():
            versions.setdefault(name, set()).add(version)
    return {name: ", ".join(sorted(versions[name])) for name in sorted(versions)}


def _alone(side: runs.Side, *, has_asked: bool) -> Notice:
    """Say what is missing; `has_asked` for the run before it, which there is not."""
    others = Link(text="Choose others of this pipeline", href=f"{SECTION}?{urlencode({'pipeline': side.run.pipeline})}")
    text = (
        "There is no earlier run of the same trigger and pipeline."
        if has_asked
        else "Choose at least one other run to compare this one with."
    )
    return Notice(id="alone", text=text, next=others)


class _Groups:
    """Makes the part of each group of rows."""

    def __init__(self, letters: Sequence[str]) -> None:
        self._letters = letters

    def part(
        self,
        key: str,
        heading: str,
        rows: Sequence[Row],
        *,
        write: Write | None = None,
        same: differences.Same = differences.equal,
        by: Callable[[float], str] | None = None,  # writes how much a number changed
        nothing: str = "There is nothing to compare.",
        alike_is: str = "the same",
    ) -> Part:
        different, alike = differences.split(rows, same)
        is_pair = len(self._letters) == _PAIR
        change = by if by and is_pair and any(differences.change(*row.values) for row in different) else None
        written = write or _plain
        return Differences(
            id=key,
            heading=heading,
            columns=(*self._letters, *(["Change"] if change else [])),
            different=[_row(row, written, change) for row in different],
            alike=[_row(row, written, None) for row in alike],
            nothing=nothing,
            alike_is=alike_is,
        )


def _row(row: Row, write: Write, by: Callable[[float], str] | None) -> tuple[str | Named, Sequence[Cell]]:
    cells = [write(value) for value in row.values]
    if _hides(row.values, cells):
        cells = [None if value is None else repr(value) for value in row.values]
    label = named(row.label, row.title or row.label)
    return label, [*cells, *([differences.change(row.values[0], row.values[1], by)] if by else [])]


def _hides(values: Sequence[Any], cells: Sequence[Cell]) -> bool:
    """Whether numbers that differ look alike, for they differ beyond the digits that are written."""
    known = [(value, cell) for value, cell in zip(values, cells, strict=True) if value is not None]
    are_written = all(_is_number(value) and isinstance(cell, str) for value, cell in known)
    return are_written and any(a == b and not differences.equal((x, y)) for (x, a), (y, b) in combinations(known, 2))


def _letter(place: int, side: runs.Side) -> str:
    return f"{ascii_uppercase[place]} {names.short(side.run.name)}"


def _runs(sides: Sequence[runs.Side], letters: Sequence[str]) -> Part:
    columns = ("Run", "State", "Pipeline", "Started by", "Created", "Duration", "Cost here · cloud", "Comparison")
    everyone = [side.run.name for side in sides]
    rows: list[tuple[Cell, ...]] = [
        (
            Link(text=letter, href=links.href(SECTION, side.run.name)),
            Badge(state=side.run.state, note=remark(side.run)),
            side.run.pipeline,
            because(side.run),
            time(side.run.create_time),
            took(side.run),
            cost(side.run),
            Link(text="Leave out", href=address([name for name in everyone if name != side.run.name])),
        )
        for letter, side in zip(letters, sides, strict=True)
    ]
    return Table(id="runs", columns=columns, rows=rows, nothing=Empty(text="No run."))


def address(chosen: Sequence[str]) -> str:
    """Answer where runs are compared."""
    return f"{COMPARISON}?{urlencode([('run', name) for name in chosen])}"


def calling(sides: Sequence[runs.Side]) -> Callable[[str], str]:
    """Answer what calls the tasks of runs as their graphs do."""
    return names_in({side.run.spec_digest: side.plan for side in sides}.values())


def metrics_of(side: runs.Side) -> dict[OfTask, Any]:
    """Answer the metrics of a run by name, and the numbers that models say of themselves."""
    found = [(metric.product.task, metric) for metric in runs.metrics(side.products)]
    return {OfTask(task, rest=metric.label.removeprefix(task)): metric.value for task, metric in found}


def _states(side: runs.Side) -> dict[OfTask, tuple[str, str]]:
    return {OfTask(task.name): (task.state, "reused" if task.cached_from else "") for task in side.tasks}


def _durations(side: runs.Side) -> dict[str | OfTask, float]:
    spans: dict[str | OfTask, tuple[datetime | None, datetime | None]]
    spans = {"the run": (side.run.start_time, side.run.end_time)}
    spans |= {OfTask(task.name): (task.start_time, task.end_time) for task in side.tasks}
    found = {name: part_took(side.run, start, end) for name, (start, end) in spans.items()}
    return {name: took.lasted for name, took in found.items() if took and took.lasted is not None}


def _made_of(side: runs.Side, known: Origin | None) -> dict[str | OfTask, str]:
    run = side.run
    environments = {task.name: task.environment[:12] for task in side.tasks if task.environment}
    found: dict[str | OfTask, str] = {
        "pipeline spec": run.spec_digest[:12],
        "template": run.template_uri,
        "commit": known.commit.sha[:12] if known is not None and known.commit is not None else "",
        "failure policy": run.failure_policy,
        "reuse of results": {None: "as each task says", True: "on", False: "off"}[run.caching],
        **{OfTask(task, "code of "): digest for task, digest in side.code.items()},
        **{OfTask(task, "environment of "): digest for task, digest in environments.items()},
        **{OfTask(task, "data read by ", f": {key}"): text for (task, key), text in side.data.items()},
    }
    return {label: value for label, value in found.items() if value}


def _artifacts(side: runs.Side) -> dict[OfTask, str]:
    return {
        OfTask(product.task, rest=f": {product.key} ({called(product.artifact.schema_title)})"): (
            product.artifact.digest[:12] or product.artifact.uri
        )
        for product in side.products
    }


def _sweep(
    sides: Sequence[runs.Side], letters: Sequence[str], parameters: Sequence[Row], metrics: Sequence[Row]
) -> Iterator[Part]:
    """Draw runs across what differs between them, where there are enough to see a pattern."""
    varied, _ = differences.split(row for row in parameters if parallel.may_be_axis(row))
    measured, _ = differences.split(row for row in metrics if parallel.may_be_axis(row))
    if len(sides) <= _PAIR or not varied or not measured:
        return
    found = [*varied[:_MOST_AXES], *measured[:_MOST_AXES]]
    addresses = [(letter, links.href(SECTION, side.run.name)) for letter, side in zip(letters, sides, strict=True)]
    yield Parallel(id="sweep", heading="From parameters to metrics", drawing=parallel.draw(found, addresses))


def _charts(metrics: Sequence[Row], count: int) -> Iterator[Part]:
    """Draw metrics over the runs, where there are enough to see where they go; shares together, others by themselves."""
    if count <= _PAIR:
        return
    numbers = [row for row in metrics if all(v is None or _is_number(v) for v in row.values)]
    varied = differences.split(numbers)[0]
    shares = [row for row in varied if all(v is None or 0 <= v <= 1 for v in row.values)][:_MOST_SERIES]
    others = [row for row in varied if row not in shares][:_MOST_CHARTS]
    groups = [*([("Metrics over the runs", shares)] if shares else []), *((row.label, [row]) for row in others)]
    for place, (heading, group) in enumerate(groups):
        yield Chart(
            id=f"chart-{place}",
            heading=heading,
            series=[Series(label=row.label, points=list(enumerate(row.values, start=1))) for row in group],
            nothing=Empty(text="No run has this metric."),
            from_zero=False,
            x_label="Runs in the order above; 1 is A",
        )


def _plain(value: Any) -> Cell:
    if value is None:
        return None
    text = parallel.write(value)
    return Code(text=text) if isinstance(value, (dict, list)) or "://" in text else text


def _code(value: Any) -> Cell:
    return None if value is None else Code(text=str(value))


def _state(value: Any) -> Cell:
    if value is None:
        return None
    state, note = value
    return Badge(state=state, note=note)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)
