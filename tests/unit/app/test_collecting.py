"""What is looked through for garbage, and when. The collector is this process's own, so each test gives it back."""

import asyncio
import gc
import weakref

import pytest

from trainshed.app import collecting
from trainshed.app.collecting import Collecting

_FEW = 50


class _Knot:
    """Refers to itself, so that only the collector ends it."""

    def __init__(self) -> None:
        self.own = self


@pytest.fixture
def of_process():
    found = Collecting(worth=_FEW)
    found.start()
    yield found
    found.stop()


def _knots(count):
    knots = [_Knot() for _ in range(count)]
    return knots, weakref.WeakSet(knots)


def test_what_a_full_collection_leaves_is_not_looked_through_by_the_next_one(of_process):
    knots, _ = _knots(_FEW)

    gc.collect()

    looked_through = {id(found) for found in gc.get_objects()}
    assert not looked_through & {id(knot) for knot in knots}


def test_what_nothing_refers_to_goes_at_once_though_it_was_set_aside(of_process):
    kept = {"one": weakref.WeakSet()}
    alive = weakref.ref(kept["one"])
    gc.collect()

    del kept["one"]

    assert alive() is None


def test_garbage_that_was_never_set_aside_is_found_as_ever(of_process):
    knots, alive = _knots(_FEW)

    del knots
    gc.collect()

    assert not alive


def test_cycles_that_fall_apart_after_they_were_set_aside_are_found_at_rest(of_process):
    knots, alive = _knots(2 * _FEW)
    gc.collect()
    del knots
    gc.collect()
    assert len(alive) == 2 * _FEW

    of_process.turn(is_at_rest=True)

    assert not alive


def test_a_server_at_work_does_not_look_through_everything_for_little(of_process):
    of_process.turn(is_at_rest=True)
    knots, alive = _knots(2 * _FEW)
    gc.collect()
    del knots

    of_process.turn(is_at_rest=False)

    assert len(alive) == 2 * _FEW


def test_cycles_of_a_server_that_never_rests_are_never_more_than_what_is_in_use(of_process):
    of_process.turn(is_at_rest=True)
    in_use = gc.get_freeze_count()
    at_once = in_use // 4
    alive = weakref.WeakSet()
    most = 0

    for _ in range(8):  # twice what is in use, and the set beside has as many references to them
        knots, some = _knots(at_once)
        gc.collect()
        del knots
        alive |= some
        most = max(most, len(alive))
        of_process.turn(is_at_rest=False)

    assert at_once < most <= in_use + collecting._CROWDED * at_once


def test_what_is_in_use_for_a_moment_makes_nobody_wait(of_process, monkeypatch):
    of_process.turn(is_at_rest=True)
    looked = []
    monkeypatch.setattr(of_process, "_look_through", lambda: looked.append(True))

    for _ in range(3):
        moment = [[] for _ in range(gc.get_freeze_count())]
        gc.collect()
        of_process.turn(is_at_rest=False)
        del moment
        of_process.turn(is_at_rest=False)

    assert not looked


def test_it_takes_its_turns_by_itself(of_process, monkeypatch):
    monkeypatch.setattr(collecting, "_EVERY_SECONDS", 0.001)
    monkeypatch.setattr(collecting, "_AT_REST", 1_000.0)
    knots, alive = _knots(2 * _FEW)
    gc.collect()
    del knots

    async def until_none():
        turns = asyncio.create_task(of_process.run())
        while alive:
            await asyncio.sleep(0)
        turns.cancel()

    asyncio.run(asyncio.wait_for(until_none(), 10))

    assert not alive


def test_it_leaves_the_collector_as_it_was():
    before, callbacks = gc.get_threshold(), list(gc.callbacks)
    found = Collecting()

    found.start()
    found.stop()

    assert gc.get_threshold() == before
    assert gc.callbacks == callbacks
