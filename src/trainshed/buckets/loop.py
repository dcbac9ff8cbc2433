"""Background duties of buckets."""

from collections.abc import Callable
from datetime import datetime, timedelta

from trainshed.blobs import CHANNEL
from trainshed.buckets.service import Service
from trainshed.clock import monotonic
from trainshed.duty import Duty, Pace, off_loop
from trainshed.errors import NotFound, Unavailable

_SHARE = 200  # looking for files changed by hand takes at most this part of a core
_FORGET_SECONDS = 3600.0


class Watch:
    """Notices files put into, changed in or removed from a bucket's folder by hand, once they have come to rest."""

    def __init__(self, service: Service, *, interval_seconds: float, pace: Callable[[], Pace] = Pace) -> None:
        self._service = service
        self._interval = interval_seconds
        self._pace = pace  # a look's, which thousands of objects make long
        self._rested_seconds = 0.0
        self._last: dict[tuple[str, str], str] = {}

    async def run_once(self) -> datetime | None:
        """Look once; answer when to look again, later the longer it took."""
        start = monotonic()
        await off_loop(self.look)
        wait = max(self._interval, (monotonic() - start - self._rested_seconds) * _SHARE)
        return self._service.clock.now() + timedelta(seconds=wait)

    def look(self) -> int:
        """Take in what has been the same in two looks; answer how many files."""
        upkeep, pace = self._service.upkeep, self._pace()
        upkeep.adopt_buckets()
        seen: dict[tuple[str, str], str] = {}
        for bucket in self._service.list_buckets(limit=1_000_000):
            try:
                seen |= {
                    (bucket.name, name): stamp for name, stamp in upkeep.differing(bucket.name, step=pace.step).items()
                }
            except (NotFound, Unavailable):  # deleted meanwhile, or its disk is away: nothing is lost by waiting
                continue
        resting = [key for key, stamp in seen.items() if self._last.get(key) == stamp]
        for bucket_name, name in resting:
            upkeep.current(bucket_name, name)
        self._last, self._rested_seconds = seen, pace.rested_seconds
        return len(resting)


def duties(service: Service, *, interval_seconds: float) -> list[Duty]:
    """Make the duties: settle files after commits, watch for files changed by hand, forget old generations."""
    clock = service.clock
    watch = Watch(service, interval_seconds=interval_seconds)

    async def settle() -> datetime | None:
        await off_loop(service.upkeep.settle)
        return None

    async def forget() -> datetime | None:
        while await off_loop(service.upkeep.forget):
            pass
        for kept in (service.uploads, service.parted, service.copies.rewrites):
            await off_loop(kept.expire)
        return None

    settling = Duty("settle objects", settle, interval_seconds=interval_seconds * 12, clock=clock)
    service.db.listen(CHANNEL, settling.wake)
    return [
        settling,
        Duty("watch buckets", watch.run_once, interval_seconds=_FORGET_SECONDS, clock=clock),
        Duty("forget old generations", forget, interval_seconds=_FORGET_SECONDS, clock=clock),
    ]
