"""What was begun and has not ended: found by its key, so many at once, given up when it was left lying."""

import threading
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from trainshed.buckets.model import Wanted
from trainshed.clock import Clock
from trainshed.errors import ResourceExhausted

_LIFETIME = timedelta(days=7)  # as Cloud Storage's sessions and tokens
IDLE = timedelta(hours=1)  # nobody came back for so long: it may go when there is no room


@dataclass(kw_only=True)
class Unfinished(ABC):
    """One object on its way over several requests."""

    wanted: Wanted
    start_time: datetime
    used_time: datetime = field(init=False)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        """Begin as used."""
        self.used_time = self.start_time

    @property
    def takes_room(self) -> bool:
        """Whether it still holds something that there is little of."""
        return True

    @abstractmethod
    def give_up(self) -> None:
        """Remove everything that arrived for it."""


W = TypeVar("W", bound=Unfinished)


class Begun(Generic[W]):
    """Those of one kind in this server."""

    def __init__(self, clock: Clock, *, most: int) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._works: dict[str, W] = {}
        self._taking: dict[str, W] = {}  # those that take room, and some that no longer do

    def add(self, key: str, work: W) -> None:
        """Keep one; the longest idle one goes if there is no room. Raises ResourceExhausted: nothing of it is left then."""
        try:
            with self._lock:
                idle = self._make_room()
                self._works[key] = self._taking[key] = work
        except ResourceExhausted:
            work.give_up()
            raise
        if idle is not None:
            idle.give_up()

    def get(self, key: str) -> W | None:
        """Find one, which is in use by that."""
        with self._lock:
            found = self._works.get(key)
            if found is not None:
                found.used_time = self._clock.now()
            return found

    def all(self) -> list[W]:
        """Answer every one."""
        with self._lock:
            return list(self._works.values())

    def forget(self, key: str) -> None:
        """Drop one; what arrived for it is the caller's."""
        with self._lock:
            self._drop(key)

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        limit = self._clock.now() - _LIFETIME
        with self._lock:
            old = {key: work for key, work in self._works.items() if work.start_time < limit}
            for key in old:
                self._drop(key)
        for work in old.values():
            work.give_up()

    def _make_room(self) -> W | None:
        if len(self._taking) >= self._most:
            self._taking = {key: work for key, work in self._taking.items() if work.takes_room}
        if len(self._taking) < self._most:
            return None
        limit = self._clock.now() - IDLE
        idle = {k: w for k, w in self._taking.items() if w.used_time <= limit and not w.lock.locked()}
        if not idle:
            raise ResourceExhausted(
                f"{self._most} uploads or copies of this kind are under way: end some or give them up, then try again.",
                reason="TOO_MANY_UNFINISHED",
            )
        key = min(idle, key=lambda key: idle[key].used_time)
        self._drop(key)
        return idle[key]

    def _drop(self, key: str) -> None:
        self._works.pop(key, None)
        self._taking.pop(key, None)
