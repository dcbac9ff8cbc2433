"""What a run will cost and what it has cost, from its plan and from its rows. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from trainshed import costs
from trainshed.runs.marks import Mark
from trainshed.runs.model import Run, TaskRow
from trainshed.runs.paths import static
from trainshed.runs.planning import Step


def estimate(prices: costs.Prices, steps: Iterable[Step], earlier: Mapping[str, Sequence[float]]) -> costs.Cost:
    """Price a run before it begins; `earlier` holds how many seconds each task took before, loops as one iteration."""
    return costs.of_run(prices, [_expected(step, earlier.get(static(step.task), ())) for step in steps])


def actual(prices: costs.Prices, tasks: Iterable[TaskRow | Mark]) -> costs.Cost:
    """Price what a run has used so far; of one that has ended, that is what it cost."""
    return costs.of_run(prices, [used(task) for task in tasks if task.start_time is not None and not task.is_dag])


def actual_brief(prices: costs.Prices, run: Run) -> costs.Cost | None:
    """Price a run that has ended, from what it left in its own row; None while that is not known."""
    if run.usage is None:
        return None
    parts = [
        costs.Usage(name=machine, seconds=seconds, cpu_seconds=cores, machine_type=machine)
        for machine, (seconds, cores) in run.usage.items()
    ]
    return costs.of_run(prices, parts)


def used(task: TaskRow | Mark) -> costs.Usage:
    """Answer what a task that was started has used."""
    assert task.start_time is not None
    end = task.end_time or task.start_time
    return costs.Usage(
        name=task.name,
        seconds=(end - task.start_time).total_seconds(),
        cpu_seconds=task.cpu_seconds,
        machine_type=task.machine_type,
        is_reused=bool(task.cached_from),
    )


def _expected(step: Step, seconds: Sequence[float]) -> costs.Usage:
    if step.decision != "run":
        return costs.Usage(name=step.task, seconds=0.0, is_reused=True)
    wanted = step.resources
    return costs.expected(
        step.task,
        seconds,
        machine_type=wanted.machine_type,
        cpus=wanted.cpus,
        memory_bytes=int(wanted.memory_bytes) if wanted.memory_bytes else None,
        accelerator_type=wanted.accelerator_type,
        accelerator_count=wanted.accelerator_count,
    )
