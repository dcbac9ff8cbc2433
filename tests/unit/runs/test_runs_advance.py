"""What follows from a fact: by example per feature, and for random pipelines and orders of facts."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runs.play import Play, a_task, a_view, expected

from trainshed.runs.advance import advance, width
from trainshed.runs.facts import (
    Admitted,
    AttemptEnded,
    CancelRequested,
    Dispatch,
    Fire,
    FireRun,
    Open,
    Resolve,
    Resolved,
    RunCreated,
    StopAttempt,
)
from trainshed.runs.lifecycle import RUN, TASK

CHAIN = (a_task("a"), a_task("b", "a"), a_task("c", "b"))


def running(view, *paths):
    for path in paths:
        view.state = "RUNNING"
        view.tasks[path].state, view.tasks[path].attempt, view.tasks[path].has_begun = "RUNNING", 1, True
    view.count()
    return view


def test_a_new_run_starts_with_what_waits_for_nothing():
    assert advance(a_view(*CHAIN), RunCreated()) == [FireRun(name="start"), Resolve(task="a")]


def test_a_pipeline_without_tasks_succeeds_at_once():
    assert advance(a_view(), RunCreated()) == [FireRun(name="start"), FireRun(name="succeed")]


def test_inputs_that_are_ready_queue_a_task_unless_it_is_cached():
    view = a_view(*CHAIN)
    assert advance(view, Resolved(task="a")) == [Fire(task="a", name="inputs_ready"), Dispatch(task="a")]
    assert advance(view, Resolved(task="a", is_cached=True)) == [Fire(task="a", name="cache_hit")]
    assert advance(view, Resolved(task="a", is_triggered=False)) == [Fire(task="a", name="condition_false")]
    assert advance(view, Resolved(task="a", problem="no value")) == [Fire(task="a", name="unresolvable")]


def test_a_success_lets_those_begin_whose_last_upstream_it_was():
    play = Play(view=a_view(a_task("a"), a_task("b"), a_task("c", "a", "b"), a_task("d", "a"))).run()

    assert play.begun == ["a", "b", "d", "c"]
    assert set(play.states.values()) == {"SUCCEEDED"}


def test_a_failure_loses_everything_downstream_and_ends_the_run():
    play = Play(view=a_view(*CHAIN), fails={"a"}).run()

    assert play.states == {"a": "FAILED", "b": "NOT_TRIGGERED", "c": "NOT_TRIGGERED"}
    assert play.view.state == "FAILED"


def test_a_retry_waits_longer_each_time():
    view = running(a_view(a_task("a", retries=2)), "a")
    view.tasks["a"].failures = 1
    fact = AttemptEnded(task="a", attempt=1, ending="failed")

    assert advance(view, fact) == [Fire(task="a", name="failed_retry"), Dispatch(task="a", wait_seconds=20.0)]


@pytest.mark.parametrize("fact", [AttemptEnded(task="a", attempt=2, ending="succeeded"), Admitted(task="a")])
def test_a_fact_about_another_attempt_or_state_decides_nothing(fact):
    assert advance(running(a_view(*CHAIN), "a"), fact) == []


def test_a_fact_about_a_task_of_a_scope_that_was_closed_decides_nothing():
    assert advance(a_view(*CHAIN), AttemptEnded(task="loop[3].a", attempt=1, ending="succeeded")) == []


def test_a_condition_that_does_not_hold_leaves_out_the_task_and_what_needs_it():
    play = Play(view=a_view(a_task("if", body=[a_task("x")]), a_task("after", "if")), untriggered={"if"}).run()

    assert play.states == {"if": "NOT_TRIGGERED", "after": "NOT_TRIGGERED"}
    assert play.view.state == "SUCCEEDED"


def test_a_dag_succeeds_when_everything_in_it_was_left_out():
    inner = a_task("branches", body=[a_task("if", body=[a_task("x")]), a_task("else", body=[a_task("y")])])
    play = Play(view=a_view(inner, a_task("after", "branches")), untriggered={"branches.if", "branches.else"}).run()

    assert play.states["branches"] == play.states["after"] == "SUCCEEDED"


def test_a_dag_fails_with_a_task_in_it_and_the_outer_ones_with_it():
    play = Play(view=a_view(a_task("outer", body=[a_task("inner", body=[a_task("x"), a_task("y", "x")])])))
    play.fails = {"outer.inner.x"}
    play.run()

    assert play.states["outer.inner.y"] == "NOT_TRIGGERED"
    assert play.states["outer.inner"] == play.states["outer"] == play.view.state == "FAILED"


def test_an_exit_task_runs_after_failure_and_the_run_fails_all_the_same():
    play = Play(view=a_view(a_task("body", body=[a_task("x")]), a_task("clean", "body", always=True)))
    play.fails = {"body.x"}
    play.run()

    assert play.states["clean"] == "SUCCEEDED"
    assert play.view.state == "FAILED"


def test_a_loop_over_nothing_succeeds_at_once():
    play = Play(view=a_view(a_task("loop", body=[a_task("x")], loop=True)), iterations={"loop": 0}).run()

    assert play.states == {"loop": "SUCCEEDED"}


def test_a_loop_opens_its_next_iteration_when_one_has_ended():
    view = a_view(a_task("loop", body=[a_task("x")], loop=True, parallelism=2))
    play = Play(view=view, iterations={"loop": 5}).run()

    assert sum(path.endswith(".x") for path in play.states) == 5
    assert play.most_open == 3


def test_an_iteration_that_fails_does_not_keep_the_others_from_running():
    view = a_view(a_task("loop", body=[a_task("x")], loop=True, parallelism=1))
    play = Play(view=view, iterations={"loop": 3}, fails={"loop[1].x"}).run()

    assert [play.states[f"loop[{i}].x"] for i in range(3)] == ["SUCCEEDED", "FAILED", "SUCCEEDED"]
    assert play.states["loop"] == "FAILED"


def test_a_wide_loop_never_has_all_of_its_iterations_in_memory():
    play = Play(view=a_view(a_task("loop", body=[a_task("x"), a_task("y", "x")], loop=True))).run()
    assert width(play.view.tasks["loop"]) == 200

    play = Play(view=a_view(a_task("loop", body=[a_task("x")], loop=True)), iterations={"loop": 1000}).run()

    assert play.most_open <= 201
    assert len(play.begun) == 1001


@pytest.mark.parametrize(("levels", "items", "at_once"), [(2, 60, 31), (3, 12, 10)])
def test_loops_inside_each_other_have_no_more_open_together_than_one_alone_may(levels, items, at_once):
    tasks = [a_task("x")]
    for _ in range(levels):
        tasks = [a_task("loop", body=tasks, loop=True)]
    play = Play(view=a_view(*tasks), iterations=Always(items)).run()

    assert len(play.begun) >= items**levels
    assert width(a_view(*tasks).tasks["loop"]) == at_once
    assert play.most_open <= 2500, "rows of leaves and of the loops around them"


class Always(dict):
    """So many, whatever the loop."""

    def __init__(self, count):
        self.count = count

    def get(self, path, default=None):
        return self.count


def test_fail_fast_lets_nothing_begin_but_exit_tasks():
    tasks = (a_task("bad"), a_task("ok"), a_task("next", "ok"), a_task("clean", "bad", "next", always=True))
    play = Play(view=a_view(*tasks, is_fail_fast=True), fails={"bad"}).run()

    assert play.states["next"] == "NOT_TRIGGERED"
    assert play.states["clean"] == "SUCCEEDED"
    assert play.view.state == "FAILED"


def test_fail_fast_runs_what_is_inside_an_exit_task():
    exit_task = a_task("clean", "bad", always=True, body=[a_task("x"), a_task("y", "x")])
    play = Play(view=a_view(a_task("bad"), exit_task, is_fail_fast=True), fails={"bad"}).run()

    assert play.states["clean.y"] == "SUCCEEDED"


def test_a_cancelled_run_stops_what_runs_and_ends_after_it():
    view = running(a_view(*CHAIN), "a")
    view.state = "CANCELLING"

    assert advance(view, CancelRequested()) == [
        Fire(task="a", name="cancel_running"),
        StopAttempt(task="a"),
        Fire(task="b", name="cancel"),
        Fire(task="c", name="cancel"),
    ]


def test_a_cancelled_run_cleans_up_after_what_had_begun():
    clean = a_task("clean", "body", always=True, body=[a_task("x"), a_task("y", "x")])
    play = Play(view=a_view(a_task("body", body=[a_task("x"), a_task("y", "x")]), clean), cancel_after=3).run()

    assert play.states["body.y"] == "CANCELLED"
    assert play.states["body"] == "CANCELLED"
    assert play.states["clean.y"] == play.states["clean"] == "SUCCEEDED"
    assert play.view.state == "CANCELLED"


def test_a_cancelled_run_does_not_clean_up_after_what_never_began():
    tasks = (a_task("a"), a_task("body", "a", body=[a_task("x")]), a_task("clean", "body", always=True))
    play = Play(view=a_view(*tasks), cancel_after=2).run()

    assert play.states == {"a": "CANCELLED", "body": "CANCELLED", "clean": "CANCELLED"}


def test_a_cancelled_loop_opens_no_further_iteration():
    view = a_view(a_task("loop", body=[a_task("x")], loop=True, parallelism=1))
    play = Play(view=view, iterations={"loop": 5}, cancel_after=3).run()

    assert "loop[1].x" not in play.states or play.states["loop[1].x"] == "CANCELLED"
    assert "loop[2].x" not in play.states
    assert play.view.state == "CANCELLED"


def test_a_worker_that_vanishes_again_and_again_is_the_tasks_own_doing():
    view = running(a_view(a_task("a")), "a")
    view.tasks["a"].losses = 10

    assert advance(view, AttemptEnded(task="a", attempt=1, ending="lost"))[0] == Fire(task="a", name="failed_final")


def test_a_run_that_is_found_open_goes_on_where_it_was():
    view = a_view(a_task("loop", body=[a_task("x")], loop=True, parallelism=1))
    view.state = "RUNNING"
    loop = view.tasks["loop"]
    loop.state, loop.has_begun, loop.iterations, loop.opened = "RUNNING", True, 3, 1

    assert advance(view, RunCreated()) == [Open(task="loop", first=1, count=1)]


@st.composite
def dags(draw, depth=0):
    """Tasks of random pipelines: nested, looping, some of them after failures."""
    tasks = []
    for index in range(draw(st.integers(1, 4))):
        after = [t.name for t in tasks if draw(st.integers(0, 2)) == 0]
        always = bool(after) and draw(st.integers(0, 3)) == 0
        body = draw(dags(depth=depth + 1)) if depth < 2 and draw(st.integers(0, 2)) == 0 else None
        loop = body is not None and draw(st.booleans())
        parallelism, retries = draw(st.integers(0, 2)), draw(st.integers(0, 1))
        options = {"always": always, "body": body, "loop": loop, "parallelism": parallelism, "retries": retries}
        tasks.append(a_task(f"t{index}", *after, **options))
    return tasks


class Some:
    """A random set of paths that is asked once for each."""

    def __init__(self, data, odds):
        self._data, self._odds, self._known = data, odds, {}

    def __contains__(self, path):
        if path not in self._known:
            self._known[path] = self._data.draw(st.integers(0, self._odds)) == 0
        return self._known[path]


class Counts:
    def __init__(self, data):
        self._data, self._known = data, {}

    def get(self, path, _default):
        if path not in self._known:
            self._known[path] = self._data.draw(st.integers(0, 3))
        return self._known[path]


def a_play(tasks, data, **options):
    return Play(
        view=a_view(*tasks, is_fail_fast=options.pop("is_fail_fast", False)),
        fails=Some(data, 6), fails_once=Some(data, 6), untriggered=Some(data, 8), cached=Some(data, 5),
        unresolvable=Some(data, 12), iterations=Counts(data),
        choose=lambda count: data.draw(st.integers(0, count - 1)), **options,
    )  # fmt: skip


@settings(max_examples=150)
@given(tasks=dags(), data=st.data())
def test_every_run_ends_as_its_graph_says_whatever_the_order_of_facts(tasks, data):
    play = a_play(tasks, data).run()

    assert play.states == expected(play)
    roots = [play.states[t.name] for t in tasks]
    assert play.view.state == ("FAILED" if "FAILED" in roots else "SUCCEEDED")


@settings(max_examples=150)
@given(tasks=dags(), data=st.data(), is_fail_fast=st.booleans(), after=st.integers(2, 25))
def test_every_run_that_is_cancelled_or_fails_fast_ends(tasks, data, is_fail_fast, after):
    play = a_play(tasks, data, is_fail_fast=is_fail_fast, cancel_after=after).run()

    assert RUN.is_final(play.view.state)
    assert all(TASK.is_final(state) for state in play.states.values())
    assert set(play.view.tasks) == {t.name for t in tasks}
