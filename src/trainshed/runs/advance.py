"""What follows from a fact: facts in, decisions out. Pure; touches only the successors of the task that the fact is about.

`advance` reads a RunView and changes nothing; the engine fires what it decided and tells the view by `RunView.fired`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import assert_never

from trainshed.ir import Plan
from trainshed.runs.lifecycle import RUN, TASK

_MOST_LOSSES = 10  # a task whose worker vanishes this often is what makes it vanish


@dataclass(kw_only=True)
class TaskView:
    """What the engine knows of an open run's task; rebuilt from its row."""

    state: str = "PENDING"
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    waiting: int = 0  # upstream tasks that have not succeeded yet


@dataclass(kw_only=True)
class RunView:
    """What the engine knows of an open run: a cache, rebuilt from rows."""

    plan: Plan
    state: str = "PENDING"
    is_fail_fast: bool = False
    tasks: dict[str, TaskView] = field(default_factory=dict)
    open: int = 0  # tasks that are not final
    failed: int = 0

    @classmethod
    def of(
        cls, plan: Plan, tasks: Mapping[str, TaskView], *, state: str = "PENDING", is_fail_fast: bool = False
    ) -> "RunView":
        """Count what has to be counted."""
        for name, task in plan.tasks.items():
            tasks[name].waiting = sum(tasks[u].state not in _SUCCESS for u in task.upstream)
        return cls(
            plan=plan,
            state=state,
            is_fail_fast=is_fail_fast,
            tasks=dict(tasks),
            open=sum(not TASK.is_final(t.state) for t in tasks.values()),
            failed=sum(t.state == "FAILED" for t in tasks.values()),
        )

    def fired(self, task: str, transition: str) -> None:
        """Take note of a transition that was written."""
        view = self.tasks[task]
        view.state = TASK[transition].target
        match transition:
            case "claimed":
                view.attempt += 1
            case "failed_retry" | "failed_final":
                view.failures += 1
            case "lease_expired":
                view.losses += 1
            case "succeeded" | "cache_hit":
                for successor in self.plan.successors[task]:
                    self.tasks[successor].waiting -= 1
        if TASK.is_final(view.state):
            self.open -= 1
            self.failed += view.state == "FAILED"

    def run_fired(self, transition: str) -> None:
        """Take note of a transition of the run."""
        self.state = RUN[transition].target


@dataclass(frozen=True, kw_only=True)
class RunCreated:
    """The run is recorded, or was found open when the engine started."""


@dataclass(frozen=True, kw_only=True)
class Resolved:
    """The inputs of a task whose upstream succeeded were put together and looked up in the cache."""

    task: str
    is_cached: bool = False
    problem: str = ""  # an input that has no value


@dataclass(frozen=True, kw_only=True)
class Admitted:
    """There is room for a queued task."""

    task: str


@dataclass(frozen=True, kw_only=True)
class AttemptEnded:
    """An attempt ended: `succeeded`, `failed`, `lost` (nobody knows how) or `stopped` (we asked)."""

    task: str
    attempt: int
    ending: str


@dataclass(frozen=True, kw_only=True)
class CancelRequested:
    """Somebody wants the run to end; the run is CANCELLING already, its tasks are not."""


Fact = RunCreated | Resolved | Admitted | AttemptEnded | CancelRequested


@dataclass(frozen=True, kw_only=True)
class Fire:
    """Take a transition of a task."""

    task: str
    name: str


@dataclass(frozen=True, kw_only=True)
class FireRun:
    """Take a transition of the run."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Resolve:
    """Put a task's inputs together and look it up in the cache; answer with Resolved."""

    task: str


@dataclass(frozen=True, kw_only=True)
class Dispatch:
    """Queue a task for a worker, after a wait."""

    task: str
    wait_seconds: float = 0.0


@dataclass(frozen=True, kw_only=True)
class StartAttempt:
    """Hand the task's current attempt to a worker."""

    task: str


@dataclass(frozen=True, kw_only=True)
class StopAttempt:
    """End the task's current attempt."""

    task: str


Decision = Fire | FireRun | Resolve | Dispatch | StartAttempt | StopAttempt
_SUCCESS = ("SUCCEEDED", "SKIPPED")


def advance(view: RunView, fact: Fact) -> list[Decision]:
    """Decide what follows from a fact. A fact about something that has moved on decides nothing."""
    if RUN.is_final(view.state):
        return []
    match fact:
        case RunCreated():
            decisions = _created(view)
        case Resolved():
            decisions = _resolved(view, fact)
        case Admitted(task=task):
            is_open = view.tasks[task].state == "QUEUED"
            decisions = [Fire(task=task, name="claimed"), StartAttempt(task=task)] if is_open else []
        case AttemptEnded():
            decisions = _ended(view, fact)
        case CancelRequested():
            decisions = _cancel(view)
        case _:
            assert_never(fact)
    return decisions + _finish(view, decisions)


def _created(view: RunView) -> list[Decision]:
    if view.state == "CANCELLING" or _is_stopping(view):
        return []
    ready: list[Decision] = [Resolve(task=n) for n, t in view.tasks.items() if t.state == "PENDING" and not t.waiting]
    return [FireRun(name="start"), *ready] if view.state == "PENDING" else ready


def _resolved(view: RunView, fact: Resolved) -> list[Decision]:
    if view.tasks[fact.task].state != "PENDING":
        return []
    if fact.problem:
        return [Fire(task=fact.task, name="unresolvable"), *_after_failure(view, fact.task)]
    if fact.is_cached:
        return [Fire(task=fact.task, name="cache_hit"), *_after_success(view, fact.task)]
    return [Fire(task=fact.task, name="inputs_ready"), Dispatch(task=fact.task)]


def _ended(view: RunView, fact: AttemptEnded) -> list[Decision]:
    task = view.tasks[fact.task]
    if task.attempt != fact.attempt or task.state not in {"RUNNING", "CANCELLING"}:
        return []
    if task.state == "CANCELLING":
        return [Fire(task=fact.task, name="stopped")]
    if fact.ending == "succeeded":
        return [Fire(task=fact.task, name="succeeded"), *_after_success(view, fact.task)]
    if fact.ending == "lost" and task.losses < _MOST_LOSSES:
        return [Fire(task=fact.task, name="lease_expired"), Dispatch(task=fact.task)]
    retry = view.plan.tasks[fact.task].retry
    if fact.ending == "failed" and task.failures < retry.count and not _is_stopping(view):
        wait = retry.wait_seconds(task.failures + 1)
        return [Fire(task=fact.task, name="failed_retry"), Dispatch(task=fact.task, wait_seconds=wait)]
    return [Fire(task=fact.task, name="failed_final"), *_after_failure(view, fact.task)]


def _after_success(view: RunView, task: str) -> list[Decision]:
    if _is_stopping(view):
        return []
    return [
        Resolve(task=name)
        for name in view.plan.successors[task]
        if view.tasks[name].state == "PENDING" and view.tasks[name].waiting == 1
    ]


def _after_failure(view: RunView, task: str) -> list[Decision]:
    if view.is_fail_fast:
        states = {name: t.state for name, t in view.tasks.items() if name != task}
        pending = [Fire(task=n, name="upstream_lost") for n, state in states.items() if state == "PENDING"]
        return [*pending, *(Fire(task=n, name="cancel") for n, state in states.items() if state == "QUEUED")]
    return [Fire(task=name, name="upstream_lost") for name in _downstream(view, task)]


def _downstream(view: RunView, task: str) -> Iterator[str]:
    seen = {task}
    stack = [task]
    while stack:
        for name in view.plan.successors[stack.pop()]:
            if name not in seen and view.tasks[name].state == "PENDING":
                seen.add(name)
                stack.append(name)
                yield name


def _cancel(view: RunView) -> list[Decision]:
    if view.state != "CANCELLING":  # the caller's own transaction takes the run there
        return []
    decisions: list[Decision] = []
    for name, task in view.tasks.items():
        if task.state in {"PENDING", "QUEUED"}:
            decisions.append(Fire(task=name, name="cancel"))
        elif task.state == "RUNNING":
            decisions += [Fire(task=name, name="cancel_running"), StopAttempt(task=name)]
    return decisions


def _is_stopping(view: RunView) -> bool:
    return view.state == "CANCELLING" or (view.is_fail_fast and view.failed > 0)


def _finish(view: RunView, decisions: list[Decision]) -> list[Decision]:
    """End the run once its last task has ended."""
    fired = [TASK[d.name].target for d in decisions if isinstance(d, Fire)]
    state = next((RUN[d.name].target for d in decisions if isinstance(d, FireRun)), view.state)
    if view.open - sum(map(TASK.is_final, fired)) > 0 or state == "PENDING":
        return []
    if state == "CANCELLING":
        return [FireRun(name="cancelled")]
    return [FireRun(name="fail" if view.failed or "FAILED" in fired else "succeed")]
