"""A child under way, as the fork server sees it: what it may use, when it has to be looked at, how it is ended."""

import os
import signal
import time
from contextlib import suppress
from typing import Any, Optional

from . import processes

_WATCHED_SECONDS = 0.05  # how often memory with a limit is looked at
_UNWATCHED_SECONDS = 1.0
Key = tuple[str, int]


class Attempt:
    """A child under way."""

    def __init__(self, order: dict[str, Any], pid: int, start_time: float) -> None:
        self.key: Key = (order["task_id"], order["attempt"])
        self.order = order
        self.pid = pid
        self.start_time = start_time
        timeout = order["timeout_seconds"]
        self.deadline = time.monotonic() + timeout if timeout else None
        self.kill_at: Optional[float] = None  # noqa: UP045  (runs on older interpreters)
        self.look_at = time.monotonic() + self._interval
        self.cause = ""  # why we end it: stopped, timed_out, out_of_memory, lease_expired
        self.peak = 0

    def described(self) -> dict[str, Any]:
        """Answer what whoever connects has to know of it."""
        told = ("task_id", "attempt", "folder", "cores", "devices")
        return {"pid": self.pid, **{name: self.order[name] for name in told}}

    @property
    def _interval(self) -> float:
        return _WATCHED_SECONDS if self.order["memory_bytes"] else _UNWATCHED_SECONDS

    def end(self, cause: str, grace_seconds: float) -> None:
        """Ask it to end, and note when it will have to."""
        if not self.cause:
            self.cause = cause
        kill_at = time.monotonic() + grace_seconds
        self.kill_at = min(kill_at, self.kill_at or kill_at)
        try:
            os.killpg(self.pid, signal.SIGTERM)
        except ProcessLookupError:  # it has just been forked, and is not yet a group of its own
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGTERM)

    def kill(self, cause: str = "") -> None:
        """End it and everything below it now; again in a while, should something be left."""
        self.cause = self.cause or cause
        self.kill_at = time.monotonic() + 1
        processes.kill_tree(self.pid)

    def look(self, now: float) -> None:
        """Measure its memory; end it when that is over its limit."""
        limit = self.order["memory_bytes"]
        self.look_at = now + self._interval
        pids = processes.tree(self.pid)
        used = processes.resident_bytes(pids)
        if limit and used > limit:
            used = processes.proportional_bytes(pids)
        self.peak = max(self.peak, used)
        if limit and used > limit and not self.cause:
            self.kill("out_of_memory")

    @property
    def wake_at(self) -> float:
        """When it has to be looked at next."""
        return min(t for t in (self.deadline, self.kill_at, self.look_at) if t is not None)
