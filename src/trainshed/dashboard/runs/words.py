"""How runs are put in words on every page."""

from trainshed import names, runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Link, Several


def remark(run: runs.Run) -> str:
    """Say how much of a run really ran."""
    if run.is_needless:
        return f"nothing changed: 0 of {run.tasks_total} tasks ran"
    return f"{run.tasks_ran} of {run.tasks_total} tasks ran" if run.tasks_ran is not None else ""


def because(run: runs.Run) -> Cell:
    """Say what started a run: what stands at the beginning, and the receipt of the event that led to it."""
    if not run.receipt_id:
        return run.cause_kind or "user"
    receipt = Link(text=f"{run.cause_kind} (receipt)", href=links.href("/receipts", run.receipt_id))
    if not run.trigger:
        return receipt
    first = links.link(run.trigger)
    return Several(cells=(first if isinstance(first, Link) else names.short(run.trigger), receipt))
