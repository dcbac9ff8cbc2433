"""Which queued task may start: first come, first served, within the machine's processors, memory and accelerators."""

import heapq
import itertools
from dataclasses import dataclass
from datetime import datetime

from trainshed.runs.active import ActiveRun


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A queued task and what it asks for."""

    run: str
    task: str
    task_id: str
    cpus: float
    memory_bytes: int
    accelerators: int = 0
    ready_time: datetime


def waiting_of(active: ActiveRun, path: str, ready_time: datetime) -> Waiting:
    """Say what a queued task waits for."""
    node = active.nodes[path]
    return Waiting(
        run=active.run.name,
        task=path,
        task_id=node.id,
        cpus=node.cpus,
        memory_bytes=node.memory_bytes,
        accelerators=node.accelerators,
        ready_time=ready_time,
    )


class Admission:
    """Counts what is taken; rebuilt from rows whenever the engine starts anew."""

    def __init__(self, *, cpus: float, memory_bytes: int, accelerators: int = 0) -> None:
        self._machine = (cpus, memory_bytes, accelerators)
        self._order = itertools.count()
        self._later: list[tuple[datetime, int, Waiting]] = []
        self._ready: list[tuple[int, Waiting]] = []
        self._latest: dict[str, int] = {}  # task id -> its place in the order; queued again, it gave up earlier ones
        self._taken: dict[str, tuple[float, int, int]] = {}  # task id -> what it holds

    def clear(self) -> None:
        """Forget everything."""
        self._later, self._ready, self._latest, self._taken = [], [], {}, {}

    def queue(self, waiting: Waiting) -> None:
        """Let a task wait for its time and for room."""
        self._latest[waiting.task_id] = order = next(self._order)
        heapq.heappush(self._later, (waiting.ready_time, order, waiting))

    def take(self, waiting: Waiting) -> None:
        """Note that a task holds its share; more than the machine has counts as all of it."""
        cpus, memory, accelerators = self._machine
        self._taken[waiting.task_id] = (
            min(waiting.cpus, cpus),
            min(waiting.memory_bytes, memory),
            min(waiting.accelerators, accelerators),
        )

    def release(self, task_id: str) -> None:
        """Note that a task holds nothing any more."""
        self._taken.pop(task_id, None)

    def admit(self, now: datetime) -> Waiting | None:
        """Take the next task that fits, if its turn has come."""
        while self._later and self._later[0][0] <= now:
            _, order, waiting = heapq.heappop(self._later)
            if self._latest.get(waiting.task_id) == order:
                heapq.heappush(self._ready, (order, waiting))
        while self._ready and self._latest.get(self._ready[0][1].task_id) != self._ready[0][0]:
            heapq.heappop(self._ready)
        if not self._ready:
            return None
        waiting = self._ready[0][1]
        self.take(waiting)
        if self._is_too_much():
            self.release(waiting.task_id)
            return None
        heapq.heappop(self._ready)
        del self._latest[waiting.task_id]
        return waiting

    def next_time(self) -> datetime | None:
        """Answer when the next task's wait ends, if none is ready now."""
        return self._later[0][0] if self._later else None

    def _is_too_much(self) -> bool:
        taken = [sum(each) for each in zip(*self._taken.values(), strict=True)]
        return any(used > limit + 1e-9 for used, limit in zip(taken, self._machine, strict=True))
