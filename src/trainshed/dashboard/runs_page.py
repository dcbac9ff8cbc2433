"""One run: what can be done with it, its graph, its tasks as a tree, costs, the logs that matter."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from trainshed import costs, runs
from trainshed.dashboard.graph import Drawing, Node, draw
from trainshed.dashboard.page import Action, Actions, Badge, Cell, Facts, Page, Picture, Table, Text
from trainshed.dashboard.render import duration, seconds_between, size, tail, time
from trainshed.dashboard.runs_words import because, remark

_PRICES = costs.load()
_MOST_LOGS = 20
_INDENT = "\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}\N{NO-BREAK SPACE}"
_WORST_FIRST = ("FAILED", "RUNNING", "CANCELLING", "CANCELLED")
_COLUMNS = ("Task", "State", "Attempts", "Duration", "CPU", "Peak memory", "Why")


def page(service: runs.Service, name: str, *, section: str, now: datetime) -> Page:
    """Make the page of a run. Raises NotFound."""
    details = service.describe(name)
    run = details.run
    about = (
        ("State", Badge(state=run.state, note=remark(run))),
        ("Pipeline", run.pipeline),
        ("Because of", because(run)),
        ("Problem", run.error.partition("\n")[0]),  # the task's log has the rest
        ("Created", time(run.create_time)),
        ("Duration", duration(seconds_between(run.start_time, run.end_time, now))),
        ("Cost", str(runs.actual(_PRICES, details.tasks))),
        ("Outputs below", run.root),
    )
    lines = runs.outline(details.plan, details.tasks, details.attempts)
    return Page(
        title=run.display_name or name.rsplit("/", 1)[-1],
        section=section,
        live=not runs.RUN.is_final(run.state),
        parts=(
            Actions(actions=_actions(run)),
            Facts(pairs=about),
            Picture(heading="Graph", drawing=_graph(service.graph(name))),
            Facts(heading="Parameters", pairs=[(key, str(value)) for key, value in run.parameters.items()]),
            Table(
                heading="Tasks",
                columns=_COLUMNS,
                rows=[_row(line, now) for line in lines],
                nothing="This pipeline has no tasks.",
            ),
            *_logs(service, run, [line.task for line in lines if line.task is not None]),
        ),
    )


def _actions(run: runs.Run) -> Sequence[Action]:
    parent, _, job = run.name.rpartition("/pipelineJobs/")
    own = f"/trainshed/v1/{parent}/runs/{job}"
    if not runs.RUN.is_final(run.state):
        return (Action(label="Cancel", path=f"/v1/{run.name}:cancel"),)
    again = Action(label="Run again", path=f"{own}:clone")
    return (Action(label="Retry what failed", path=f"{own}:retry"), again) if run.state != "SUCCEEDED" else (again,)


def _row(line: runs.Line, now: datetime) -> tuple[Cell, ...]:
    label, task = _INDENT * line.depth + line.label, line.task
    state: Cell = Badge(state=line.state) if line.state else None
    if task is None:
        return (label, state, None, None, None, None, None)
    return (
        label,
        Badge(state=line.state, note="reused" if task.cached_from else ""),
        task.attempt or None,
        duration(seconds_between(task.start_time, task.end_time, now)),
        duration(task.cpu_seconds) if task.cpu_seconds else None,
        size(task.peak_memory_bytes) if task.peak_memory_bytes else None,
        _counted(line.counts) if line.counts else line.reason,
    )


def _logs(service: runs.Service, run: runs.Run, tasks: Sequence[runs.TaskRow]) -> Iterator[Text]:
    """Show the logs of what failed and what runs first; a page is not for thousands."""
    tried = [task for task in tasks if task.attempt and not task.is_dag]
    rank = {state: number for number, state in enumerate(_WORST_FIRST)}
    tried.sort(key=lambda task: rank.get(task.state, len(rank)))
    for task in tried[:_MOST_LOGS]:
        yield Text(heading=f"Log of {task.name}", text=tail(service.log_file(run, task.name, task.attempt)))
    if len(tried) > _MOST_LOGS:
        job = run.name.rsplit("/", 1)[-1]
        yield Text(heading=f"{len(tried) - _MOST_LOGS} more logs", text=f"trainshed pipelines logs {job} --task TASK")


def _graph(graph: Mapping[str, Any]) -> Drawing:
    return draw([_node(node) for node in graph["nodes"]], [(edge["from"], edge["to"]) for edge in graph["edges"]])


def _node(node: Mapping[str, Any]) -> Node:
    is_artifact = node["kind"] == "artifact"
    return Node(
        key=node["id"],
        label=node["name"],
        detail=node["type"] if is_artifact else _came_out(node),
        kind=node["kind"] if node["kind"] in {"artifact", "task"} else "group",
        state="" if is_artifact else node["state"],
        parent=node["parent"],
    )


def _came_out(node: Mapping[str, Any]) -> str:
    """Say what became of a task; of one in a loop, how often."""
    states = node["states"]
    if sum(states.values()) > 1:
        return _counted(states)
    said = node["state"] + (" · reused" if node["cached"] else "")
    return said if node["kind"] == "task" else f"{node['kind']} · {said}"


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in counts.items())
