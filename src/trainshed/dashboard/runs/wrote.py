"""What all tasks of a run wrote, in their last attempts: how the log of each ends, or the lines of all that hold a text."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from os import SEEK_END
from pathlib import Path
from time import monotonic

from trainshed import runs
from trainshed.dashboard import links
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Badge, Cell, Code, Link
from trainshed.dashboard.logs.ansi import decoded, plain
from trainshed.dashboard.page import Actions, Empty, Filter, Filters, Notice, Part, Table
from trainshed.dashboard.runs.listing import SECTION, own_name
from trainshed.dashboard.runs.tasks import in_order, shown_names
from trainshed.errors import InvalidArgument

_TASKS = 50  # of one page without a text
_MATCHES = 200  # lines of one page
_SECONDS = 0.08  # of looking, before the page says how far it came
_CHUNK = 1 << 22
_TAIL = 4096  # bytes of a log's end
_LONGEST = 400  # characters of a line


@dataclass(frozen=True, kw_only=True)
class Match:
    """A line that holds the text."""

    task: runs.Mark
    number: int
    text: str


def parts(service: runs.Service, found: runs.Marks, asked: Asked) -> Sequence[Part]:
    """Make the box to search in, and what it found. Raises InvalidArgument."""
    logs = [mark for mark in in_order(found.tasks) if mark.attempt and not mark.is_dag]
    start, text = asked.number("from", 0, most=1_000_000), asked.word("text")
    if start and start >= len(logs):
        raise InvalidArgument.field("from", f"there are {len(logs)} logs, counted from 0")
    box = Filters(
        id="filters",
        heading="Logs of all tasks",
        filters=(Filter(name="text", label="Lines that contain", value=text),),
        action=f"{asked.path}?tab=logs",
        kept=(("tab", "logs"),),
        button="Search",
    )
    whole = Actions(id="whole", actions=(), links=(Link(text="All logs as one text", href=_whole(found.run)),))
    if not text:
        return (box, whole, _ends(service, found, logs, start, asked))
    return (box, whole, *_search(service, found, logs, start, asked))


def _ends(service: runs.Service, found: runs.Marks, logs: Sequence[runs.Mark], start: int, asked: Asked) -> Table:
    """Show how each log ends, in the order of the plan."""
    run, called = found.run, shown_names(found.plan)
    shown = logs[start : start + _TASKS]
    rows: list[tuple[Cell, ...]] = [
        (
            Link(text=called(mark.name), href=_address(run, mark)),
            Badge(state=mark.state),
            Code(text=text) if (text := _end(service.log_file(run, mark.name, mark.attempt))) else None,
        )
        for mark in shown
    ]
    return Table(
        id="logs",
        columns=("Task", "State", "Last line"),
        rows=rows,
        nothing=Empty(text="No task of this run has written a log: none has begun, or all were reused."),
        more=asked.href(**{"from": str(start + _TASKS)}) if start + _TASKS < len(logs) else "",
        more_text=f"The next of {len(logs)}",
    )


def _search(
    service: runs.Service, marks: runs.Marks, logs: Sequence[runs.Mark], start: int, asked: Asked
) -> Iterator[Part]:
    """Look for a text in one log after the other, for a moment; at least in one."""
    run, called = marks.run, shown_names(marks.plan)
    wanted, until = asked.word("text").lower(), monotonic() + _SECONDS
    matches, at, is_cut = list[Match](), start, False
    while at < len(logs) and len(matches) < _MATCHES and (at == start or monotonic() < until):
        mark = logs[at]
        found = list(lines_with(service.log_file(run, mark.name, mark.attempt), wanted, until, _MATCHES))
        matches += [Match(task=mark, number=number, text=text) for number, text in found if number]
        is_cut = is_cut or any(not number for number, _ in found) or len(found) == _MATCHES
        at += 1
    more = asked.href(**{"from": str(at)}) if at < len(logs) else ""
    if more or is_cut:
        said = f"{at} of {len(logs)} logs were looked through" + (
            ", of a long one the beginning; its own search goes through all of it" if is_cut else ""
        )
        yield Notice(id="further", text=said, next=Link(text="Look further", href=more) if more else None)
    yield Table(
        id="logs",
        columns=("Task", "Line", "Text"),
        rows=[
            (
                Link(text=called(match.task.name), href=_address(run, match.task, match.number)),
                match.number,
                Code(text=match.text),
            )
            for match in matches
        ],
        nothing=Empty(text="No line of these logs is like that."),
        count=len(matches) if not more and not is_cut and matches else None,
    )


def lines_with(path: Path, wanted: str, until: float, most: int) -> Iterator[tuple[int, str]]:
    """Yield the lines of a file that hold a text in small letters, with their numbers; number 0: it was not looked through."""
    number, rest, count = 1, b"", 0
    if "\n" in wanted:  # no line holds one
        return
    try:
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                head, sign, tail = (rest + chunk).rpartition(b"\n")
                whole, rest = (head + sign, tail) if sign else (b"", tail)
                for found in _in(whole, wanted, number):
                    yield found
                    if (count := count + 1) == most:
                        return
                number += whole.count(b"\n")
                if monotonic() > until:
                    yield 0, ""
                    return
    except OSError:
        return
    yield from _in(rest, wanted, number)


def _in(data: bytes, wanted: str, number: int) -> Iterator[tuple[int, str]]:
    """Look through whole lines, as bytes where these are what is shown of them."""
    if not wanted.isascii() or b"\x1b" in data or b"\r" in data:
        for at, line in enumerate(data.split(b"\n"), start=number):
            if wanted in plain(decoded(line)).lower():
                yield at, _shown(line)
        return
    small, text, place, counted = data.lower(), wanted.encode(), 0, 0
    while (place := small.find(text, place)) >= 0:
        begin, end = small.rfind(b"\n", 0, place) + 1, small.find(b"\n", place)
        end = len(data) if end < 0 else end
        number += small.count(b"\n", counted, begin)
        counted = begin
        yield number, _shown(data[begin:end])
        place = end


def _end(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, SEEK_END) - _TAIL))
            return _shown(file.read(_TAIL).rstrip().rpartition(b"\n")[2])
    except OSError:
        return ""


def _shown(line: bytes) -> str:
    text = plain(decoded(line)).strip()
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


def _address(run: runs.Run, mark: runs.Mark, line: int = 0) -> str:
    more = {"attempt": str(mark.attempt), "line": str(line)} if line else {}
    return Asked(path=links.href(SECTION, run.name)).href(task=mark.name, **more)


def _whole(run: runs.Run) -> str:
    return f"/trainshed/v1/{own_name(run)}/logs"
