"""What the pure core knows of an open run: its tasks in their scopes, and what has to be counted to go on.

A scope is a DAG at work: the pipeline itself, a DAG task's body, one iteration of a loop's body. The view is a cache,
rebuilt from rows; `fired`, `opened` and `closed` keep it true, and only what a fact touches is looked at.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from trainshed import ir
from trainshed.runs.lifecycle import RUN, TASK

SUCCESS = frozenset({"SUCCEEDED", "SKIPPED"})


@dataclass(kw_only=True)
class TaskView:
    """A task of an open run."""

    path: str
    task: ir.Task
    scope: "ScopeView" = field(repr=False)
    state: str = "PENDING"
    attempt: int = 0
    failures: int = 0
    losses: int = 0
    has_begun: bool = False  # an attempt was made, its outputs were reused, or the tasks in it exist
    waiting: int = 0  # upstream tasks that have not ended
    # of a DAG task
    iterations: int = 0
    opened: int = 0  # iterations whose tasks exist, or existed
    has_failed_inside: bool = False
    scopes: dict[int, "ScopeView"] = field(default_factory=dict, repr=False)  # iteration -> its scope, while open

    @property
    def is_final(self) -> bool:
        """Whether it has ended."""
        return TASK.is_final(self.state)

    def upstream(self) -> Iterator["TaskView"]:
        """Answer the tasks that it waits for."""
        return (self.scope.tasks[name] for name in self.task.upstream)


@dataclass(kw_only=True)
class ScopeView:
    """A DAG at work."""

    dag: ir.Dag
    owner: TaskView | None = None  # None: the pipeline itself
    iteration: int = 0
    tasks: dict[str, TaskView] = field(default_factory=dict, repr=False)
    open: int = 0  # tasks that have not ended
    failed: int = 0

    @property
    def prefix(self) -> str:
        """What the paths of its tasks begin with."""
        if self.owner is None:
            return ""
        brackets = f"[{self.iteration}]" if self.owner.task.loop else ""
        return f"{self.owner.path}{brackets}."

    @property
    def is_cleaning_up(self) -> bool:
        """Whether it belongs to an exit task: it goes on when the rest of the run is to end."""
        scope: ScopeView | None = self
        while scope is not None and scope.owner is not None:
            if scope.owner.task.is_exit_task:
                return True
            scope = scope.owner.scope
        return False


@dataclass(kw_only=True)
class RunView:
    """An open run."""

    plan: ir.Plan
    root: ScopeView
    state: str = "PENDING"
    is_fail_fast: bool = False
    is_expired: bool = False  # it is CANCELLING because its time is over
    tasks: dict[str, TaskView] = field(default_factory=dict)  # by path; those of closed scopes are gone
    failed: int = 0  # tasks that failed by themselves

    @classmethod
    def of(cls, plan: ir.Plan, *, state: str = "PENDING", is_fail_fast: bool = False) -> "RunView":
        """Answer the view of a run whose tasks are all pending."""
        root = ScopeView(dag=plan.root)
        view = cls(plan=plan, root=root, state=state, is_fail_fast=is_fail_fast)
        view._fill(root)
        return view

    def opened(self, path: str, first: int, count: int) -> list[ScopeView]:
        """Take note of iterations whose tasks exist now; answer their scopes."""
        owner = self.tasks[path]
        assert owner.task.body is not None
        made = []
        for iteration in range(first, first + count):
            scope = ScopeView(dag=owner.task.body, owner=owner, iteration=iteration)
            owner.scopes[iteration] = scope
            self._fill(scope)
            made.append(scope)
        owner.opened = max(owner.opened, first + count)
        return made

    def closed(self, path: str, iteration: int) -> ScopeView:
        """Forget the tasks of an iteration; answer what was its scope."""
        owner = self.tasks[path]
        scope = owner.scopes.pop(iteration)
        owner.has_failed_inside |= scope.failed > 0
        for task in scope.tasks.values():
            del self.tasks[task.path]
        return scope

    def restore(self, path: str, *, state: str, attempt: int, failures: int, losses: int, has_begun: bool) -> None:
        """Set a task to what its row says, before `count`."""
        task = self.tasks[path]
        task.state, task.attempt, task.failures, task.losses = state, attempt, failures, losses
        task.has_begun = has_begun

    def count(self) -> None:
        """Count anew what has to be counted."""
        for scope in self.scopes():
            scope.open = sum(not t.is_final for t in scope.tasks.values())
            scope.failed = sum(t.state == "FAILED" for t in scope.tasks.values())
            for task in scope.tasks.values():
                task.waiting = sum(not upstream.is_final for upstream in task.upstream())
        self.failed = sum(t.state == "FAILED" or t.has_failed_inside for t in self.tasks.values())

    def scopes(self) -> Iterator[ScopeView]:
        """Answer every open scope, outer ones first."""
        stack = [self.root]
        while stack:
            scope = stack.pop()
            yield scope
            for task in scope.tasks.values():
                stack += task.scopes.values()

    def fired(self, path: str, transition: str) -> None:
        """Take note of a transition that was written."""
        task = self.tasks[path]
        task.state = TASK[transition].target
        match transition:
            case "claimed":
                task.attempt += 1
                task.has_begun = True
            case "opened" | "cache_hit":
                task.has_begun = True
            case "failed_retry":
                task.failures += 1
            case "failed_final" if task.task.body is None:
                task.failures += 1
            case "lease_expired":
                task.losses += 1
        if task.is_final:
            self._ended(task)

    def run_fired(self, transition: str) -> None:
        """Take note of a transition of the run."""
        self.state = RUN[transition].target

    def _ended(self, task: TaskView) -> None:
        scope = task.scope
        scope.open -= 1
        if task.state == "FAILED":
            scope.failed += 1
            self.failed += not task.has_failed_inside
        for name in scope.dag.successors[task.task.name]:
            scope.tasks[name].waiting -= 1

    def _fill(self, scope: ScopeView) -> None:
        prefix = scope.prefix
        for name, task in scope.dag.tasks.items():
            made = TaskView(path=prefix + name, task=task, scope=scope, waiting=len(task.upstream))
            scope.tasks[name] = self.tasks[made.path] = made
        scope.open = len(scope.tasks)
