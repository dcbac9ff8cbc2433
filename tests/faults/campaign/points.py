"""Every point at which a server can be made to end, as `kill -9` does, and how one of them is armed.

A point is a call of the real code: the process ends just before it, or just after it, at its n-th passing. What is
named here has to be there: arming a point whose function is gone fails, so the list cannot rot.
"""

import importlib
import os
import signal
from collections.abc import Callable
from functools import partial, wraps
from typing import Any

VARIABLE = "CAMPAIGN_KILL"  # POINT:PASSING

_ENGINE = ("before_turn", "after_turn", "before_start")
_STORES = {"run": "trainshed.runs.store", "task": "trainshed.runs.store_tasks"}
_TASK = (
    "opened", "inputs_ready", "cache_hit", "condition_false", "upstream_lost", "claimed", "succeeded", "failed_retry",
    "failed_final", "cancel", "cancel_running", "stopped", "lease_expired", "reset", "reopened",
)  # fmt: skip
_RUN = ("start", "succeed", "fail", "cancel", "cancelled", "retry")

_CALLS = {
    # a request, recorded but not committed
    "run recorded": ("after", _STORES["run"], "insert_run"),
    # loops and nested pipelines: rows of an iteration made, an iteration folded away
    "tasks made": ("after", _STORES["task"], "insert_tasks"),
    "iteration closed": ("after", "trainshed.runs.active", "ActiveRun.close"),
    # the writer: everything written and not committed, committed and nobody told
    "before commit": ("after", "trainshed.sql.engine", "_run"),
    "after commit": ("before", "trainshed.sql.engine", "Database._answer"),
    # outputs: read, staged, recorded, put into place once the transaction is on disk
    "before outputs are staged": ("before", "trainshed.runs.outputs", "Collector.collect"),
    "outputs staged": ("after", "trainshed.runs.outputs", "Collector.collect"),
    "outputs recorded": ("after", "trainshed.runs.outputs", "record"),
    "before an object is put": ("before", "trainshed.blobs.shelf", "Shelf.put"),
    "object put": ("after", "trainshed.blobs.shelf", "Shelf.put"),
    "before objects are settled": ("before", "trainshed.blobs.upkeep", "Upkeep._place_all"),
    "objects settled": ("before", "trainshed.blobs.upkeep", "Upkeep._mark"),
    # attempts: prepared, ordered, heard to have ended, taken off the spool
    "attempt prepared": ("after", "trainshed.runs.engine.launch", "prepare"),
    "before the runner": ("before", "trainshed.runners.process", "ProcessRunner.start"),
    "before an order": ("before", "trainshed.workers.link", "Link.start"),
    "attempt heard to end": ("before", "trainshed.workers.pool", "Pool._hand_over"),
    "before the spool is cleared": ("before", "trainshed.workers.pool", "Pool._settle"),
    "spool cleared": ("after", "trainshed.workers.pool", "Pool._settle"),
    # what attempts saw of buckets is removed, when all of it is on disk
    "before mounts are removed": ("before", "trainshed.runs.engine.mounts", "_remove"),
    # a restart that does not get far either
    "runs taken up": ("after", "trainshed.runs.engine.open_runs", "OpenRuns.take_up"),
}

POINTS = (*_ENGINE, *_CALLS, *(f"task {name}" for name in _TASK), *(f"run {name}" for name in _RUN))
RARE = frozenset({"task lease_expired", "task stopped", "run recorded", "runs taken up", *(f"run {n}" for n in _RUN)})


class Countdown:
    """Ends this process at the n-th passing."""

    def __init__(self, passing: int) -> None:
        self._left = passing

    def __call__(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


def arm(wanted: str) -> None:
    """Let this process end at `POINT:PASSING`. Raises KeyError, AttributeError."""
    point, _, passing = wanted.rpartition(":")
    countdown = Countdown(int(passing))
    kind, _, name = point.partition(" ")
    if point in _ENGINE:
        _arm_engine(point, countdown)
    elif point in _CALLS:
        when, module, path = _CALLS[point]
        _wrap(module, path, lambda original: _around(original, when, countdown))
    elif kind in {"task", "run"} and name in (*_TASK, *_RUN):
        _wrap(_STORES[kind], f"fire_{kind}", lambda original: _at_transition(original, name, countdown))
    else:
        raise KeyError(point)


def _arm_engine(point: str, countdown: Countdown) -> None:
    def reached(passed: str) -> None:
        if passed == point:
            countdown()

    _wrap("trainshed.runs", "build_engine", lambda original: partial(original, reached=reached))


def _around(original: Callable[..., Any], when: str, countdown: Countdown) -> Callable[..., Any]:
    @wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        if when == "before":
            countdown()
        answer = original(*args, **kwargs)
        if when == "after":
            countdown()
        return answer

    return call


def _at_transition(original: Callable[..., Any], name: str, countdown: Countdown) -> Callable[..., Any]:
    @wraps(original)
    def fire(conn: Any, key: str, transition: str, **values: Any) -> None:
        original(conn, key, transition, **values)
        if transition == name:
            countdown()

    return fire


def _wrap(module: str, path: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    owner: Any = importlib.import_module(module)
    *classes, name = path.split(".")
    for each in classes:
        owner = getattr(owner, each)
    setattr(owner, name, make(getattr(owner, name)))
