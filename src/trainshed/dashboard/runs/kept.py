"""What need not be made again: layouts, and how the tasks of runs that have ended stand."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import replace
from threading import Lock
from typing import Generic, TypeVar

from trainshed import runs

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")

_TASKS = 15_000  # of all runs that are kept together


class Kept(Generic[K, V]):
    """The values that were asked for last, as many as weigh no more together. Two who ask for a new one at once both make it.

    The newest one is kept however heavy it is: its page is looked at again at once.
    """

    def __init__(self, most: int, weigh: Callable[[V], int], heaviest: int) -> None:
        self._most = most
        self._weigh = weigh
        self._heaviest = heaviest
        self._weight = 0
        self._found: OrderedDict[K, V] = OrderedDict()
        self._lock = Lock()

    def get(self, key: K, make: Callable[[], V]) -> V:
        """Answer a value, made now where it is not known."""
        found = self.peek(key)
        if found is not None:
            return found
        made = make()
        with self._lock:
            if (before := self._found.pop(key, None)) is not None:
                self._weight -= self._weigh(before)
            self._found[key] = made
            self._weight += self._weigh(made)
            while len(self._found) > 1 and (len(self._found) > self._most or self._weight > self._heaviest):
                self._weight -= self._weigh(self._found.popitem(last=False)[1])
        return made

    def peek(self, key: K) -> V | None:
        """Answer a value if it is known."""
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
            return self._found.get(key)


class Ended:
    """Reads runs with their tasks; those that have ended are kept, so that only the run itself is read again.

    A retry makes a run open again, and gives it another end: what was kept of it is not found any more.
    """

    def __init__(self, service: runs.Service) -> None:
        self._service = service
        self._found: OrderedDict[tuple[str, object], runs.Marks] = OrderedDict()
        self._lock = Lock()

    def marks(self, name: str) -> runs.Marks:
        """Answer a run and where its tasks stand. Raises NotFound."""
        run = self._service.get(name)
        key = (run.name, run.end_time)
        if runs.RUN.is_final(run.state):
            with self._lock:
                if (known := self._found.get(key)) is not None and known.run.state == run.state:
                    self._found.move_to_end(key)
                    return replace(known, run=run)
        found = self._service.marks(name)
        if has_ended(found) and len(found.tasks) <= _TASKS:
            self._keep(found)
        return found

    def _keep(self, found: runs.Marks) -> None:
        with self._lock:
            self._found[found.run.name, found.run.end_time] = found
            while sum(len(kept.tasks) for kept in self._found.values()) > _TASKS:
                self._found.popitem(last=False)


def has_ended(found: runs.Marks) -> bool:
    """Tell whether nothing about a run's tasks changes any more: tasks may still be stopped after their run has ended."""
    return runs.RUN.is_final(found.run.state) and all(runs.TASK.is_final(mark.state) for mark in found.tasks)
