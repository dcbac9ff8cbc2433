"""What is known of the node of a run's graph that is selected: a task, one of many iterations, an artifact."""

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainshed import costs, lineage, names, runs
from trainshed.dashboard import links, logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Seconds, Several, Size, seconds, size, span, time
from trainshed.dashboard.logs.ansi import plain
from trainshed.dashboard.page import Empty, Facts, Part, Table, Text
from trainshed.dashboard.runs.artifact import artifact_parts, closing
from trainshed.dashboard.runs.artifact import page as artifact_page
from trainshed.dashboard.runs.folding import Item, Whole
from trainshed.dashboard.runs.picture import TASK, address, selected_item
from trainshed.dashboard.runs.tasks import reason
from trainshed.errors import InvalidArgument

WORDS_OF_LOG = ("task", "attempt")
_PRICES = costs.load()
_LONG = 400  # characters of a value
_MOST = 25  # iterations that are listed
_WORST = ("FAILED", "CANCELLED", "CANCELLING", "RUNNING", "QUEUED", "PENDING", "SUCCEEDED", "SKIPPED", "NOT_TRIGGERED")


def parts(service: runs.Service, found: runs.Marks, whole: Whole, asked: Asked) -> Sequence[Part]:
    """Make the parts beside the graph; none where nothing is selected. Raises InvalidArgument for an unknown node."""
    path = asked.word(TASK)
    if not path:
        return ()
    node = selected_item(whole, path)
    if not node:
        raise InvalidArgument.field(TASK, f"the pipeline has no task {path!r}; the Tasks tab has them all")
    item = whole.items[node]
    if item.kind == "artifact":
        return artifact_parts(service, found, item, path, asked)
    instances = [mark for mark in found.tasks if runs.static(mark.name) == node]
    exact = [mark for mark in instances if mark.name == path]
    chosen = exact or (instances if len(instances) == 1 else [])
    if not chosen:
        return _several(found, item, instances, asked)
    one = service.find_task(found.run, chosen[0].name)
    if one is None:
        return _several(found, item, instances, asked)
    siblings = _siblings(instances, asked) if len(instances) > 1 else ()
    return (*_task(service, found, item, one, asked), *siblings, *_log(found, one, asked))


def written(value: Any) -> str:
    """Write a value of a parameter: text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} characters)"


def log_source(service: runs.Service, asked: Asked) -> logs.Source:
    """Answer the log of an attempt of a task. Raises NotFound, InvalidArgument."""
    run = service.get(asked.name)
    path = asked.word(TASK)
    one = service.find_task(run, path)
    if one is None:
        raise InvalidArgument.field(TASK, f"the run has no task {path!r}")
    attempt = asked.number("attempt", one.row.attempt or 1, least=1)

    def is_over() -> bool:
        now = service.find_task(run, path)
        return now is None or now.row.attempt > attempt or now.row.state not in {"QUEUED", "RUNNING", "CANCELLING"}

    return logs.Source(
        paths=(service.log_file(run, path, attempt),),
        is_over=is_over,
        follows=(runs.tasks_channel(run.name), runs.run_channel(run.name)),
        name=f"{names.short(run.name)}-{path}-{attempt}.txt",
    )


def _task(service: runs.Service, found: runs.Marks, item: Item, one: runs.OneTask, asked: Asked) -> Sequence[Part]:
    row = one.row
    made: list[Part] = [*_about(item, one, asked)]
    made += _values("node-inputs", "Parameters in", one.parameters)
    made += _values("node-outputs", "Parameters out", (row.outputs or {}).get("parameters") or {})
    made += _artifacts(one)
    made += _attempts(one, asked)
    made.append(_again(service, found.run, one, asked))
    return made


def _about(item: Item, one: runs.OneTask, asked: Asked) -> Sequence[Part]:
    """Say the state, then what went wrong, and only then what else there is to know."""
    row = one.row
    waited = _waited(one)
    pairs: list[tuple[str, Cell]] = [
        (
            "State",
            Badge(
                state=row.state,
                note="reused" if row.cached_from else reason(row) if row.state == "NOT_TRIGGERED" else "",
            ),
        ),
        ("Task", Code(text=row.name, may_copy=True)),
        ("Component", item.component),
        ("Image", Code(text=item.image, may_copy=True) if item.image else None),
        ("Cache", _cache(one)),
        ("Attempts", row.attempt or None),
        ("Began", time(row.start_time)),
        ("Waited", Seconds(seconds=waited) if waited is not None else None),
        ("Took", span(row.start_time, row.end_time)),
        ("CPU used", seconds(row.cpu_seconds or None)),
        ("Peak memory", size(row.peak_memory_bytes or None)),
        ("Asked for", _wanted(row) if not row.is_dag else None),
        ("Environment", Code(text=row.environment, may_copy=True) if row.environment else None),
        ("Cost", _cost(one)),
    ]
    kept = [(label, cell) for label, cell in pairs if cell not in {None, ""}]
    top = Facts(id="node", heading=item.label, pairs=kept, beyond=closing(asked), beside=True)
    if not row.error or row.state in {"SUCCEEDED", "NOT_TRIGGERED"}:
        return (top,)
    problem = Text(id="node-error", heading="Problem", text=plain(row.error), beside=True)
    return (replace(top, pairs=kept[:1]), problem, Facts(id="node-facts", pairs=kept[1:], beside=True))


def _cache(one: runs.OneTask) -> Cell:
    if one.decision is None:
        return None
    if not one.decision.run:
        return f"ran: {one.decision.reason}"
    there = Link(
        text=names.short(one.decision.run), href=links.href("/runs", one.decision.run) + f"?task={one.row.name}"
    )
    return Several(cells=(f"{one.decision.reason}: outputs of", there))


def _cost(one: runs.OneTask) -> Cell:
    row = one.row
    if row.is_dag or row.start_time is None or row.end_time is None:
        return None
    return str(costs.of_task(_PRICES, runs.used(row, one.attempts)))


def _wanted(row: runs.TaskRow) -> Cell:
    if row.machine_type:
        return row.machine_type
    if not row.cpus and not row.memory_bytes:
        return None
    cores = f"{row.cpus:g} core{'s' * (row.cpus != 1)}"
    return Several(cells=(f"{cores},", Size(count=row.memory_bytes))) if row.memory_bytes else cores


def _waited(one: runs.OneTask) -> float | None:
    """Answer how long a task waited for a worker before its first attempt."""
    queued = next((change.time for change in one.changes if change.transition == "inputs_ready"), None)
    begun = next((change.time for change in one.changes if change.transition == "claimed"), None)
    return (begun - queued).total_seconds() if queued and begun else None


def _values(key: str, heading: str, values: Mapping[str, Any]) -> list[Part]:
    if not values:
        return []
    return [Facts(id=key, heading=heading, pairs=[(k, Code(text=written(v))) for k, v in values.items()], beside=True)]


def _artifacts(one: runs.OneTask) -> list[Part]:
    rows: list[tuple[Cell, ...]] = [
        (Link(text=name, href=artifact_page(artifact)), use.lower(), _title(artifact))
        for name, use, artifact in one.used
    ]
    if not rows:
        return []
    columns = ("Artifact", "Use", "Type")
    return [
        Table(id="node-artifacts", heading="Artifacts", columns=columns, rows=rows, nothing=Empty(text=""), beside=True)
    ]


def _title(artifact: lineage.Artifact) -> str:
    return artifact.schema_title.rpartition(".")[2] or "Artifact"


def _attempts(one: runs.OneTask, asked: Asked) -> list[Part]:
    row = one.row
    found: list[tuple[Cell, ...]] = [
        (
            Link(text=str(a.attempt), href=asked.href(attempt=str(a.attempt))),
            a.outcome,
            span(a.start_time, a.end_time),
            seconds(a.cpu_seconds or None),
            size(a.peak_memory_bytes or None),
            a.message.partition("\n")[0],
        )
        for a in one.attempts
    ]
    if row.attempt and row.attempt not in {a.attempt for a in one.attempts} and row.state in {"RUNNING", "CANCELLING"}:
        began = next((c.time for c in reversed(one.changes) if c.transition == "claimed"), None)
        found.append((str(row.attempt), "running", span(began, None), None, None, None))
    if not found:
        return []
    columns = ("Attempt", "Outcome", "Took", "CPU", "Memory", "Why")
    return [
        Table(id="node-attempts", heading="Attempts", columns=columns, rows=found, nothing=Empty(text=""), beside=True)
    ]


def _again(service: runs.Service, run: runs.Run, one: runs.OneTask, asked: Asked) -> Facts:
    """Say how the task is run again here, at a terminal: its pipeline is at hand, or is downloaded first."""
    job, task = names.short(run.name), shlex.quote(one.row.name)
    file = "pipeline.yaml"
    spec = run.template_uri or file
    given = "".join(f" --parameter {shlex.quote(f'{k}={_plain(v)}')}" for k, v in run.parameters.items())
    debug = f"trainshed pipelines run {shlex.quote(spec)} --debug-task {shlex.quote(runs.static(one.row.name))}{given}"
    pairs: list[tuple[str, Cell]] = [
        ("Rerun", Code(text=debug, may_copy=True)),
        ("Spec", Link(text=file, href=links.href("/runs", run.name) + "/spec")),
        ("Log", Code(text=f"trainshed pipelines logs {job} --task {task}", may_copy=True)),
    ]
    if one.row.attempt:
        folder = service.log_file(run, one.row.name, asked.number("attempt", one.row.attempt, least=1)).parent
        pairs.append(("Folder", Code(text=str(folder), may_copy=True)))
    return Facts(id="node-again", heading="Rerun it here, at a terminal", pairs=pairs, beside=True)


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _log(found: runs.Marks, one: runs.OneTask, asked: Asked) -> Sequence[Part]:
    if not one.row.attempt or one.row.is_dag:
        return ()
    attempt = asked.number("attempt", one.row.attempt, least=1)
    where = Asked(path=links.href("/runs", found.run.name) + "/log").href(task=one.row.name, attempt=str(attempt))
    line = logs.wanted_line(asked)
    return (logs.Log(id="node-log", heading=f"Log of {one.row.name}, attempt {attempt}", address=where, line=line),)


def _several(found: runs.Marks, item: Item, instances: Sequence[runs.Mark], asked: Asked) -> Sequence[Part]:
    """Show a task that has not come into being yet, or that is there once for each iteration."""
    pairs: list[tuple[str, Cell]] = [
        ("Task", Code(text=item.id, may_copy=True)),
        ("Component", item.component),
        ("Image", Code(text=item.image, may_copy=True) if item.image else None),
        ("Times", f"{len(instances)}, one for each iteration" if instances else _not_yet(found)),
    ]
    kept = [pair for pair in pairs if pair[1] not in {None, ""}]
    about = Facts(id="node", heading=item.label, pairs=kept, beyond=closing(asked), beside=True)
    return (about, *(_siblings(instances, asked) if instances else ()))


def _not_yet(found: runs.Marks) -> str:
    return (
        "what is around it did not begin"
        if runs.RUN.is_final(found.run.state)
        else "not yet: what is around it has to begin"
    )


def _siblings(instances: Sequence[runs.Mark], asked: Asked) -> Sequence[Part]:
    worst = sorted(instances, key=lambda mark: _WORST.index(mark.state))[:_MOST]
    rows: list[tuple[Cell, ...]] = [
        (
            Link(text=mark.name, href=address(asked, mark.name)),
            Badge(state=mark.state),
            span(mark.start_time, mark.end_time),
        )
        for mark in worst
    ]
    every = asked.href(tab="tasks", task=None, attempt=None, text=runs.static(instances[0].name).rpartition(".")[2])
    return (
        Table(
            id="node-iterations",
            heading="Iterations",
            columns=("Task", "State", "Took"),
            rows=rows,
            nothing=Empty(text=""),
            count=len(instances),
            more=every if len(instances) > _MOST else "",
            more_text="All of them",
            beside=True,
        ),
    )
