"""How long the tasks of a run took before it, as the store has it."""

import importlib.util
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import update

from trainshed.runs import Took, store, store_tasks, usual

_spec = importlib.util.spec_from_file_location("runs_world", Path(__file__).with_name("runs_world.py"))
runs_world = sys.modules.setdefault("runs_world", importlib.util.module_from_spec(_spec))
if not hasattr(runs_world, "World"):
    _spec.loader.exec_module(runs_world)
World, a_spec = runs_world.World, runs_world.a_spec

TASKS = {"load": {"cache": False}, "train": {"cache": False, "after": ["load"]}}


@pytest.fixture
def world(db, clock, tmp_path):
    return World(db, clock, tmp_path)


def took(world, seconds, *, name="example"):
    """A run that ended, whose tasks took so long."""
    run = world.finish(world.create(a_spec(TASKS, name=name)))
    t, r = store_tasks.tasks, store.runs

    def set_times(conn):
        begun = run.create_time
        for task, lasted in seconds.items():
            end = begun + timedelta(seconds=lasted)
            conn.execute(update(t).where(t.c.run == run.name, t.c.name == task).values(start_time=begun, end_time=end))
        whole = begun + timedelta(seconds=sum(seconds.values()))
        conn.execute(update(r).where(r.c.name == run.name).values(start_time=begun, end_time=whole))

    world.db.write(set_times)
    world.clock.advance(timedelta(hours=1))
    return world.service.get(run.name)


def test_what_is_usual_is_what_the_runs_before_it_took(world):
    for lasted in (10, 12, 11):
        took(world, {"load": 1, "train": lasted})
    took(world, {"load": 100, "train": 100}, name="another")
    slow = took(world, {"load": 1, "train": 30})
    took(world, {"load": 1, "train": 500})  # later

    found = world.service.usual(slow)

    assert found.tasks == {
        "load": Took(count=3, median=1, longest=1),
        "train": Took(count=3, median=11, longest=12),
    }
    assert found.run == Took(count=3, median=12, longest=13)
    assert found.tasks["train"].is_slow(30)
    assert not found.tasks["load"].is_slow(1)


def test_of_the_first_three_runs_nothing_is_usual(world):
    for run in [took(world, {"load": 1, "train": 10}) for _ in range(3)]:
        found = world.service.usual(run)

        assert (found.run, found.tasks) == (None, {})


def test_of_many_tasks_those_of_the_newest_runs_say_what_is_usual(world, monkeypatch):
    monkeypatch.setattr(usual, "_TASKS", 6)
    for lasted in (100, 100, 100, 1, 2, 3):
        took(world, {"load": 1, "train": lasted})

    found = world.service.usual(took(world, {"load": 1, "train": 1}))

    assert found.tasks["train"] == Took(count=3, median=2, longest=3)


@pytest.mark.parametrize(
    ("seconds", "is_slow"),
    [(31, True), (29, False), (14, False)],
)
def test_slow_is_what_took_much_longer_than_usual_and_than_ever(seconds, is_slow):
    assert Took(count=3, median=10, longest=30).is_slow(seconds) == is_slow


def test_less_than_a_second_is_no_matter():
    assert not Took(count=9, median=0.1, longest=0.2).is_slow(0.9)
