"""What became of the tasks of a run, counted from their rows; of a group that was left out, what is in it. Pure."""

from collections.abc import Iterable

from trainshed import ir
from trainshed.runs.lifecycle import TASK
from trainshed.runs.marks import Mark
from trainshed.runs.model import Run, TaskRow
from trainshed.runs.planning import Step, workers_of
from trainshed.tally import Tally

_WORKED = "container"  # the kind of what a worker does


def tally(plan: ir.Plan, tasks: Iterable[TaskRow | Mark]) -> Tally:
    """Count what has ended or begun."""
    found = Tally()
    for task in tasks:
        has_begun = task.start_time is not None
        if task.kind == _WORKED and (has_begun or TASK.is_final(task.state)):
            found = found.plus(state=task.state, has_begun=has_begun)
        elif task.is_dag and not has_begun and TASK.is_final(task.state):  # there are no rows of what is in it
            found = found.plus(state=task.state, has_begun=False, count=workers_of(plan.find(task.name)))
    return found


def tally_of(run: Run) -> Tally | None:
    """Answer what became of the tasks of a run that has ended, from its own row; None while that is not known."""
    if run.tasks_ran is None:
        return None
    return Tally(ran=run.tasks_ran, reused=run.tasks_total - run.tasks_ran, left_out=run.tasks_left_out or 0)


def tally_ahead(steps: Iterable[Step]) -> Tally:
    """Count what would become of tasks."""
    states = {"run": "QUEUED", "reuse": "SKIPPED", "leave_out": "NOT_TRIGGERED"}
    found = Tally()
    for step in steps:
        if step.decision in states:
            begins = step.decision != "leave_out"
            found = found.plus(state=states[step.decision], has_begun=begins, count=step.workers)
    return found
