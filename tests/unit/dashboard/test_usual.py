"""What is said of a run, or a task, that takes longer than usual, and when nothing is."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

from trainshed.dashboard.asked import Asked
from trainshed.dashboard.cells import Link, Seconds, Several
from trainshed.dashboard.runs import usual
from trainshed.runs import Took, Usual

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
TOOK = Took(count=8, median=10, longest=12)
KNOWN = Usual(run=TOOK, tasks={"train": TOOK, "loop.inner": TOOK})
ASKED = Asked(path="/runs/r", query=(("task", "train"),))


def after(seconds):
    return NOON + timedelta(seconds=seconds)


def a_run(seconds=None):
    return SimpleNamespace(start_time=NOON, end_time=None if seconds is None else after(seconds), pauses=None)


def a_mark(name="train", seconds=None, **more):
    end = None if seconds is None else after(seconds)
    about = {"is_dag": False, "cached_from": "", "start_time": NOON, "end_time": end}
    return SimpleNamespace(name=name, **about | more)


def test_a_run_that_goes_on_says_how_long_it_usually_takes_until_it_is_late():
    assert usual.of_run(a_run(), KNOWN, after(5), ASKED) == "usually 10.0 s"

    late = usual.of_run(a_run(), KNOWN, after(40), ASKED)

    assert late == Link(text="slower than the 8 before, usually 10.0 s", href="/runs/r?tab=tasks&sort=slow")


def test_a_run_that_ended_is_told_where_it_was_slow_alone():
    assert usual.of_run(a_run(11), KNOWN, after(99), ASKED) is None
    assert usual.of_run(a_run(40), KNOWN, after(99), ASKED).text.startswith("slower than the 8 before")
    assert usual.of_run(a_run(40), Usual(run=None, tasks={}), after(99), ASKED) is None
    assert usual.of_run(SimpleNamespace(start_time=None), KNOWN, NOON, ASKED) is None


def test_a_task_says_how_long_it_usually_takes_and_how_much_longer_it_took():
    run = a_run(99)

    assert usual.of_task(run, a_mark(seconds=11), KNOWN, NOON) == Seconds(seconds=10)
    assert usual.of_task(run, a_mark(seconds=25), KNOWN, NOON) == Several(
        cells=(Seconds(seconds=10), "(this time 2.5 times as long)")
    )
    assert usual.of_task(run, a_mark(), KNOWN, after(25)).cells[1] == "(this time 2.5 times as long)"
    assert usual.of_task(run, a_mark("loop[3].inner", 30), KNOWN, NOON).cells[1] == "(this time 3 times as long)"
    assert usual.of_task(run, a_mark("other", 30), KNOWN, NOON) is None


def test_what_was_reused_or_is_a_group_took_no_time_of_its_own():
    run = a_run(99)

    assert usual.of_task(run, a_mark(seconds=30, cached_from="x"), KNOWN, NOON) == Seconds(seconds=10)
    assert usual.of_task(run, a_mark(seconds=30, is_dag=True), KNOWN, NOON) is None
    assert usual.ratio(run, a_mark(start_time=None), KNOWN, NOON) is None
