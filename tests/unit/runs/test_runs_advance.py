"""What follows from a fact: by example, and for random graphs and orders of facts."""

from collections import deque

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trainshed import ir
from trainshed.runs.advance import (
    Admitted,
    AttemptEnded,
    CancelRequested,
    Dispatch,
    Fire,
    FireRun,
    Resolve,
    Resolved,
    RunCreated,
    RunView,
    StartAttempt,
    StopAttempt,
    TaskView,
    advance,
)
from trainshed.runs.lifecycle import RUN, TASK


def a_plan(upstream, retries=0):
    tasks = {
        name: ir.Task(
            name=name, component=name, display_name=name, parameters={}, artifacts={}, output_parameters={},
            output_artifacts={}, upstream=tuple(before), executor={"container": {}},
            retry=ir.Retry(count=retries, backoff_seconds=10),
        )
        for name, before in upstream.items()
    }  # fmt: skip
    return ir.Plan(
        name="p", schema_version="2.1.0", tasks=tasks, parameters={}, output_parameters={}, output_artifacts={}
    )


def a_view(upstream, *, state="RUNNING", retries=0, is_fail_fast=False, **states):
    plan = a_plan(upstream, retries)
    tasks = {n: TaskView(state=states.get(n, "PENDING"), attempt=int(states.get(n) == "RUNNING")) for n in upstream}
    return RunView.of(plan, tasks, state=state, is_fail_fast=is_fail_fast)


CHAIN = {"a": (), "b": ("a",), "c": ("b",)}


def test_a_new_run_starts_with_what_waits_for_nothing():
    assert advance(a_view(CHAIN, state="PENDING"), RunCreated()) == [FireRun(name="start"), Resolve(task="a")]


def test_a_pipeline_without_tasks_succeeds_at_once():
    assert advance(a_view({}, state="PENDING"), RunCreated()) == [FireRun(name="start"), FireRun(name="succeed")]


def test_inputs_that_are_ready_queue_a_task_unless_it_is_cached():
    view = a_view(CHAIN)
    assert advance(view, Resolved(task="a")) == [Fire(task="a", name="inputs_ready"), Dispatch(task="a")]
    assert advance(view, Resolved(task="a", is_cached=True)) == [Fire(task="a", name="cache_hit"), Resolve(task="b")]


def test_success_asks_only_for_successors_whose_last_input_it_was():
    view = a_view({"a": (), "b": (), "c": ("a", "b"), "d": ("a",)}, a="RUNNING", b="RUNNING")
    fact = AttemptEnded(task="a", attempt=1, ending="succeeded")

    assert advance(view, fact) == [Fire(task="a", name="succeeded"), Resolve(task="d")]


def test_failure_loses_everything_downstream_and_ends_the_run():
    fact = AttemptEnded(task="a", attempt=1, ending="failed")

    assert advance(a_view(CHAIN, a="RUNNING"), fact) == [
        Fire(task="a", name="failed_final"),
        Fire(task="b", name="upstream_lost"),
        Fire(task="c", name="upstream_lost"),
        FireRun(name="fail"),
    ]


def test_a_retry_waits_longer_each_time():
    view = a_view({"a": ()}, retries=2, a="RUNNING")
    view.tasks["a"].failures = 1
    fact = AttemptEnded(task="a", attempt=1, ending="failed")

    assert advance(view, fact) == [Fire(task="a", name="failed_retry"), Dispatch(task="a", wait_seconds=20.0)]


@pytest.mark.parametrize("fact", [AttemptEnded(task="a", attempt=2, ending="succeeded"), Admitted(task="a")])
def test_a_fact_about_another_attempt_or_state_decides_nothing(fact):
    assert advance(a_view(CHAIN, a="RUNNING"), fact) == []


def test_a_cancelled_run_stops_what_runs_and_ends_after_it():
    view = a_view(CHAIN, state="CANCELLING", a="RUNNING")

    assert advance(view, CancelRequested()) == [
        Fire(task="a", name="cancel_running"),
        StopAttempt(task="a"),
        Fire(task="b", name="cancel"),
        Fire(task="c", name="cancel"),
    ]


def test_a_worker_that_vanishes_again_and_again_is_the_tasks_own_doing():
    view = a_view({"a": ()}, a="RUNNING")
    view.tasks["a"].losses = 10

    assert advance(view, AttemptEnded(task="a", attempt=1, ending="lost"))[0] == Fire(task="a", name="failed_final")


graphs = st.integers(1, 8).flatmap(
    lambda n: st.tuples(*[st.sets(st.integers(0, max(0, i - 1))) if i else st.just(set()) for i in range(n)])
)


@given(graph=graphs, data=st.data(), is_fail_fast=st.booleans(), retries=st.integers(0, 2))
def test_no_task_starts_before_its_inputs_and_every_run_ends(  # noqa: C901  (one model, read from top to bottom)
    graph, data, is_fail_fast, retries
):
    upstream = {str(i): tuple(map(str, sorted(before))) for i, before in enumerate(graph)}
    view = a_view(upstream, state="PENDING", retries=retries, is_fail_fast=is_fail_fast)
    facts, cancelled = deque([RunCreated()]), False

    for _ in range(5000):
        if not facts:
            break
        index = data.draw(st.integers(0, len(facts) - 1))
        fact = facts[index]
        del facts[index]
        for decision in advance(view, fact):
            match decision:
                case Fire(task=task, name=name):
                    assert TASK.allows(name, view.tasks[task].state), (name, view.tasks[task].state)
                    view.fired(task, name)
                case FireRun(name=name):
                    assert RUN.allows(name, view.state)
                    view.run_fired(name)
                case Resolve(task=task):
                    assert all(view.tasks[u].state in {"SUCCEEDED", "SKIPPED"} for u in upstream[task])
                    facts.append(Resolved(task=task, is_cached=data.draw(st.booleans())))
                case Dispatch(task=task):
                    facts.append(Admitted(task=task))
                case StartAttempt(task=task):
                    ending = data.draw(st.sampled_from(["succeeded", "succeeded", "failed", "lost"]))
                    facts.append(AttemptEnded(task=task, attempt=view.tasks[task].attempt, ending=ending))
                case StopAttempt():
                    pass  # its attempt ends anyway
        if not cancelled and view.state == "RUNNING" and data.draw(st.integers(0, 19)) == 0:
            cancelled, view.state = True, "CANCELLING"
            facts.append(CancelRequested())

    assert RUN.is_final(view.state)
    assert all(TASK.is_final(t.state) for t in view.tasks.values())
    assert view.open == 0
    assert (view.state == "FAILED") is (view.failed > 0 and not cancelled) or cancelled
