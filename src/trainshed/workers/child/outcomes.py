"""What became of attempts: on disk until the server of the day has it, and at hand for whoever starts one again."""

import os
import signal
import sys
import time
from contextlib import suppress
from typing import Any

from . import spool
from .watching import Attempt, Key

_REMEMBERED = 1000
_MOSTLY = 0.95  # of the limit: who is killed by the system so close to it ran out of memory


class Outcomes:
    """The last ones of this fork server; `unstored` are those that could not be put on disk."""

    def __init__(self, folder: str) -> None:
        self.unstored: list[dict[str, Any]] = []
        self._folder = folder
        self._known: dict[Key, dict[str, Any]] = {}

    def get(self, key: Key) -> "dict[str, Any] | None":
        """Answer how an attempt ended, as far as it is remembered."""
        return self._known.get(key)

    def add(self, outcome: "dict[str, Any]", *, is_forced: bool) -> None:
        """Keep an outcome and put it on disk; where that cannot be, the next who connects is told. `is_forced`: synced."""
        self._known[outcome["task_id"], outcome["attempt"]] = outcome
        try:
            spool.write(self._folder, outcome, is_forced=is_forced)
        except OSError as error:
            self.unstored.append(outcome)
            print(f"{error.filename}: {error.strerror}", file=sys.stderr)  # noqa: T201  (our log)
        while len(self._known) > _REMEMBERED:
            del self._known[next(iter(self._known))]

    def force(self) -> None:
        """See to it that the disk has them even when the machine goes down."""
        with suppress(OSError):
            spool.force(self._folder, list(self._known.values()))


def outcome_of(ended: Attempt, status: int, usage: Any) -> "dict[str, Any]":
    """Describe how a child ended, by what `wait4` answered of it."""
    code = os.waitstatus_to_exitcode(status)
    peak = max(ended.peak, usage.ru_maxrss * 1024)
    limit = ended.order["memory_bytes"]
    if code == -signal.SIGKILL and not ended.cause and limit and peak > _MOSTLY * limit:
        ended.cause = "out_of_memory"
    return {
        "task_id": ended.key[0],
        "attempt": ended.key[1],
        "cause": ended.cause or "exited",
        "code": code,
        "start_time": ended.start_time,
        "end_time": time.time(),
        "cpu_seconds": usage.ru_utime + usage.ru_stime,
        "peak_memory_bytes": peak,
        **{k: ended.order[k] for k in ("log_file", "output_file", "memory_bytes", "timeout_seconds")},
    }
