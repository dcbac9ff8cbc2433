"""A task of a run's graph: what it is, took and gave, its attempts, and how to run it again."""

import json
import shlex
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from trainshed import costs, lineage, names, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link, Seconds, Several, Size, schema, seconds, size, span, time
from trainshed.dashboard.logs.ansi import plain
from trainshed.dashboard.page import Empty, Facts, Part, Table, Text
from trainshed.dashboard.runs.artifact import closing
from trainshed.dashboard.runs.artifact import page as artifact_page
from trainshed.dashboard.runs.folding import Item
from trainshed.dashboard.runs.tasks import reason
from trainshed.dashboard.runs.usual import of_task
from trainshed.dashboard.runs.words import address, asked_to_end, part_took
from trainshed.quantities import counted

_PRICES = costs.load()
_LONG = 400  # characters of a value


def task_parts(
    service: runs.Service, run: runs.Run, item: Item, one: runs.OneTask, known: runs.Usual, asked: Asked
) -> Sequence[Part]:
    """Make the parts beside the graph of one task: what it is, took and gave, its attempts, how to run it again."""
    row = one.row
    stopped = service.cancellations([run.name]).get(run.name) if row.state in runs.STOPPED else None
    made: list[Part] = [
        *_about(run, item, one, asked, asked_to_end(stopped), of_task(run, row, known, service.clock.now()))
    ]
    given, gave = one.parameters, (row.outputs or {}).get("parameters") or {}
    here = service.stored_here([*given.values(), *gave.values()])
    made += _values("node-inputs", "Parameters in", given, here)
    made += _values("node-outputs", "Parameters out", gave, here)
    made += _artifacts(one)
    made += _attempts(one, asked)
    made.append(_again(service, run, one, asked))
    return made


def written(value: Any) -> str:
    """Write a value of a parameter: text as it is, anything else as JSON."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _LONG else f"{text[:_LONG]}… ({len(text):,} characters)"


def _about(run: runs.Run, item: Item, one: runs.OneTask, asked: Asked, stopped: str, usually: Cell) -> Sequence[Part]:
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
        ("Cancelled", f"with its run, {stopped}" if stopped else None),
        ("Task", Code(text=row.name, may_copy=True)),
        ("Component", item.component),
        ("Image", Code(text=item.image, may_copy=True) if item.image else None),
        ("Cache", _cache(one)),
        ("Attempts", row.attempt or None),
        ("Started", time(row.start_time)),
        ("Waited", Seconds(seconds=waited) if waited is not None else None),
        ("Duration", part_took(run, row.start_time, row.end_time)),
        ("Worked", _worked(one.attempts)),
        ("CPU used", _last(seconds(row.cpu_seconds or None), one.attempts)),
        ("Peak memory", _last(size(row.peak_memory_bytes or None), one.attempts)),
        ("Requested", _wanted(row) if not row.is_dag else None),
        ("Priced as", row.machine_type or None),
        ("Environment", Code(text=row.environment, may_copy=True) if row.environment else None),
        ("Cost", _cost(one)),
        ("Usual duration", usually),
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
        return f"ran; {one.decision.reason}"
    there = Link(
        text=names.short(one.decision.run), href=links.href("/runs", one.decision.run) + f"?task={one.row.name}"
    )
    return Several(cells=(f"{one.decision.reason}: outputs of", there))


def _cost(one: runs.OneTask) -> Cell:
    row = one.row
    if row.is_dag or row.start_time is None or row.end_time is None:
        return None
    return str(costs.of_task(_PRICES, runs.used(row, one.attempts)))


def _worked(attempts: Sequence[runs.Attempt]) -> Cell:
    """Say how long the processes of a task ran, which is what it costs: a worker's preparations are no part of it."""
    if not attempts:
        return None
    total = sum((each.end_time - each.start_time).total_seconds() for each in attempts)
    return Several(cells=(Seconds(seconds=total), f"in {counted(len(attempts), 'attempt')}"))


def _last(measured: Cell, attempts: Sequence[runs.Attempt]) -> Cell:
    """Say of what was measured of a task whose attempt it is, where there were several."""
    return Several(cells=(measured, "in the last attempt")) if measured and len(attempts) > 1 else measured


def _wanted(row: runs.TaskRow) -> Cell:
    if not row.cpus and not row.memory_bytes:
        return None
    cores = f"{row.cpus:g} core{'s' * (row.cpus != 1)}"
    return Several(cells=(f"{cores},", Size(count=row.memory_bytes))) if row.memory_bytes else cores


def _waited(one: runs.OneTask) -> float | None:
    """Answer how long a task waited for a worker before its first attempt."""
    queued = next((change.time for change in one.changes if change.transition == "inputs_ready"), None)
    begun = next((change.time for change in one.changes if change.transition == "claimed"), None)
    return (begun - queued).total_seconds() if queued and begun else None


def _values(key: str, heading: str, values: Mapping[str, Any], here: Collection[str]) -> list[Part]:
    if not values:
        return []
    pairs = [(k, address(v, here) or Code(text=written(v))) for k, v in values.items()]
    return [Facts(id=key, heading=heading, pairs=pairs, beside=True)]


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


def _title(artifact: lineage.Artifact) -> Cell:
    return schema(artifact.schema_title) or "Artifact"


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
    columns = ("Attempt", "Outcome", "Worked", "CPU", "Peak memory", "Why")
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
        ("First", "Stop this server: a rerun needs its home for itself."),
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
