"""The background duty of schedules of runs: starting what is due, never early."""

from collections.abc import Iterable
from datetime import datetime

from trainshed.duty import Duty, off_loop
from trainshed.schedules.firing import CHANGED
from trainshed.schedules.of_runs.service import Service


def duty(service: Service, *, interval_seconds: float, channels: Iterable[str] = ()) -> Duty:
    """Make the duty; `channels` are those on which it is told that runs have ended."""

    async def run_once() -> datetime | None:
        while await off_loop(service.fire_due):
            pass
        return await off_loop(service.next_wake)

    made = Duty("run schedules", run_once, interval_seconds=interval_seconds, clock=service.clock)
    for channel in (CHANGED, *channels):
        service.db.listen(channel, made.wake)
    return made
