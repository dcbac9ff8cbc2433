"""What was added up of a function's past, so that its page adds up no week again: past steps of time, in memory.

A call that ends late is counted in its minute, and its instance in every minute that it took: what is kept of those is
dropped once that is on disk. Whoever was reading meanwhile keeps nothing.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import Lock

from trainshed.functions import store_minutes
from trainshed.functions.metrics import Stretch
from trainshed.sql import Database

_MOST = 100_000  # values that are counted, of all stretches together: some 10 MB
_NEVER = datetime.min.replace(tzinfo=UTC)
_Kind = tuple[str, int | None, timedelta]  # function, version or all of them, length of a step


class Stretches:
    """Reads stretches. Safe to use from several threads."""

    def __init__(self) -> None:
        self._kept: OrderedDict[_Kind, dict[datetime, Stretch]] = OrderedDict()
        self._ends: dict[str, datetime] = {}  # until when something may be kept of a function
        self._changes = 0
        self._lock = Lock()

    def read(
        self, db: Database, name: str, *, version: int | None, since: datetime, until: datetime, step: timedelta
    ) -> Sequence[Stretch]:
        """Answer a function's stretches from one time to before another; the last step is the one that is now."""
        kind, starts = (name, version, step), [since + step * number for number in range((until - since) // step)]
        with self._lock:
            known, changes = dict(self._kept.get(kind, {})), self._changes
        new = next((start for start in starts[:-1] if start not in known), starts[-1])
        read = partial(store_minutes.list_stretches, name=name, since=new, until=until, step=step, version=version)
        found = {start: known[start] for start in starts if start < new}
        found |= {start: Stretch(start_time=start) for start in starts if start >= new}
        found |= {stretch.start_time: stretch for stretch in db.read(read)}
        self._keep(kind, {start: found[start] for start in starts[:-1]}, until - step, changes)
        return list(found.values())

    def drop(self, name: str, since: datetime = _NEVER) -> None:
        """Forget what is kept of a function from a time on."""
        with self._lock:
            self._changes += 1
            if self._ends.get(name, _NEVER) <= since:
                return
            for kind, kept in self._kept.items():
                if kind[0] == name:
                    self._kept[kind] = {start: one for start, one in kept.items() if start + kind[2] <= since}

    def _keep(self, kind: _Kind, found: dict[datetime, Stretch], end: datetime, changes: int) -> None:
        with self._lock:
            if changes != self._changes:
                return
            self._kept[kind] = found
            self._kept.move_to_end(kind)
            self._ends[kind[0]] = max(end, self._ends.get(kind[0], _NEVER))
            while self._kept and sum(map(_size, self._kept.values())) > _MOST:
                self._kept.popitem(last=False)


def _size(kept: dict[datetime, Stretch]) -> int:
    return sum(3 + len(one.millis) + len(one.mebibytes) + len(one.instances) for one in kept.values())
