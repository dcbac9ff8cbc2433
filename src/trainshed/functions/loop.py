"""Background duties of functions."""

from trainshed.clock import Clock
from trainshed.duty import Duty, Next
from trainshed.functions.host import Host


def duties(host: Host, clock: Clock, *, idle_seconds: float) -> list[Duty]:
    """Make the duty that ends idle instances and keeps the minimum of each function warm."""

    async def run_once() -> Next:
        await host.keep(idle_seconds)
        return None

    return [Duty("instances", run_once, interval_seconds=min(30.0, max(1.0, idle_seconds / 4)), clock=clock)]
