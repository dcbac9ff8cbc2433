"""What the dashboard shows of the server's own health, measured here and now; what takes longer, now and then."""

import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from threading import Lock

from uv import find_uv_bin

from trainshed import __version__, ledger, runs
from trainshed.app.features import Features
from trainshed.clock import Clock, monotonic
from trainshed.dashboard.overview.health import Health
from trainshed.runners.containers.engines import NAMES
from trainshed.settings import Settings

_FRESH_SECONDS = 60.0  # of what is read from the disk and the store
_RECENT = timedelta(hours=1)  # a task that could not be started, as long as none went well


@dataclass(frozen=True, kw_only=True)
class _Slow:
    missing: Sequence[str]
    broken: Mapping[str, str]
    newest: datetime | None  # record


class Measuring:
    """Measures. What is slow is asked for by the first who looks in a minute, and kept for the others."""

    def __init__(
        self,
        settings: Settings,
        features: Features,
        clock: Clock,
        *,
        is_held: Callable[[], bool],
        tick: Callable[[], float] = monotonic,
    ) -> None:
        self._settings = settings
        self._features = features
        self._clock = clock
        self._is_held = is_held  # the home, by this server
        self._tick = tick
        self._lock = Lock()
        self._known: _Slow | None = None
        self._until = 0.0

    def measure(self) -> Health:
        """Measure; it takes no longer than asking the system does, but once a minute."""
        home, features, slow = self._settings.home, self._features, self._slow()
        free, total, trouble = 0, 0, self._trouble()
        refused = dict(features.processes.refused)
        with suppress(OSError):
            disk = shutil.disk_usage(home)
            free, total = disk.free, disk.total
        ahead = (slow.newest - self._clock.now()).total_seconds() if slow.newest else 0.0
        return Health(
            version=__version__,
            home=str(home),
            free_bytes=free,
            total_bytes=total,
            cores=float(self._settings.workers or os.cpu_count() or 1),
            trouble=trouble,
            missing=slow.missing,
            failing={duty.name: duty.failure for duty in features.at_work if duty.failure},
            turns={duty.name: duty.turn_seconds for duty in features.at_work},
            ahead_seconds=max(ahead, 0.0),
            broken=slow.broken,
            refused={digest: why for digest, (why, when) in refused.items() if when > self._clock.now() - _RECENT},
            engine="; ".join(features.engines.why_not) if self._settings.engine in NAMES else "",
        )

    def _trouble(self) -> str:
        home = self._settings.home
        if not home.is_dir():
            return f"The home directory {home} is gone: nothing can be kept. Put it back and start the server anew."
        if not os.access(home, os.W_OK | os.X_OK):
            return f"The home directory {home} cannot be written by this server: nothing can be kept."
        if not self._is_held():
            return (
                f"The lock of the home directory {home} was removed or replaced: a second server could take the same "
                "home. Start this one anew."
            )
        return ""

    def _slow(self) -> _Slow:
        with self._lock:
            if self._known is None or self._tick() >= self._until:
                self._known = _Slow(
                    missing=_missing(), broken=self._features.environments.broken(), newest=self._newest()
                )
                self._until = self._tick() + _FRESH_SECONDS
            return self._known

    def _newest(self) -> datetime | None:
        receipts = self._features.ledger.search(ledger.Search(page_size=1)).receipts
        found, _ = self._features.runs.search(runs.Search(page_size=1))
        times = [*(receipt.create_time for receipt in receipts), *(run.create_time for run in found)]
        return max(times, default=None)


def _missing() -> list[str]:
    found = [] if shutil.which("git") else ["git"]
    try:
        find_uv_bin()
    except FileNotFoundError:
        found.append("uv")
    return found
