"""How runs are put in words on every page."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Link, Several, Span, span
from trainshed.dashboard.wording import exactly
from trainshed.quantities import of_pauses

_OF_CLIENTS = ("vertex-ai-", "goog-", "goog_")  # labels
_LABEL = 60  # characters
_WORK = "container"  # the kind of a task that does something itself


def remark(run: runs.Run) -> str:
    """Say how many of a run's tasks ran, were reused and were left out, once it has ended."""
    found = runs.tally_of(run)
    return found.said() if found and found.worked + found.left_out else ""


def so_far(found: runs.Marks) -> str:
    """Say how far a run is that goes on. A task has a row once its turn may come, and loops make more than the plan has."""
    if runs.RUN.is_final(found.run.state):
        return ""
    planned = sum(task.kind == _WORK for _, task in found.plan.leaves())
    return runs.done(((task.kind, task.state) for task in found.tasks), planned).said()


def took(run: runs.Run) -> Span | None:
    """Say how long a run was at work: until it is retried nobody does anything."""
    return span(run.start_time, run.end_time, runs.paused_seconds(run))


def part_took(run: runs.Run, start: datetime | None, end: datetime | None) -> Span | None:
    """Say the same of a part of a run: what a retry went on with has its pauses too."""
    return span(start, end, runs.paused_seconds(run, start, end) if start and run.pauses else 0.0)


def pauses(run: runs.Run) -> str:
    """Say how long nobody did anything before a run was retried, where that was so."""
    paused = runs.paused_seconds(run)
    return f"and {of_pauses(paused)}" if paused else ""


def was_stopped(run: runs.Run) -> bool:
    """Tell whether somebody asked a run to end."""
    return run.state in runs.STOPPED


def asked_to_end(found: runs.Cancellation | None) -> str:
    """Say in a few words when a run was asked to end, and by what."""
    return "" if found is None else f"asked to end by {found.by} at {exactly(found.time)}"


def address(value: Any, here: Collection[str]) -> Link | None:
    """Link an address of stored data to its page, where its bucket is here."""
    return Link(text=value, href=links.stored(value)) if isinstance(value, str) and value in here else None


def labels(run: runs.Run) -> list[Link]:
    """Write what is on a run, each with the way to the runs that have it too; what Google's clients write is not for people."""
    found = [f"{key}={value}" for key, value in run.labels.items() if not key.startswith(_OF_CLIENTS)]
    return [Link(text=text if len(text) <= _LABEL else f"{text[: _LABEL - 1]}…", href=labelled(text)) for text in found]


def labelled(text: str) -> str:
    """Answer where the runs with a label, KEY=VALUE, are listed."""
    return f"/runs?{urlencode({'value': text})}"


def because(run: runs.Run) -> Cell:
    """Say what started a run: what stands at the beginning, and the receipt of the event that led to it."""
    if run.cause_kind == "build":
        return _of_build(run)
    if not run.receipt_id:
        return "by hand" if run.cause_kind in {"", "user"} else run.cause_kind
    address = links.href("/receipts", run.receipt_id)
    if not run.trigger:
        return Link(text=run.cause_kind, href=address)
    return Several(cells=(_first(run.trigger), Link(text="receipt", href=address)))


def began_by(run: runs.Run) -> Cell:
    """Say what stands at the beginning of a run, where there is little room."""
    found = because(run)
    return found.cells[0] if isinstance(found, Several) else found


def _of_build(run: runs.Run) -> Cell:
    """Say that a step of a build started a run, and what had started the build."""
    build_id = (run.run_key or "").partition("#")[0]
    build = (
        Link(text=f"build {build_id.partition('-')[0]}", href=links.href("/builds", build_id))
        if build_id
        else "a build"
    )
    return Several(cells=(_first(run.trigger), build)) if run.trigger else build


def _first(trigger: str) -> Cell:
    first, words = links.link(trigger), names.called(trigger)
    return Link(text=words, href=first.href) if isinstance(first, Link) else words
