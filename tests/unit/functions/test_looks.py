"""How often the tree of an instance is held still while it is looked at."""

import asyncio
import threading

import pytest

from trainshed.functions import guard, tree

_NOBODY = 1 << 30  # a process id


@pytest.mark.parametrize(("processes", "expected"), [(3, ["hold", "go on"]), (101, ["hold", "hold"])])
def test_a_look_that_takes_long_ends_with_the_tree_held_still(monkeypatch, processes, expected):
    said, held = [], threading.Event()

    def usage(session, most):
        held.wait(20)  # as long as a fork bomb leaves no time for it
        return tree.Usage(processes=processes, memory_bytes=1)

    monkeypatch.setattr(tree, "usage", usage)
    monkeypatch.setattr(tree, "hold", lambda session: (said.append("hold"), held.set()))
    monkeypatch.setattr(tree, "go_on", lambda session: said.append("go on"))

    used = asyncio.run(guard._usage(_NOBODY, is_storm=False))

    assert (used.processes, said) == (processes, expected)


@pytest.mark.parametrize(("processes", "expected"), [(1, []), (100, []), (101, ["hold"])])
def test_a_short_look_holds_only_what_has_too_many_processes(monkeypatch, processes, expected):
    said = []
    monkeypatch.setattr(tree, "usage", lambda session, most: tree.Usage(processes=processes, memory_bytes=1))
    monkeypatch.setattr(tree, "hold", lambda session: said.append("hold"))
    monkeypatch.setattr(asyncio, "wait", _whole(asyncio.wait))

    asyncio.run(guard._usage(_NOBODY, is_storm=False))

    assert said == expected


def test_of_a_fork_bomb_no_more_is_counted_than_is_too_many(monkeypatch):
    def processes():
        yield from ((pid, 7 if pid % 2 else 8) for pid in range(1, 6))
        raise AssertionError("looked further")

    monkeypatch.setattr(tree, "_processes", processes)
    monkeypatch.setattr(tree, "_private", lambda pid: 10)

    assert tree.usage(7, 2) == tree.Usage(processes=3, memory_bytes=30)


def test_threads_that_stay_hold_an_instance_still_once(monkeypatch):
    storms, ends = [], iter([_NOBODY] * 20)
    counts = iter([100, 100])

    async def usage(pid, *, is_storm):
        storms.append(is_storm)
        return tree.Usage(processes=1, memory_bytes=1)

    monkeypatch.setattr(guard, "_usage", usage)
    monkeypatch.setattr(guard, "_GLANCE_SECONDS", 0)
    monkeypatch.setattr(tree, "tasks", lambda: next(counts, 100 + guard._STORM_TASKS + 1))  # of another program

    asyncio.run(guard.Guard(1 << 30).watch(lambda: next(ends, None)))

    assert storms == [True, *[False] * (len(storms) - 1)]
    assert len(storms) > 2, "it is looked at as before"


def _whole(wait):
    """Wait without a limit: how long a short look takes here says nothing."""
    return lambda tasks, **_: wait(tasks)
