"""What came out of a run, for people to look at: metrics, curves, matrices, reports, models and data."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from markupsafe import Markup
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trainshed import lineage, runs
from trainshed.dashboard import links, markdown
from trainshed.dashboard.cells import Cell, Code, Link, schema
from trainshed.dashboard.page import Empty, Notice, Part, Table
from trainshed.dashboard.runs import classification, tasks, trend
from trainshed.dashboard.runs.classification import Matrix, Roc
from trainshed.dashboard.serve import HEADERS
from trainshed.duty import off_loop
from trainshed.errors import NotFound

THINGS = ("system.Model", "system.Dataset")
_HTML, _MARKDOWN = "system.HTML", "system.Markdown"
_FRAMED = "/rendered"
_MOST = 200  # artifacts that are looked at
_MOST_REPORTS = 20  # that are shown whole
_DIGITS = 18  # of an artifact's number
_MOST_TEXT, _MOST_HTML = 256 << 10, 8 << 20  # bytes; a hostile text takes 30 µs of a core for each
_MOST_OF_TEXTS = 512 << 10  # bytes, of all reports of a page
_SIZE = 260  # of a curve's square
_MILLION = 1e6  # from which on digits say more than an exponent

# A report is somebody's document: it can draw itself, and nothing else. The frame that it stands in says so again.
_FRAME_HEADERS = {
    **HEADERS,
    "content-security-policy": "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
}


@dataclass(frozen=True, kw_only=True)
class Curves(Part):
    """ROC curves in one square, one per slice."""

    curves: Sequence[Roc]
    kind: ClassVar[str] = "roc"
    size: ClassVar[int] = _SIZE

    @property
    def lines(self) -> Sequence[tuple[int, str, str, float]]:
        """Answer for each curve: the number of its pattern, its name, its path, the area below it."""
        return [
            (place % 6 + 1, roc.label or "all data", roc.line(_SIZE), roc.area) for place, roc in enumerate(self.curves)
        ]


@dataclass(frozen=True, kw_only=True)
class Confusion(Part):
    """A confusion matrix."""

    matrix: Matrix
    kind: ClassVar[str] = "confusion"


@dataclass(frozen=True, kw_only=True)
class Framed(Part):
    """A document of somebody's task, in a frame from which nothing comes out."""

    src: str
    title: str
    kind: ClassVar[str] = "framed"


@dataclass(frozen=True, kw_only=True)
class Written(Part):
    """A text in Markdown."""

    text: str
    kind: ClassVar[str] = "written"

    @property
    def html(self) -> Markup:
        """The text as HTML."""
        return markdown.render(self.text)


def parts(service: runs.Service, run: runs.Run, called: Callable[[str], str] = str) -> Sequence[Part]:
    """Make everything that there is to see of a run's results; `called` says what the graph calls a task."""
    made = _latest(service.products(run, (*runs.METRICS, *THINGS, _HTML, _MARKDOWN), limit=_MOST))
    reports = [product for product in made if product.artifact.schema_title in {_HTML, _MARKDOWN}]
    found: list[Part] = [_metrics(run, made, called)]
    for product in made:
        if product.artifact.schema_title in runs.METRICS[1:]:
            found += _classified(product)
    found += _reports(service, reports[:_MOST_REPORTS])
    if len(reports) > _MOST_REPORTS or len(made) >= _MOST:
        more = "This run made more than is shown here; trainshed lineage shows everything."
        found.append(Notice(id="more", text=more))
    things = [product for product in made if product.artifact.schema_title in THINGS]
    return [*found, *([_things(run, things, called)] if things else [])]


def routes(service: runs.Service) -> list[Route]:
    """Serve reports by themselves, as their frames ask for them."""

    async def framed(request: Request) -> Response:
        data = await off_loop(_html, service, request.path_params["artifact"])
        return Response(data, media_type="text/html; charset=utf-8", headers=_FRAME_HEADERS)

    return [Route(_FRAMED + "/{artifact}", framed)]


def _html(service: runs.Service, number: str) -> bytes:
    if not (number.isascii() and number.isdigit() and len(number) <= _DIGITS):
        raise NotFound(f"{number[:_DIGITS]!r} is no artifact's number.")
    artifact = service.artifact(int(number))
    data = service.content(artifact, most=_MOST_HTML) if artifact.schema_title == _HTML else None
    if data is None:
        raise NotFound(f"Artifact {number} is no HTML document, or its file is gone.")
    return data


def _latest(made: Sequence[lineage.Product]) -> list[lineage.Product]:
    """Leave out what a task made in an earlier attempt of the run."""
    return list({(product.task, product.key, product.artifact.uri): product for product in made}.values())


def _metrics(run: runs.Run, made: Sequence[lineage.Product], called: Callable[[str], str]) -> Part:
    rows: list[tuple[Cell, ...]] = [
        (
            metric.key,
            _value(metric.value),
            _task(run, metric.product, called),
            _output(metric.product),
            _trend(run, metric),
        )
        for metric in runs.metrics(made)
        if metric.product.artifact.schema_title in runs.METRICS
    ]
    nothing = Empty(
        text="This run has no metrics yet. A component that takes Output[Metrics] and calls "
        'metrics.log_metric("accuracy", 0.93) has them here, in the comparison and in the lineage.'
    )
    columns = ("Metric", "Value", "Task", "Output", "Over time")
    return Table(id="metrics", heading="Metrics", columns=columns, rows=rows, nothing=nothing, can_sort=True)


def _task(run: runs.Run, product: lineage.Product, called: Callable[[str], str]) -> Cell:
    return Link(text=called(product.task), href=tasks.address(run.name, product.task))


def _output(product: lineage.Product) -> Cell:
    return Link(text=product.key, href=links.href("/artifacts", str(product.artifact.artifact_id)))


def _trend(run: runs.Run, metric: runs.Metric) -> Cell:
    """Lead from a number of this run to those of the others; a loop has no number of the run."""
    if isinstance(metric.value, bool | str) or "[" in metric.product.task:
        return None
    return Link(text="In other runs", href=trend.address(metric.label, pipeline=run.pipeline))


def _classified(product: lineage.Product) -> Iterator[Part]:
    artifact, place = product.artifact, f"{product.task}, {product.key}"
    found = list(classification.slices(artifact.metadata))
    curves = [curve for label, metrics in found if (curve := classification.roc(label, metrics))]
    if curves:
        yield Curves(id=f"roc-{artifact.artifact_id}", heading=f"ROC curve: {place}", curves=curves)
    for number, (label, metrics) in enumerate(found):
        if matrix := classification.matrix(label, metrics):
            of = f"{place}, {label}" if label else place
            key = f"confusion-{artifact.artifact_id}-{number}"
            yield Confusion(id=key, heading=f"Confusion matrix: {of}", matrix=matrix)


def _reports(service: runs.Service, made: Sequence[lineage.Product]) -> Iterator[Part]:
    left = _MOST_OF_TEXTS
    for product in made:
        artifact, place = product.artifact, f"{product.task}, {product.key}"
        key = f"report-{artifact.artifact_id}"
        if artifact.schema_title == _HTML:
            src = f"{_FRAMED}/{artifact.artifact_id}"
            yield Framed(id=key, heading=f"Report: {place}", src=src, title=f"Report of {place}")
            if service.content_size(artifact) > _MOST_HTML:
                said = f"Only the first {_MOST_HTML >> 20} MiB are shown."
                yield Notice(id=f"{key}-cut", heading=place, text=said, next=_whole(artifact))
            continue
        most = min(_MOST_TEXT, left)
        data = service.content(artifact, most=most + 1)
        if data is None:
            yield Notice(id=key, heading=place, text=f"The file {artifact.uri} is gone.", state="FAILED")
            continue
        shown = data[:most]
        left -= len(shown)
        if shown:
            yield Written(id=key, heading=f"Report: {place}", text=shown.decode("utf-8", "replace"))
        if len(data) > most:
            said = (
                f"Only the first {most >> 10} KiB are shown."
                if shown
                else "It is not shown: the reports above fill the page."
            )
            yield Notice(id=f"{key}-cut", heading=place, text=said, next=_whole(artifact))


def _whole(artifact: lineage.Artifact) -> Link:
    return Link(text="The whole file", href=links.stored(artifact.uri))


def _things(run: runs.Run, made: Sequence[lineage.Product], called: Callable[[str], str]) -> Part:
    return Table(
        id="things",
        heading="Models and datasets",
        columns=("Task", "Output", "Type", "Metadata", "URI"),
        rows=[
            (
                _task(run, product, called),
                _output(product),
                schema(product.artifact.schema_title),
                described(product.artifact.metadata),
                _address(product.artifact.uri),
            )
            for product in made
        ],
        nothing=Empty(text="None."),
    )


def described(metadata: Mapping[str, Any]) -> str:
    """Write an artifact's metadata in one line."""
    return ", ".join(f"{key}={_value(value)}" for key, value in metadata.items() if not isinstance(value, (dict, list)))


def _address(uri: str) -> Cell:
    return Code(text=uri, may_copy=True)


def _value(value: Any) -> Cell:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, float):
        return f"{value:,.1f}" if _MILLION <= abs(value) < _MILLION**2 else f"{value:.6g}"
    found: Cell = value
    return found
