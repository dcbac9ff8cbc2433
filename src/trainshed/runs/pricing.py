"""What a run will cost and what it has cost, from its plan and from its rows. Pure."""

from collections.abc import Iterable, Mapping, Sequence

from trainshed import costs
from trainshed.runs.marks import Mark
from trainshed.runs.model import Attempt, Run, TaskRow
from trainshed.runs.paths import static
from trainshed.runs.planning import Step


def estimate(prices: costs.Prices, steps: Iterable[Step], earlier: Mapping[str, Sequence[float]]) -> costs.Cost:
    """Price a run before it begins; `earlier` holds how many seconds each task took before, loops as one iteration."""
    return costs.of_run(prices, [_expected(step, earlier.get(static(step.task), ())) for step in steps])


def actual(prices: costs.Prices, tasks: Iterable[TaskRow | Mark], attempts: Iterable[Attempt] = ()) -> costs.Cost:
    """Price what a run has used so far, in all attempts that are given; of one that has ended, that is what it cost."""
    tries: dict[str, list[Attempt]] = {}
    for attempt in attempts:
        tries.setdefault(attempt.task_id, []).append(attempt)
    begun = [task for task in tasks if not task.is_dag and (task.start_time is not None or task.id in tries)]
    return costs.of_run(prices, [used(task, tries.get(task.id, ())) for task in begun])


def actual_brief(prices: costs.Prices, run: Run) -> costs.Cost | None:
    """Price a run that has ended, from what it left in its own row; None while that is not known."""
    return None if run.usage is None else cost_of(prices, run.usage)


def cost_of(prices: costs.Prices, usage: Mapping[str, Sequence[float]]) -> costs.Cost:
    """Price a run by how long its tasks worked on each machine."""
    parts = [
        costs.usage_on(machine, name=machine, seconds=seconds, cpu_seconds=cores)
        for machine, (seconds, cores) in usage.items()
    ]
    return costs.of_run(prices, parts)


def used(task: TaskRow | Mark, attempts: Sequence[Attempt] = ()) -> costs.Usage:
    """Answer what a task that was started has used, in all of its attempts where they are known."""
    if attempts:
        seconds = [(each.end_time - each.start_time).total_seconds() for each in attempts]
        cores = sum(each.cpu_seconds or took for each, took in zip(attempts, seconds, strict=True))
        return costs.usage_on(task.machine_type, name=task.name, seconds=sum(seconds), cpu_seconds=cores)
    assert task.start_time is not None
    end = task.end_time or task.start_time
    return costs.usage_on(
        task.machine_type,
        name=task.name,
        seconds=(end - task.start_time).total_seconds(),
        cpu_seconds=task.cpu_seconds,
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
