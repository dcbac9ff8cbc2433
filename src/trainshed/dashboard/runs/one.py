"""One run: what can be done with it, its graph, its tasks as a tree, costs, the logs that matter."""

from collections.abc import Mapping, Sequence

from trainshed import costs, runs
from trainshed.dashboard.cells import Badge, Cell, seconds, size, span, time
from trainshed.dashboard.page import Action, Actions, Empty, Facts, Page, Table
from trainshed.dashboard.runs.words import because, remark

_PRICES = costs.load()
_INDENT = "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}"
_COLUMNS = ("Task", "State", "Attempts", "Duration", "CPU", "Peak memory", "Why")


def page(service: runs.Service, name: str, *, section: str) -> Page:
    """Make the page of a run. Raises NotFound."""
    details = service.describe(name)
    run = details.run
    about = (
        ("State", Badge(state=run.state, note=remark(run))),
        ("Pipeline", run.pipeline),
        ("Because of", because(run)),
        ("Problem", run.error.partition("\n")[0]),  # the task's log has the rest
        ("Created", time(run.create_time)),
        ("Duration", span(run.start_time, run.end_time)),
        ("Cost", str(runs.actual(_PRICES, details.tasks))),
        ("Outputs below", run.root),
    )
    lines = runs.outline(details.plan, details.tasks, details.attempts)
    return Page(
        title=run.display_name or name.rsplit("/", 1)[-1],
        section=section,
        parts=(
            Actions(id="part-1", actions=_actions(run)),
            Facts(id="part-2", pairs=about),
            Facts(
                id="parameters",
                heading="Parameters",
                pairs=[(key, str(value)) for key, value in run.parameters.items()],
            ),
            Table(
                id="tasks",
                heading="Tasks",
                columns=_COLUMNS,
                rows=[_row(line) for line in lines],
                nothing=Empty(text="This pipeline has no tasks."),
            ),
        ),
    )


def _actions(run: runs.Run) -> Sequence[Action]:
    parent, _, job = run.name.rpartition("/pipelineJobs/")
    own = f"/trainshed/v1/{parent}/runs/{job}"
    if not runs.RUN.is_final(run.state):
        return (Action(label="Cancel", path=f"/v1/{run.name}:cancel"),)
    again = Action(label="Run again", path=f"{own}:clone")
    return (Action(label="Retry what failed", path=f"{own}:retry"), again) if run.state != "SUCCEEDED" else (again,)


def _row(line: runs.Line) -> tuple[Cell, ...]:
    label, task = _INDENT * line.depth + line.label, line.task
    state: Cell = Badge(state=line.state) if line.state else None
    if task is None:
        return (label, state, None, None, None, None, None)
    return (
        label,
        Badge(state=line.state, note="reused" if task.cached_from else ""),
        task.attempt or None,
        span(task.start_time, task.end_time),
        seconds(task.cpu_seconds or None),
        size(task.peak_memory_bytes) if task.peak_memory_bytes else None,
        _counted(line.counts) if line.counts else line.reason,
    )


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())
