"""What begins anew when a run is retried."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.runs.play import Play, a_task, a_view, expected
from tests.unit.runs.test_runs_advance import Counts, Some, dags

from trainshed.runs.facts import Fire, Forget
from trainshed.runs.lifecycle import TASK
from trainshed.runs.retry import retry
from trainshed.runs.view import RunView


def ended(play):
    """The view of a run that has ended, with every task of it, as it is rebuilt from rows."""
    view = RunView.of(play.view.plan, state="PENDING")
    for path, state in play.states.items():
        if path not in view.tasks:
            owner, _, _ = path.rpartition(".")
            loop, _, iteration = owner.removesuffix("]").rpartition("[") if owner.endswith("]") else (owner, "", "0")
            view.opened(loop, int(iteration), 1)
        view.restore(path, state=state, attempt=1, failures=1, losses=0, has_begun=True)
    view.count()
    return view


def begin_anew(view, counts):
    """Carry out a retry on a view, and close what has ended in it, as it is done when rows are read."""
    for decision in retry(view):
        task = view.tasks[decision.task]
        if isinstance(decision, Forget):
            for iteration in list(task.scopes):
                forget(view, task, iteration)
            task.opened, task.has_failed_inside = 0, False
        else:
            assert TASK.allows(decision.name, task.state)
            task.state, task.failures = TASK[decision.name].target, 0
    view.count()
    for scope in reversed(list(view.scopes())):
        if scope.owner is not None and scope.open == 0:
            view.closed(scope.owner.path, scope.iteration)
    for task in view.tasks.values():
        if task.state == "RUNNING":
            task.iterations = counts.get(task.path, 2) if task.task.loop else 1


def forget(view, task, iteration):
    for inner in list(task.scopes[iteration].tasks.values()):
        for deeper in list(inner.scopes):
            forget(view, inner, deeper)
    view.closed(task.path, iteration)


def test_what_failed_and_what_was_lost_by_it_goes_on():
    play = Play(view=a_view(a_task("a"), a_task("b", "a"), a_task("c", "b"), a_task("d", "a")), fails={"b"}).run()

    assert retry(ended(play)) == [Fire(task="b", name="reset"), Fire(task="c", name="reset")]


def test_a_dag_is_reopened_and_only_what_failed_in_it_is_reset():
    play = Play(view=a_view(a_task("outer", body=[a_task("a"), a_task("b")])), fails={"outer.b"}).run()

    assert retry(ended(play)) == [Fire(task="outer", name="reopened"), Fire(task="outer.b", name="reset")]


@pytest.mark.parametrize("at_once", [{0, 1}, {0, 1, 2}, {1, 2}, {0, 1, 3}])
def test_iterations_that_wait_for_their_turn_begin_though_several_end_at_once(at_once):
    counts = {"loop": 5}
    loop = a_task("loop", body=[a_task("x")], loop=True, parallelism=2)
    first = Play(view=a_view(loop), fails={f"loop[{i}].x" for i in range(5)}, iterations=counts).run()
    view = ended(first)
    begin_anew(view, counts)

    second = Play(view=view, cached={f"loop[{i}].x" for i in at_once}, iterations=counts)
    second.states = {path: task.state for path, task in view.tasks.items()}
    second.run()

    assert second.view.state == "SUCCEEDED"
    assert {i: second.states[f"loop[{i}].x"] for i in range(5)} == {
        i: "SKIPPED" if i in at_once else "SUCCEEDED" for i in range(5)
    }


def test_an_exit_task_runs_again():
    clean = a_task("clean", "body", always=True, body=[a_task("x")])
    play = Play(view=a_view(a_task("body", body=[a_task("a")]), clean), fails={"body.a"}).run()

    assert retry(ended(play))[2:] == [Forget(task="clean"), Fire(task="clean", name="reset")]


@settings(max_examples=150)
@given(tasks=dags(), data=st.data())
def test_a_retried_run_ends_as_if_nothing_had_failed_and_repeats_no_success(tasks, data):
    counts = Counts(data)
    first = Play(view=a_view(*tasks), fails=Some(data, 4), untriggered=Some(data, 8), iterations=counts).run()
    if first.view.state != "FAILED":
        return
    view = ended(first)
    begin_anew(view, counts)
    second = Play(view=view, untriggered=first.untriggered, iterations=counts)
    second.states = {path: task.state for path, task in view.tasks.items()}

    second.run()

    want = expected(Play(view=a_view(*tasks), untriggered=first.untriggered, iterations=counts))
    assert {path: state for path, state in second.states.items() if path in want} == {
        path: want[path] for path in second.states
    }
    assert second.view.state == "SUCCEEDED"
