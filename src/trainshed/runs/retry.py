"""What begins anew when a run that failed, or was cancelled, is retried. Pure.

What succeeded stays; what did not, and whatever ran after it in spite of that, runs again.
"""

from collections.abc import Iterator

from trainshed.runs.facts import Fire, Forget
from trainshed.runs.view import RunView, ScopeView

_LOST = frozenset({"FAILED", "CANCELLED", "NOT_TRIGGERED"})


def retry(view: RunView) -> list[Fire | Forget]:
    """Decide which tasks go on; `view` holds every task of the run, those of ended iterations included."""
    return list(_of_scope(view.root))


def _of_scope(scope: ScopeView) -> Iterator[Fire | Forget]:
    again: set[str] = set()
    for name, task in scope.tasks.items():  # upstream tasks come first
        follows = not again.isdisjoint(task.task.upstream)
        if not follows and task.state not in _LOST:
            continue
        again.add(name)
        if task.scopes and task.state in {"FAILED", "CANCELLED"} and not follows:
            yield Fire(task=task.path, name="reopened")
            for inner in task.scopes.values():
                yield from _of_scope(inner)
            continue
        if task.scopes:
            yield Forget(task=task.path)
        if task.is_final:
            yield Fire(task=task.path, name="reset")
