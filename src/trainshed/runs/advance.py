"""What follows from a fact: facts in, decisions out. Pure; touches only what the fact is about and what follows it.

`advance` reads a RunView and changes nothing. Whoever carries out the decisions tells the view, and comes back with the
facts that follow: a task that ended with TaskEnded, a scope whose tasks exist with Opened.

When a task runs (KFP's PipelineTaskSpec.TriggerPolicy): once every task that it waits for has ended; unless its strategy
is ALL_UPSTREAM_TASKS_COMPLETED they must have succeeded. A DAG fails when a task in it failed, whatever ran afterwards.
"""

from collections.abc import Iterator
from itertools import chain
from typing import assert_never

from trainshed.runs.facts import (
    Admitted,
    AttemptEnded,
    CancelRequested,
    CloseScope,
    Decision,
    Dispatch,
    Fact,
    Fire,
    FireRun,
    Open,
    Opened,
    Resolve,
    Resolved,
    RunCreated,
    ScopeClosed,
    StartAttempt,
    StopAttempt,
    TaskEnded,
    TaskFact,
)
from trainshed.runs.lifecycle import RUN
from trainshed.runs.view import SUCCESS, RunView, ScopeView, TaskView

_MOST_LOSSES = 10  # a task whose worker vanishes this often is what makes it vanish
_MOST_OPEN_ITERATIONS = 200  # of one loop, in memory: more than a machine runs at once
_TINY = 1e-9  # a cube root of a thousand is not quite ten
_MOST_OPEN_TASKS = 1000  # rows that one decision makes; also iterations of loops inside each other, all together


def advance(view: RunView, fact: Fact) -> list[Decision]:
    """Decide what follows from a fact. A fact about something that has moved on decides nothing."""
    if RUN.is_final(view.state):
        return []
    match fact:
        case RunCreated():
            return _created(view)
        case CancelRequested():
            return _cancel(view)
        case _:
            task = view.tasks.get(fact.task)  # of a scope that was closed: gone
            return [] if task is None else _of_task(view, task, fact)


def _of_task(view: RunView, task: TaskView, fact: TaskFact) -> list[Decision]:
    match fact:
        case TaskEnded():
            return _task_ended(view, task)
        case Opened(first=first, count=count):
            scopes = [task.scopes[i] for i in range(first, first + count)]
            return list(chain.from_iterable(_begin_scope(view, scope) for scope in scopes))
        case ScopeClosed():
            return _go_on(view, task)
        case Resolved():
            return _resolved(task, fact) if task.state == "PENDING" else []
        case Admitted():
            start: list[Decision] = [Fire(task=task.path, name="claimed"), StartAttempt(task=task.path)]
            return start if task.state == "QUEUED" else []
        case AttemptEnded():
            return _attempt_ended(view, task, fact)
        case _:
            assert_never(fact)


# Beginning


def _created(view: RunView) -> list[Decision]:
    """Start a run, or go on with one that was found open: whatever can begin begins."""
    if view.state == "CANCELLING":
        return []
    start: list[Decision] = [FireRun(name="start")] if view.state == "PENDING" else []
    return start + _begin_within(view, view.root)


def _begin_within(view: RunView, scope: ScopeView) -> list[Decision]:
    """Begin whatever can begin in a scope and in the scopes inside it, of a loop's no more than may be open at once."""
    decisions = _begin_scope(view, scope)
    for task in scope.tasks.values():
        if task.task.body is None or task.state != "RUNNING":
            continue
        for iteration in sorted(task.scopes)[: width(task)]:
            decisions += _begin_within(view, task.scopes[iteration])
        if not task.scopes:
            decisions += _go_on(view, task)
    return decisions


def _begin_scope(view: RunView, scope: ScopeView) -> list[Decision]:
    if scope.open == 0:
        return _scope_ended(view, scope)
    ready = (task for task in scope.tasks.values() if task.state == "PENDING" and task.waiting == 0)
    return list(chain.from_iterable(_begin(view, task) for task in ready))


def _begin(view: RunView, task: TaskView) -> list[Decision]:
    """Begin a task whose upstream has ended, if it may."""
    if _is_cancelled(view, task.scope):
        may = task.task.is_exit_task and any(upstream.has_begun for upstream in task.upstream())
        return [Resolve(task=task.path)] if may else [Fire(task=task.path, name="cancel")]
    if task.task.runs_after_failure:
        return [Resolve(task=task.path)]
    if not _is_stopping(view, task.scope) and all(upstream.state in SUCCESS for upstream in task.upstream()):
        return [Resolve(task=task.path)]
    return [Fire(task=task.path, name="upstream_lost")]


def _resolved(task: TaskView, fact: Resolved) -> list[Decision]:
    if fact.problem:
        return [Fire(task=task.path, name="unresolvable")]
    if not fact.is_triggered:
        return [Fire(task=task.path, name="condition_false")]
    if fact.is_cached:
        return [Fire(task=task.path, name="cache_hit")]
    if task.task.body is None:
        return [Fire(task=task.path, name="inputs_ready"), Dispatch(task=task.path)]
    if fact.iterations == 0:
        return [Fire(task=task.path, name="opened"), Fire(task=task.path, name="succeeded")]
    return [
        Fire(task=task.path, name="opened"),
        Open(task=task.path, first=0, count=min(fact.iterations, width(task))),
    ]


def width(task: TaskView) -> int:
    """Answer how many iterations of a task may be open at once."""
    assert task.task.body is not None
    fits = max(1, _MOST_OPEN_TASKS // max(1, len(task.task.body.tasks)))
    limit = task.task.loop.parallelism if task.task.loop else 0
    return min(limit or _MOST_OPEN_ITERATIONS, _share(task), fits)


def _share(task: TaskView) -> int:
    """Answer how many iterations a loop may have open so that it and those around and inside it keep to the limit."""
    assert task.task.body is not None
    scope, levels = task.scope, 1 + task.task.body.loops
    while scope.owner is not None:
        levels += scope.owner.task.loop is not None
        scope = scope.owner.scope
    return min(_MOST_OPEN_ITERATIONS, int(_MOST_OPEN_TASKS ** (1 / levels) + _TINY))


# Ending


def _attempt_ended(view: RunView, task: TaskView, fact: AttemptEnded) -> list[Decision]:
    if task.attempt != fact.attempt or task.state not in {"RUNNING", "CANCELLING"} or task.task.body is not None:
        return []
    if task.state == "CANCELLING":
        return [Fire(task=task.path, name="stopped")]
    if fact.ending == "succeeded":
        return [Fire(task=task.path, name="succeeded")]
    if fact.ending == "lost" and task.losses < _MOST_LOSSES:
        return [Fire(task=task.path, name="lease_expired"), Dispatch(task=task.path)]
    retry = task.task.retry
    if fact.ending == "failed" and task.failures < retry.count and not _is_stopping(view, task.scope):
        wait = retry.wait_seconds(task.failures + 1)
        return [Fire(task=task.path, name="failed_retry"), Dispatch(task=task.path, wait_seconds=wait)]
    return [Fire(task=task.path, name="failed_final")]


def _task_ended(view: RunView, task: TaskView) -> list[Decision]:
    """Begin what waited for it; end its scope with its last task."""
    decisions: list[Decision] = []
    if _is_first_failure(view, task):
        decisions += (Fire(task=other.path, name="upstream_lost") for other in _others(view))
    lost = {decision.task for decision in decisions if isinstance(decision, Fire)}
    for name in task.scope.dag.successors[task.task.name]:
        successor = task.scope.tasks[name]
        if successor.state == "PENDING" and successor.waiting == 0 and successor.path not in lost:
            decisions += _begin(view, successor)
    return decisions + (_scope_ended(view, task.scope) if task.scope.open == 0 else [])


def _scope_ended(view: RunView, scope: ScopeView) -> list[Decision]:
    if scope.owner is not None:
        is_open = scope.owner.scopes.get(scope.iteration) is scope
        return [CloseScope(task=scope.owner.path, iteration=scope.iteration)] if is_open else []
    if view.state == "CANCELLING":
        return [FireRun(name="overran" if view.is_expired else "cancelled")]
    return [FireRun(name="fail" if scope.failed else "succeed")]


def _go_on(view: RunView, task: TaskView) -> list[Decision]:
    """Open a DAG task's next iteration, or end it with its last one.

    In a run that is retried more iterations may be there already than may be open at once: they wait for their turn.
    """
    if task.state == "CANCELLING":
        return [] if task.scopes else [Fire(task=task.path, name="stopped")]
    if task.state != "RUNNING":
        return []
    rest = task.iterations - task.opened
    if rest <= 0 or len(task.scopes) >= width(task):  # several may have ended at once
        within = [task.scopes[iteration] for iteration in sorted(task.scopes)[: width(task)]]
        decisions = [d for scope in within if not _is_at_work(scope) for d in _begin_within(view, scope)]
        if decisions or len(task.scopes) >= width(task):
            return decisions
    if rest > 0 and not _is_stopping(view, task.scope):
        count = min(rest, width(task) - len(task.scopes))
        return [Open(task=task.path, first=task.opened, count=count)] if count > 0 else []
    if task.scopes:
        return []
    return [Fire(task=task.path, name="failed_final" if task.has_failed_inside or rest > 0 else "succeeded")]


def _is_at_work(scope: ScopeView) -> bool:
    """Whether a task in a scope, or in the scopes inside it, waits for a worker or has one."""
    return any(
        any(map(_is_at_work, task.scopes.values())) if task.task.body else task.state in {"QUEUED", "RUNNING"}
        for task in scope.tasks.values()
    )


# Stopping


def _cancel(view: RunView) -> list[Decision]:
    if view.state != "CANCELLING":  # the caller's own transaction takes the run there
        return []
    decisions: list[Decision] = []
    for task in view.tasks.values():
        if task.state == "RUNNING":
            decisions.append(Fire(task=task.path, name="cancel_running"))
            if task.task.body is None:
                decisions.append(StopAttempt(task=task.path))
        elif task.state == "QUEUED" or (task.state == "PENDING" and not _cleans_up(task)):
            decisions.append(Fire(task=task.path, name="cancel"))
    return decisions or _begin_scope(view, view.root)


def _cleans_up(task: TaskView) -> bool:
    """Whether a waiting task is to run in spite of a cancel: what it cleans up after had begun."""
    return task.task.is_exit_task and any(upstream.has_begun for upstream in task.upstream())


def _is_first_failure(view: RunView, task: TaskView) -> bool:
    return view.is_fail_fast and task.state == "FAILED" and not task.has_failed_inside and view.failed == 1


def _others(view: RunView) -> Iterator[TaskView]:
    """Answer what does not begin any more after a failure (FAIL_FAST); what runs goes on, and so do exit tasks."""
    for task in view.tasks.values():
        is_spared = task.task.runs_after_failure or task.scope.is_cleaning_up
        if task.state in {"PENDING", "QUEUED"} and not is_spared:
            yield task


def _is_stopping(view: RunView, scope: ScopeView) -> bool:
    """Whether nothing new is to begin in a scope."""
    if scope.is_cleaning_up:
        return False
    return view.state == "CANCELLING" or (view.is_fail_fast and view.failed > 0)


def _is_cancelled(view: RunView, scope: ScopeView) -> bool:
    """Whether a scope was told to end, which an exit task's own is not."""
    return (scope.owner.state if scope.owner else view.state) == "CANCELLING"
