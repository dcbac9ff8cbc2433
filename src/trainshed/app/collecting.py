"""Garbage collection in a server that stays for weeks: what is new is looked through at work, everything at rest.

All threads stand still while CPython looks for cycles, half a microsecond for each object that may be in one. Its full
collections look through everything that there is, time and again: over 240,000 objects an eighth of a second, to find a
few hundred. So what a full collection leaves is set aside here (`gc.freeze`), and the next one looks through what came
since. Whatever nothing refers to any more still goes at once, by its count; only a cycle that falls apart after it was
set aside stays. Those are found by looking through all of it: while the server does nothing, and, when it never rests,
once more was set aside than there was after the last such look, and stays. So they are hardly more than what is in use.
"""

import asyncio
import gc
import time
from collections.abc import Mapping
from typing import Any

_THRESHOLDS = (700, 10, 5)  # a full collection for each 50,000 objects that stay at most: CPython's own are 85,000
_OLDEST = 2
_WORTH = 20_000  # objects set aside, before a rest is used to look through everything
_EVERY_SECONDS = 5.0
_AT_REST = 0.02  # of a core over that time, at most
_CROWDED = 3  # times in a row: what a request has in use for a moment goes by itself
_RESTS = 6  # times in a row, for a machine that is busy with something else makes a server look idle for a while


class Collecting:
    """The collector of this process, while it is started."""

    def __init__(self, *, worth: int = _WORTH) -> None:
        self._worth = worth
        self._usual = gc.get_threshold()
        self._known = 0  # objects that were there when everything was looked through
        self._new = 0  # set aside since, when they were last counted
        self._is_counted = True  # counting goes through them all: not while somebody waits for an answer
        self._crowded = 0  # turns in a row with more of those than of the others

    def start(self) -> None:
        """Set aside what is there, and look from now on through what is new."""
        gc.set_threshold(*_THRESHOLDS)
        gc.callbacks.append(self._looked)
        self._known = gc.get_freeze_count()  # what was loaded; it is garbage never
        self._set_aside()

    def stop(self) -> None:
        """Leave it to CPython again."""
        gc.callbacks.remove(self._looked)
        gc.set_threshold(*self._usual)
        gc.unfreeze()

    async def run(self) -> None:
        """Look through everything at the right moments, until cancelled."""
        used, rests = time.process_time(), 0
        while True:
            await asyncio.sleep(_EVERY_SECONDS)
            before, used = used, time.process_time()
            rests = rests + 1 if used - before < _AT_REST * _EVERY_SECONDS else 0
            self.turn(is_at_rest=rests >= _RESTS)

    def turn(self, *, is_at_rest: bool) -> None:
        """Look through everything if now is the moment."""
        self._crowded = self._crowded + 1 if self._has_new(self._known) else 0
        if self._crowded >= _CROWDED or (is_at_rest and self._has_new(min(self._worth, self._known))):
            self._look_through()

    def _has_new(self, most: int) -> bool:
        if not self._is_counted or self._new > most:
            self._new, self._is_counted = gc.get_freeze_count() - self._known, True
        return self._new > most

    def _look_through(self) -> None:
        gc.unfreeze()
        gc.collect()
        self._known, self._new, self._crowded = gc.get_freeze_count(), 0, 0
        gc.collect()  # of nothing: CPython waits with the next one until a quarter of what this one saw has come

    def _looked(self, phase: str, found: Mapping[str, Any]) -> None:
        if phase == "stop" and found["generation"] == _OLDEST:
            self._set_aside()

    def _set_aside(self) -> None:
        gc.freeze()
        self._is_counted = False
