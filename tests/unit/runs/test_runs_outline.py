"""A run as a tree and as a graph, and what people mean by a task."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from tests.unit.runs.play import a_dag, a_task

from trainshed import ir
from trainshed.errors import InvalidArgument
from trainshed.runs import drawing
from trainshed.runs.model import Attempt, TaskRow
from trainshed.runs.outline import outline, state_of
from trainshed.runs.paths import choose

TIME = datetime(2026, 1, 1, tzinfo=UTC)
NOTHING = dict.fromkeys(TaskRow.__dataclass_fields__)


def a_plan(*tasks):
    return ir.Plan(name="p", schema_version="2.1.0", root=a_dag(*tasks), parameters={})


LOOPED = a_plan(
    a_task("first"),
    a_task("loop", "first", body=[a_task("train"), a_task("check", "train")], loop=True),
    a_task("inner", "first", body=[a_task("train"), a_task("deep", body=[a_task("last")])]),
    a_task("after", "loop"),
)


class Rows:
    """Rows of a run, made in the order in which a run makes them."""

    def __init__(self):
        self.made = []

    def add(self, name, state, *, parent="", iteration=None, kind="container", **more):
        is_over = state not in {"PENDING", "QUEUED", "RUNNING", "CANCELLING"}
        begun = TIME if state not in {"PENDING", "NOT_TRIGGERED"} else None
        values = NOTHING | {
            "id": name,
            "run": "r",
            "position": len(self.made),
            "name": name,
            "kind": kind,
            "parent": parent,
            "iteration": iteration,
            "attempt": 1,
            "error": "",
            "cached_from": "",
            "state": state,
            "start_time": begun,
            "end_time": TIME + timedelta(seconds=2) if is_over else None,
        }
        self.made.append(TaskRow(**values | more))
        return self


def a_looped_run(iterations, *, failing=()):
    rows = Rows().add("first", "SUCCEEDED").add("loop", "FAILED" if failing else "SUCCEEDED", kind="loop")
    rows.add("inner", "SKIPPED").add(
        "after", "NOT_TRIGGERED" if failing else "SUCCEEDED", error="lost" if failing else ""
    )
    for number in range(iterations):
        is_bad = number in failing
        error = {"error": "exited with code 3: bad luck\nbad luck"} if is_bad else {}
        rows.add(f"loop[{number}].train", "FAILED" if is_bad else "SUCCEEDED", parent="loop", iteration=number, **error)
        state = "NOT_TRIGGERED" if is_bad else "SUCCEEDED"
        rows.add(f"loop[{number}].check", state, parent="loop", iteration=number, error="lost" if is_bad else "")
    return rows.made


def drawn(tasks, attempts=(), plan=LOOPED):
    return [("  " * line.depth + line.label, line.state, line.reason) for line in outline(plan, tasks, attempts)]


def test_iterations_are_counted_and_those_that_failed_are_shown():
    tasks = a_looped_run(100, failing={3, 40})

    assert drawn(tasks) == [
        ("first", "SUCCEEDED", ""),
        ("loop", "FAILED", ""),
        ("  [3]", "FAILED", ""),
        ("    train", "FAILED", "exited with code 3: bad luck"),
        ("    check", "NOT_TRIGGERED", "train did not succeed"),
        ("  [40]", "FAILED", ""),
        ("    train", "FAILED", "exited with code 3: bad luck"),
        ("    check", "NOT_TRIGGERED", "train did not succeed"),
        ("inner", "SKIPPED", "its outputs were reused"),
        ("after", "NOT_TRIGGERED", "loop did not succeed"),
    ]
    (loop,) = [line for line in outline(LOOPED, tasks, ()) if line.label == "loop"]
    assert loop.counts == {"SUCCEEDED": 98, "FAILED": 2}


def test_what_many_failed_iterations_have_to_say_is_bounded():
    lines = drawn(a_looped_run(1000, failing=set(range(500))))

    assert len(lines) < 40
    assert ("  and 490 more that failed", "", "") in lines


def test_a_loop_of_one_iteration_is_shown_whole():
    assert ("    train", "SUCCEEDED", "") in drawn(a_looped_run(1))


def test_nested_pipelines_are_indented():
    rows = Rows().add("inner", "SUCCEEDED", kind="dag").add("inner.deep", "SUCCEEDED", parent="inner", kind="dag")
    rows.add("inner.deep.last", "SUCCEEDED", parent="inner.deep")

    assert [label for label, _, _ in drawn(rows.made)] == ["inner", "  deep", "    last"]


@pytest.mark.parametrize(
    ("state", "more", "reason"),
    [
        ("NOT_TRIGGERED", {}, "its condition does not hold"),
        ("NOT_TRIGGERED", {"error": "lost"}, "another task of the run had failed"),
        ("CANCELLED", {}, "it was stopped"),
        ("CANCELLED", {"start_time": None}, "it had not begun"),
        ("FAILED", {"error": "its input 'x' has no value"}, "its input 'x' has no value"),
        ("SUCCEEDED", {}, ""),
        ("SUCCEEDED", {"error": "exited with code 3, the first time"}, ""),
        ("QUEUED", {"error": "exited with code 3"}, "exited with code 3"),
    ],
)
def test_each_state_says_why(state, more, reason):
    assert drawn(Rows().add("first", state, **more).made) == [("first", state, reason)]


def test_a_waiting_task_says_for_what():
    plan = a_plan(*(a_task(name) for name in "abc"), a_task("last", "a", "b", "c"))
    rows = Rows().add("a", "RUNNING").add("b", "QUEUED").add("c", "PENDING").add("last", "PENDING")

    assert drawn(rows.made, plan=plan)[-1] == ("last", "PENDING", "waits for a, b and 1 more")


def test_attempts_come_with_their_task():
    tried = Attempt(
        task_id="first", attempt=1, outcome="ExitedNonZero", message="exited with code 3", start_time=TIME,
        end_time=TIME, cpu_seconds=0, peak_memory_bytes=0,
    )  # fmt: skip
    again = replace(tried, attempt=2, outcome="Succeeded")

    (line,) = outline(LOOPED, Rows().add("first", "SUCCEEDED").made, [tried, again])

    assert [attempt.outcome for attempt in line.attempts] == ["ExitedNonZero", "Succeeded"]


@pytest.mark.parametrize(
    ("states", "one"),
    [
        ("SUCCEEDED SKIPPED", "SUCCEEDED"),
        ("SUCCEEDED FAILED NOT_TRIGGERED", "FAILED"),
        ("FAILED RUNNING", "RUNNING"),
        ("SUCCEEDED PENDING", "RUNNING"),
        ("PENDING QUEUED", "QUEUED"),
        ("PENDING", "PENDING"),
        ("RUNNING CANCELLING", "CANCELLING"),
        ("CANCELLED SUCCEEDED", "CANCELLED"),
        ("NOT_TRIGGERED", "NOT_TRIGGERED"),
        ("SKIPPED SKIPPED", "SKIPPED"),
        ("", "NOT_TRIGGERED"),
    ],
)
def test_several_states_are_drawn_as_one(states, one):
    assert state_of(states.split()) == one


def test_the_graph_counts_iterations_by_state():
    graph = drawing.draw(LOOPED, a_looped_run(100, failing={3, 40}))

    found = {node["id"]: (node["kind"], node["state"], node["states"]) for node in graph["nodes"]}
    assert found["loop"] == ("loop", "FAILED", {"FAILED": 1})
    assert found["loop.train"] == ("task", "FAILED", {"SUCCEEDED": 98, "FAILED": 2})
    assert found["inner.deep.last"] == ("task", "NOT_TRIGGERED", {})


def test_what_is_in_a_group_that_has_not_begun_may_still_come():
    graph = drawing.draw(LOOPED, Rows().add("first", "RUNNING").add("loop", "PENDING", kind="loop").made)

    assert {node["id"]: node["state"] for node in graph["nodes"]}["loop.train"] == "PENDING"


@pytest.mark.parametrize(
    ("wanted", "meant", "is_one"),
    [
        ("first", {"first"}, True),
        ("loop", {"loop", "loop[0].train", "loop[0].check", "loop[1].train", "loop[1].check"}, False),
        ("loop[1]", {"loop[1].train", "loop[1].check"}, False),
        ("loop.train", {"loop[0].train", "loop[1].train"}, False),
        ("loop[1].train", {"loop[1].train"}, True),
        ("check", {"loop[0].check", "loop[1].check"}, False),
        ("inner.train", {"inner.train"}, True),
        ("inner", {"inner", "inner.train", "inner.deep", "inner.deep.last"}, False),
        ("last", {"inner.deep.last"}, True),
        ("deep", {"inner.deep", "inner.deep.last"}, False),
    ],
)
def test_a_task_is_found_by_its_path_by_a_name_that_only_it_has_and_by_iteration(wanted, meant, is_one):
    paths = ["first", "loop", "inner", "inner.train", "inner.deep", "inner.deep.last", "after"]
    paths += [f"loop[{i}].{name}" for i in range(2) for name in ("train", "check")]

    chosen = choose(LOOPED, wanted)

    assert {path for path in paths if path in chosen} == meant
    assert chosen.is_one == is_one


def test_a_name_that_several_tasks_have_is_refused_with_their_paths():
    with pytest.raises(InvalidArgument, match=r"several tasks are called 'train'.*loop\.train, inner\.train"):
        choose(LOOPED, "train")


@pytest.mark.parametrize("wanted", ["nope", "loop.nope", "first[0]", "loop[x]", ".", ".*"])
def test_a_task_that_is_not_there_is_refused_naming_those_that_are(wanted):
    with pytest.raises(InvalidArgument, match=r"has no task .*; it has first, loop, "):
        choose(LOOPED, wanted)


def test_a_pipeline_of_thousands_does_not_name_them_all():
    plan = a_plan(*(a_task(f"task-{i}") for i in range(3000)))

    with pytest.raises(InvalidArgument, match="and 2980 more"):
        choose(plan, "nope")
