"""Two runs side by side, line by line: their pipelines, and what a task wrote in each."""

from collections.abc import Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from typing import ClassVar

from trainshed import runs
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.logs.ansi import decoded, plain
from trainshed.dashboard.page import Filter, Filters, Notice, Part
from trainshed.dashboard.runs import changed
from trainshed.dashboard.runs.changed import Changes
from trainshed.dashboard.runs.tasks import names_in
from trainshed.errors import InvalidArgument
from trainshed.quantities import counted

_TAIL = 256 << 10  # bytes of a log
_LINES = 600  # of its end that are compared
_WORKING = ("container", "importer")


@dataclass(frozen=True, kw_only=True)
class Lines(Part):
    """What changed between two texts."""

    changes: Changes
    said: str
    before: str  # what each of them is called
    after: str
    kind: ClassVar[str] = "lines"


@dataclass(frozen=True, kw_only=True)
class End:
    """How a log ends."""

    lines: Sequence[str]
    is_cut: bool  # there is more in front of it


def pipelines(service: runs.Service, sides: Sequence[runs.Side], letters: Sequence[str]) -> Sequence[Part]:
    """Compare the compiled pipelines of two runs."""
    documents = [service.spec(side.run.name) for side in sides]
    texts = [changed.spelled({k: v for k, v in document.items() if v}) for document in documents]
    found = changed.between(*texts)
    same = "Both runs have the same pipeline."
    return (_part("pipeline", "What changed in the pipeline", found, letters, same),)


def logs(service: runs.Service, sides: Sequence[runs.Side], letters: Sequence[str], asked: Asked) -> Sequence[Part]:
    """Compare what a task wrote in two runs, its last attempts. Raises InvalidArgument."""
    known = [[task.name for task in side.tasks if task.kind in _WORKING] for side in sides]
    shared = [name for name in known[0] if name in known[1]]
    if not shared:
        return (Notice(id="log", text="No task is in both runs."),)
    task = asked.word("task", _most_telling(sides, shared))
    if task not in shared:
        raise InvalidArgument.field("task", f"both runs have {', '.join(shared)}, and not both {task!r}")
    call = names_in(side.plan for side in sides)
    choices = [(name, call(name)) for name in shared]
    kept = [*(("run", side.run.name) for side in sides), ("tab", "logs")]
    choose = Filters(
        id="filters",
        filters=(Filter(name="task", label="Log of", value=task, choices=choices),),
        action=asked.path,
        kept=kept,
        button="Show",
    )
    ends = [_end(service, side.run, task) for side in sides]
    if missing := [letter for letter, end in zip(letters, ends, strict=True) if end is None]:
        return (
            choose,
            Notice(
                id="log", text=f"{call(task)} wrote no log in {' and '.join(missing)}: it was reused, or did not begin."
            ),
        )
    written = [end for end in ends if end is not None]
    found = changed.between(*(end.lines for end in written), key=changed.without_numbers)
    is_cut = any(end.is_cut for end in written)
    same = f"{'The ends of both logs are' if is_cut else 'Both wrote'} the same, but for numbers and times."
    note = "numbers and times are not compared" + ("; of a long log its end alone is" if is_cut else "")
    heading = f"What {call(task)} wrote otherwise"
    return (choose, _part("log", heading, found, letters, same, note=note))


def _most_telling(sides: Sequence[runs.Side], shared: Sequence[str]) -> str:
    """Answer the task whose log one looks for first: one that failed, else the one that took longest."""
    tasks = {task.name: task for task in sides[1].tasks if task.name in shared}

    def weight(name: str) -> tuple[bool, float]:
        task = tasks[name]
        ran = task.start_time is not None and task.end_time is not None and not task.cached_from
        lasted = (
            (task.end_time - task.start_time).total_seconds() if ran and task.start_time and task.end_time else -1.0
        )
        return task.state == "FAILED", lasted

    return max(shared, key=weight)


def _end(service: runs.Service, run: runs.Run, task: str) -> End | None:
    """Read the last lines of a task's last attempt; None where it made none."""
    one = service.find_task(run, task)
    if one is None or not one.row.attempt:
        return None
    return _tail(service.log_file(run, task, one.row.attempt))


def _tail(path: Path) -> End | None:
    try:
        with path.open("rb") as file:
            start = max(0, file.seek(0, SEEK_END) - _TAIL)
            file.seek(start)
            data = file.read(_TAIL)
    except OSError:
        return None
    found = data.removesuffix(b"\n").split(b"\n")
    whole = found[1:] if start and len(found) > 1 else found  # the first one has lost its beginning
    lines = [plain(decoded(line)) for line in whole[-_LINES:]]
    return End(lines=lines, is_cut=bool(start) or len(whole) > _LINES)


def _part(key: str, heading: str, found: Changes, letters: Sequence[str], same: str, *, note: str = "") -> Lines:
    said = f"{counted(found.gone, 'line')} gone, {found.new} new" if found.hunks else same
    more = ["so much differs that the rest was not compared"] if found.is_cut else []
    notes = "; ".join([*([note] if note and found.hunks else []), *more])
    before, after = letters
    return Lines(
        id=key, heading=heading, changes=found, said=f"{said}; {notes}" if notes else said, before=before, after=after
    )
