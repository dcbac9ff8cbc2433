"""How runs are put in words on every page."""

from trainshed import runs
from trainshed.dashboard import links
from trainshed.dashboard.cells import Cell, Link


def remark(run: runs.Run) -> str:
    """Say how much of a run really ran."""
    if run.is_needless:
        return f"nothing changed: 0 of {run.tasks_total} tasks ran"
    return f"{run.tasks_ran} of {run.tasks_total} tasks ran" if run.tasks_ran is not None else ""


def because(run: runs.Run) -> Cell:
    """Say what started a run."""
    kind = run.cause_kind or "user"
    return Link(text=kind, href=links.href("/receipts", run.receipt_id)) if run.receipt_id else kind
