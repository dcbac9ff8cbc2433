"""Plays a run through the pure core, with facts in any order; and says beforehand, by recursion, how it has to end."""

from collections import deque
from dataclasses import dataclass, field, replace

from trainshed import ir
from trainshed.runs.advance import advance
from trainshed.runs.facts import (
    Admitted,
    AttemptEnded,
    CancelRequested,
    CloseScope,
    Dispatch,
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
)
from trainshed.runs.lifecycle import RUN, TASK
from trainshed.runs.view import SUCCESS, RunView


def a_task(name, *after, body=None, loop=False, parallelism=0, always=False, retries=0):
    """A leaf, or with `body` (a list of tasks) a DAG."""
    return ir.Task(
        name=name,
        component=name,
        display_name=name,
        upstream=after,
        body=None if body is None else a_dag(*body, component=name),
        loop=ir.Loop(item="item", source=ir.Constant(value="[]"), parallelism=parallelism) if loop else None,
        runs_after_failure=always,
        executor={} if body is not None else {"container": {}},
        retry=ir.Retry(count=retries, backoff_seconds=10),
    )


def a_dag(*tasks, component="root"):
    return ir.Dag(component=component, tasks={task.name: task for task in tasks})


def a_view(*tasks, state="PENDING", is_fail_fast=False):
    plan = ir.Plan(name="p", schema_version="2.1.0", root=a_dag(*tasks), parameters={})
    return RunView.of(plan, state=state, is_fail_fast=is_fail_fast)


@dataclass(kw_only=True)
class Play:
    """A world that answers decisions; what it answers is fixed by path, when it answers is `choose`'s choice."""

    view: RunView
    fails: set = field(default_factory=set)  # leaves whose attempts all fail
    fails_once: set = field(default_factory=set)
    untriggered: set = field(default_factory=set)
    cached: set = field(default_factory=set)
    unresolvable: set = field(default_factory=set)
    iterations: dict = field(default_factory=dict)  # path -> how many, of loops; 2 otherwise
    cancel_after: int = -1  # facts
    choose: object = None  # (number of facts) -> index
    states: dict = field(default_factory=dict)  # path -> state, those of closed scopes too
    begun: list = field(default_factory=list)
    most_open: int = 0

    def run(self):
        facts, told = deque([RunCreated()]), 0
        while facts:
            told += 1
            assert told < 20_000, "it goes on for ever"
            if told == self.cancel_after and self.view.state == "RUNNING":
                self.view.state = "CANCELLING"
                self._tell(CancelRequested(), facts)
            index = self.choose(len(facts)) if self.choose else 0
            fact = facts[index]
            del facts[index]
            self._tell(fact, facts)
        return self

    def _tell(self, fact, later):
        """One transaction: the fact, and everything that follows from it at once."""
        now = deque([fact])
        while now:
            answers = []
            for decision in advance(self.view, now.popleft()):
                if isinstance(decision, Resolve):
                    answers.append(self._resolved(decision.task))
                else:
                    self._carry_out(decision, now, later)
            now.extendleft(reversed(answers))
        self.most_open = max(self.most_open, len(self.view.tasks))
        self._check()

    def _carry_out(self, decision, now, later):
        match decision:
            case Fire(task=path, name=name):
                task = self.view.tasks[path]
                assert TASK.allows(name, task.state), (path, name, task.state)
                self.view.fired(path, name)
                self.states[path] = task.state
                if task.is_final:
                    now.append(TaskEnded(task=path))
            case FireRun(name=name):
                assert RUN.allows(name, self.view.state), (name, self.view.state)
                self.view.run_fired(name)
            case Open(task=path, first=first, count=count):
                for scope in self.view.opened(path, first, count):
                    self.states |= dict.fromkeys((t.path for t in scope.tasks.values()), "PENDING")
                now.append(Opened(task=path, first=first, count=count))
            case CloseScope(task=path, iteration=iteration):
                self.view.closed(path, iteration)
                now.append(ScopeClosed(task=path))
            case Dispatch(task=path):
                later.append(Admitted(task=path))
            case StartAttempt(task=path):
                later.append(self._attempt(path))
            case StopAttempt():
                pass  # its attempt ends anyway

    def _resolved(self, path):
        task = self.view.tasks[path]
        assert all(upstream.is_final for upstream in task.upstream())
        self.begun.append(path)
        count = self.iterations.get(path, 2) if task.task.loop else 1
        task.iterations = count
        return Resolved(
            task=path,
            is_cached=task.task.body is None and path in self.cached,
            is_triggered=path not in self.untriggered,
            iterations=count,
            problem="no value" if path in self.unresolvable else "",
        )

    def _attempt(self, path):
        task = self.view.tasks[path]
        fails = path in self.fails or (path in self.fails_once and task.failures == 0)
        return AttemptEnded(task=path, attempt=task.attempt, ending="failed" if fails else "succeeded")

    def _check(self):
        for scope in self.view.scopes():
            assert scope.open == sum(not t.is_final for t in scope.tasks.values())
            for task in scope.tasks.values():
                assert task.waiting == sum(not u.is_final for u in task.upstream())
                assert self.view.tasks[task.path] is task
                if task.task.loop and task.task.loop.parallelism:
                    assert sum(map(_is_at_work, task.scopes.values())) <= task.task.loop.parallelism

    def again(self, view, **changes):
        """The same world for another view."""
        return replace(self, view=view, states={}, begun=[], **changes)


def _is_at_work(scope):
    within = (inner for task in scope.tasks.values() for inner in task.scopes.values())
    return any(t.state in {"QUEUED", "RUNNING"} and t.task.body is None for t in scope.tasks.values()) or any(
        map(_is_at_work, within)
    )


def expected(play):
    """Say how each task ends when nobody cancels and FAIL_SLOW holds."""
    states = {}
    _expect(play, play.view.root.dag, "", states)
    return states


def _expect(play, dag, prefix, states):
    """Answer whether a task in the DAG failed."""
    for name, task in dag.tasks.items():
        path = prefix + name
        before = [states[prefix + u] for u in task.upstream]
        if not task.runs_after_failure and any(state not in SUCCESS for state in before):
            states[path] = "NOT_TRIGGERED"
        elif path in play.unresolvable:
            states[path] = "FAILED"
        elif path in play.untriggered:
            states[path] = "NOT_TRIGGERED"
        elif task.body is not None:
            states[path] = _expect_dag(play, task, path, states)
        elif path in play.cached:
            states[path] = "SKIPPED"
        else:
            fails = path in play.fails or (path in play.fails_once and task.retry.count == 0)
            states[path] = "FAILED" if fails else "SUCCEEDED"
    return any(states[prefix + name] == "FAILED" for name in dag.tasks)


def _expect_dag(play, task, path, states):
    if task.loop is None:
        failed = _expect(play, task.body, f"{path}.", states)
    else:
        count = play.iterations.get(path, 2)
        failed = sum(_expect(play, task.body, f"{path}[{i}].", states) for i in range(count)) > 0
    return "FAILED" if failed else "SUCCEEDED"
