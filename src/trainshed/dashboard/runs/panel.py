"""The parts beside a run's graph: which task, iterations or artifact is selected there, and the log of the task."""

from collections.abc import Sequence

from trainshed import names, runs
from trainshed.dashboard import links, logs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link
from trainshed.dashboard.page import Empty, Facts, Part, Table
from trainshed.dashboard.runs.artifact import artifact_parts, closing
from trainshed.dashboard.runs.folding import Item, Whole
from trainshed.dashboard.runs.picture import TASK, address, selected_item
from trainshed.dashboard.runs.task import task_parts
from trainshed.dashboard.runs.words import part_took
from trainshed.errors import InvalidArgument

WORDS_OF_LOG = ("task", "attempt")
_MOST = 25  # iterations that are listed
_WORST = ("FAILED", "CANCELLED", "CANCELLING", "RUNNING", "QUEUED", "PENDING", "SUCCEEDED", "SKIPPED", "NOT_TRIGGERED")


def parts(service: runs.Service, found: runs.Marks, whole: Whole, known: runs.Usual, asked: Asked) -> Sequence[Part]:
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
    siblings = _siblings(found.run, instances, asked) if len(instances) > 1 else ()
    return (*task_parts(service, found.run, item, one, known, asked), *siblings, *_log(found, one, asked))


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


def _log(found: runs.Marks, one: runs.OneTask, asked: Asked) -> Sequence[Part]:
    if not one.row.attempt or one.row.is_dag:
        return ()
    attempt = asked.number("attempt", one.row.attempt, least=1)
    where = Asked(path=links.href("/runs", found.run.name) + "/log").href(task=one.row.name, attempt=str(attempt))
    line = logs.wanted_line(asked)
    heading, pin = f"Log of {one.row.name}, attempt {attempt}", f"attempt={attempt}"
    return (logs.Log(id="node-log", heading=heading, address=where, line=line, pin=pin),)


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
    return (about, *(_siblings(found.run, instances, asked) if instances else ()))


def _not_yet(found: runs.Marks) -> str:
    return (
        "what is around it did not begin"
        if runs.RUN.is_final(found.run.state)
        else "not yet: what is around it has to begin"
    )


def _siblings(run: runs.Run, instances: Sequence[runs.Mark], asked: Asked) -> Sequence[Part]:
    worst = sorted(instances, key=lambda mark: _WORST.index(mark.state))[:_MOST]
    rows: list[tuple[Cell, ...]] = [
        (
            Link(text=mark.name, href=address(asked, mark.name)),
            Badge(state=mark.state),
            part_took(run, mark.start_time, mark.end_time),
        )
        for mark in worst
    ]
    every = asked.href(tab="tasks", task=None, attempt=None, text=runs.static(instances[0].name).rpartition(".")[2])
    return (
        Table(
            id="node-iterations",
            heading="Iterations",
            columns=("Task", "State", "Duration"),
            rows=rows,
            nothing=Empty(text=""),
            count=len(instances),
            more=every if len(instances) > _MOST else "",
            more_text="All of them",
            beside=True,
        ),
    )
