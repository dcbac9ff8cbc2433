"""The tasks of a run as a table: a tree in the order of the plan, or sorted; large runs come in pages."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trainshed import ir, runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Link, seconds, size
from trainshed.dashboard.page import Empty, Filter, Filters, Part, Table
from trainshed.dashboard.runs import usual
from trainshed.dashboard.runs.listing import SECTION
from trainshed.dashboard.runs.words import part_took
from trainshed.errors import InvalidArgument
from trainshed.quantities import counted

PAGE = 200
_KINDS = {"dag": "tasks inside", "loop": "loop", "importer": "import"}  # of what has no image
_COLUMNS = ("Task", "State", "Attempts", "Duration", "Usual duration", "CPU", "Peak memory", "Image or kind", "Why")
_SORTS = ("plan", "duration", usual.SLOW, "cpu", "start", "state", "name")
_WORST = ("FAILED", "CANCELLED", "CANCELLING", "RUNNING", "QUEUED", "PENDING", "NOT_TRIGGERED", "SKIPPED", "SUCCEEDED")


def parts(service: runs.Service, found: runs.Marks, known: runs.Usual, asked: Asked) -> Sequence[Part]:
    """Make the filters and a page of the table. Raises InvalidArgument."""
    state, text = asked.choice("state", tuple(runs.TASK.states)), asked.word("text").lower()
    sort = asked.choice("sort", _SORTS, "plan")
    start = asked.number("from", 0, most=1_000_000)
    tasks = dict(found.plan.walk())
    chosen = [
        m for m in in_order(found.tasks) if (not state or m.state == state) and (not text or text in _called(m, tasks))
    ]
    if start and start >= len(chosen):
        raise InvalidArgument.field("from", f"there are {len(chosen)} tasks, counted from 0")
    now = service.clock.now()
    if sort == usual.SLOW:
        chosen.sort(key=lambda mark: -(usual.ratio(found.run, mark, known, now) or 0.0))
    elif sort != "plan":
        chosen.sort(key=_KEYS.get(sort) or (lambda mark: -_lasted(found.run, mark)))
    shown = chosen[start : start + PAGE]
    rows = service.tasks_by_id([mark.id for mark in shown])
    is_tree = sort == "plan" and not text and not state
    return (
        _filters(found, asked, state, text, sort),
        Table(
            id="tasks",
            heading=counted_tasks(chosen),
            columns=_COLUMNS,
            rows=[
                _row(found, rows[mark.id], tasks, usual.of_task(found.run, mark, known, now), is_tree=is_tree)
                for mark in shown
                if mark.id in rows
            ],
            nothing=Empty(text="No task of this run is like that." if found.tasks else "This pipeline has no tasks."),
            more=asked.href(**{"from": str(start + PAGE)}) if start + PAGE < len(chosen) else "",
            more_text=f"The next {min(PAGE, len(chosen) - start - PAGE)} of {len(chosen)}",
            can_sort=True,
        ),
    )


def in_order(tasks: Sequence[runs.Mark]) -> list[runs.Mark]:
    """Answer tasks as a tree is read: what is in one follows it, iteration by iteration."""
    inside: dict[str, list[runs.Mark]] = {}
    for mark in tasks:
        inside.setdefault(mark.parent, []).append(mark)

    def walk(parent: str) -> Iterator[runs.Mark]:
        for mark in sorted(inside.get(parent, ()), key=lambda m: m.iteration or 0):  # else as they were made
            yield mark
            if mark.is_dag:
                yield from walk(mark.id)

    return list(walk(""))


def address(run: str, task: str) -> str:
    """Answer where a task of a run is shown."""
    return Asked(path=links.href(SECTION, run)).href(task=task)


def reason(row: runs.TaskRow) -> str:
    """Say in a sentence why a task is in its state, as far as its own row knows."""
    match row.state:
        case "SKIPPED":
            return "its outputs were reused"
        case "NOT_TRIGGERED":
            return row.error.partition("\n")[0] or "its condition does not hold"
        case "CANCELLED":
            return "it had not begun" if row.start_time is None else "it was stopped"
        case "SUCCEEDED":
            return ""
    return row.error.partition("\n")[0]


def label(name: str, iteration: int | None, tasks: Mapping[str, ir.Task]) -> str:
    """Call a task within a tree as the graph does; which iteration of a loop it belongs to comes first."""
    task = tasks.get(runs.static(name))
    shown = task.display_name if task else name.rpartition(".")[2]
    return f"[{iteration}] {shown}" if iteration is not None and "." in name else shown


def shown_names(plan: ir.Plan) -> Callable[[str], str]:
    """Answer what calls the tasks of a plan as the graph does; iterations of a loop keep their path."""
    shown = {path: task.display_name for path, task in plan.walk()}
    return lambda name: shown.get(name, name)


def names_in(plans: Iterable[ir.Plan]) -> Callable[[str], str]:
    """Answer what calls the tasks of several plans as the graph of the last one that has them does."""
    return told_apart({path: task.display_name for plan in plans for path, task in plan.walk()})


def told_apart(shown: Mapping[str, str]) -> Callable[[str], str]:
    """Answer what calls tasks by what is shown, and those that are called alike by their own names too."""
    counts = Counter(shown.values())

    def called(name: str) -> str:
        found = shown.get(name, name)
        return f"{found} ({name})" if counts[found] > 1 and found != name else found

    return called


def counted_tasks(marks: Sequence[runs.Mark]) -> str:
    """Count tasks as everywhere: imports and groups are none."""
    groups, imports = sum(m.is_dag for m in marks), sum(m.kind == "importer" for m in marks)
    found = [(len(marks) - groups - imports, "task"), (imports, "import"), (groups, "group")]
    return ", ".join(counted(count, one) for count, one in found if count or one == "task")


def _called(mark: runs.Mark, tasks: Mapping[str, ir.Task]) -> str:
    """Answer everything that one may look for a task by."""
    return f"{mark.name} {label(mark.name, None, tasks)}".lower()


def _row(
    found: runs.Marks, row: runs.TaskRow, tasks: Mapping[str, ir.Task], usually: Cell, *, is_tree: bool
) -> tuple[Cell, ...]:
    task = tasks.get(runs.static(row.name))
    is_inside = "." in row.name
    text = label(row.name, row.iteration, tasks) if is_tree or not is_inside else row.name
    return (
        Link(text=text, href=address(found.run.name, row.name), depth=row.name.count(".") if is_tree else 0),
        Badge(state=row.state, note="reused" if row.cached_from else ""),
        row.attempt or None,
        part_took(found.run, row.start_time, row.end_time),
        usually,
        seconds(row.cpu_seconds or None),
        size(row.peak_memory_bytes or None),
        (task.image.rpartition("/")[2] if task else "") or _KINDS.get(row.kind, row.kind),
        reason(row),
    )


def _filters(found: runs.Marks, asked: Asked, state: str, text: str, sort: str) -> Filters:
    states = sorted({mark.state for mark in found.tasks} | ({state} if state else set()), key=_WORST.index)
    return Filters(
        id="filters",
        heading="Tasks of this run",
        filters=(
            Filter(name="text", label="Name contains", value=text),
            Filter(name="state", label="State", value=state, choices=(("", "any"), *((s, s) for s in states))),
            Filter(
                name="sort",
                label="Order",
                value=sort,
                choices=(
                    ("plan", "as in the plan"), ("duration", "longest first"), (usual.SLOW, "slowest of their usual first"),
                    ("cpu", "most CPU first"),
                    ("start", "as they began"), ("state", "worst state first"), ("name", "by name"),
                ),
            ),
        ),
        action=f"{asked.path}?tab=tasks",
        kept=(("tab", "tasks"),),
    )  # fmt: skip


def _lasted(run: runs.Run, mark: runs.Mark) -> float:
    took = part_took(run, mark.start_time, mark.end_time)
    if took is None:
        return 0.0
    return float("inf") if took.lasted is None else took.lasted


def _began(mark: runs.Mark) -> tuple[bool, datetime | None]:
    return mark.start_time is None, mark.start_time


_KEYS: Mapping[str, Callable[[runs.Mark], Any]] = {
    "cpu": lambda mark: -mark.cpu_seconds,
    "start": _began,
    "state": lambda mark: _WORST.index(mark.state),
    "name": lambda mark: mark.name,
}
