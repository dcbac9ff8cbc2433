"""Runs: the list with run triggers, and one run with its graph, tasks, costs and logs."""

from collections.abc import Mapping
from typing import Any

from trainshed import costs, runs
from trainshed.clock import Clock
from trainshed.dashboard import links
from trainshed.dashboard.graph import Node, draw
from trainshed.dashboard.page import Badge, Cell, Facts, Link, Page, Picture, Table, Text
from trainshed.dashboard.render import duration, seconds_between, size, tail, time

SECTION = "/runs"
_BRIEF = 24
_PRICES = costs.load()


class Runs:
    """Pages over the runs feature."""

    def __init__(self, service: runs.Service, triggers: runs.Triggers, clock: Clock) -> None:
        self._service = service
        self._triggers = triggers
        self._clock = clock

    def listing(self) -> Page:
        """All runs, newest first, and what starts runs by itself."""
        found, _ = self._service.list(page_size=100)
        triggers = [(t.name, t.bucket or links.link(t.topic), t.spec_uri) for t in self._triggers.list()]
        return Page(
            title="Runs",
            section=SECTION,
            live=any(not runs.RUN.is_final(r.state) for r in found),
            parts=(
                Table(
                    columns=("Run", "State", "Pipeline", "Because of", "Created", "Duration", "Parameters"),
                    rows=[self._row(r) for r in found],
                    nothing="No run yet: trainshed pipelines run SPEC starts one.",
                ),
                Table(
                    heading="Triggers",
                    columns=("Trigger", "Topic or bucket", "Starts"),
                    rows=triggers,
                    nothing="No run trigger: trainshed pipelines triggers create NAME starts runs without a function.",
                ),
            ),
        )

    def detail(self, name: str) -> Page:
        """One run. Raises NotFound."""
        details = self._service.describe(name)
        run = details.run
        now = self._clock.now()
        cost = runs.actual(_PRICES, details.tasks)
        about = (
            ("State", Badge(state=run.state, note=_remark(run))),
            ("Pipeline", run.pipeline),
            ("Because of", _because(run)),
            ("Problem", run.error),
            ("Created", time(run.create_time)),
            ("Duration", duration(seconds_between(run.start_time, run.end_time, now))),
            ("Cost", str(cost)),
            ("Outputs below", run.root),
        )
        parameters = [(key, str(value)) for key, value in run.parameters.items()]
        logs = [
            Text(heading=f"Log of {t.name}", text=tail(self._service.log_file(run, t.name, t.attempt)))
            for t in details.tasks
            if t.attempt
        ]
        return Page(
            title=run.display_name or name.rsplit("/", 1)[-1],
            section=SECTION,
            live=not runs.RUN.is_final(run.state),
            parts=(
                Facts(pairs=about),
                Picture(heading="Graph", drawing=self._graph(name)),
                Facts(heading="Parameters", pairs=parameters),
                Table(
                    heading="Tasks",
                    columns=("Task", "State", "Attempt", "Duration", "CPU", "Peak memory", "Problem"),
                    rows=[self._task(t) for t in details.tasks],
                    nothing="This pipeline has no tasks.",
                ),
                *logs,
            ),
        )

    def _graph(self, name: str) -> Any:
        graph = self._service.graph(name)
        nodes = [_node(n) for n in graph["nodes"]]
        return draw(nodes, [(edge["from"], edge["to"]) for edge in graph["edges"]])

    def _row(self, run: runs.Run) -> tuple[Cell, ...]:
        return (
            Link(text=run.name.rsplit("/", 1)[-1], href=links.href(SECTION, run.name)),
            Badge(state=run.state, note=_remark(run)),
            run.pipeline,
            _because(run),
            time(run.create_time),
            duration(seconds_between(run.start_time, run.end_time, self._clock.now())),
            _brief(run.parameters),
        )

    def _task(self, task: runs.TaskRow) -> tuple[Cell, ...]:
        return (
            task.name,
            Badge(state=task.state, note="reused" if task.cached_from else ""),
            task.attempt,
            duration(seconds_between(task.start_time, task.end_time, self._clock.now())),
            duration(task.cpu_seconds) if task.cpu_seconds else None,
            size(task.peak_memory_bytes) if task.peak_memory_bytes else None,
            task.error.splitlines()[-1] if task.error else None,
        )


def _remark(run: runs.Run) -> str:
    if run.is_needless:
        return f"nothing changed: 0 of {run.tasks_total} tasks ran"
    return f"{run.tasks_ran} of {run.tasks_total} tasks ran" if run.tasks_ran is not None else ""


def _because(run: runs.Run) -> Cell:
    kind = run.cause_kind or "user"
    return Link(text=kind, href=links.href("/receipts", run.receipt_id)) if run.receipt_id else kind


def _brief(parameters: Mapping[str, Any]) -> str:
    """Write parameters for a list: addresses by their last part."""
    return ", ".join(f"{k}={str(v).rstrip('/').rsplit('/', 1)[-1][:_BRIEF]}" for k, v in parameters.items())


def _node(node: dict[str, Any]) -> Node:
    if node["kind"] == "artifact":
        return Node(key=node["id"], label=node["name"], detail=node["type"], kind="artifact")
    state = f"{node['state']}{' · reused' if node['cached'] else ''}"
    return Node(key=node["id"], label=node["name"], detail=state, kind="task", state=node["state"])
