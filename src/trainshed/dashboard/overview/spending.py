"""What the last week cost, added up now and then: it is asked for at every change, and hardly differs."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from trainshed import builds, costs, runs
from trainshed.clock import Clock, monotonic

WEEK = timedelta(days=7)
_FRESH_SECONDS = 60.0
_SHARE = 50  # it is kept for so many times as long as adding it up took


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was spent on runs and builds made in the last week."""

    runs: int
    cost_of_runs: costs.Cost
    cost_of_builds: costs.Cost

    @property
    def cloud(self) -> float:
        """What the same would have cost on Google Cloud."""
        return self.cost_of_runs.cloud + self.cost_of_builds.cloud

    @property
    def local(self) -> float:
        """What it cost here."""
        return self.cost_of_runs.local + self.cost_of_builds.local


class Spending:
    """Adds up costs from what ended runs and builds left in their rows."""

    def __init__(
        self, of_runs: runs.Service, of_builds: builds.Service, clock: Clock, *, tick: Callable[[], float] = monotonic
    ) -> None:
        self._runs = of_runs
        self._builds = of_builds
        self._clock = clock
        self._tick = tick
        self._prices = costs.load()
        self._lock = Lock()
        self._known: Spent | None = None
        self._until = 0.0

    def of_week(self) -> Spent:
        """Answer what the last seven days cost, at most a minute old unless adding it up takes long."""
        with self._lock:
            began = self._tick()
            if self._known is None or began >= self._until:
                self._known = self._added_up()
                now = self._tick()
                self._until = now + max(_FRESH_SECONDS, _SHARE * (now - began))
            return self._known

    def _added_up(self) -> Spent:
        since = self._clock.now() - WEEK
        count, used = self._runs.used_since(since)
        usages = [
            costs.Usage(name=machine, seconds=seconds, cpu_seconds=cores, machine_type=machine)
            for machine, (seconds, cores) in used.items()
        ]
        tasks = costs.total(self._prices, {usage.name: costs.of_task(self._prices, usage) for usage in usages})
        fees = costs.Cost(currency=tasks.currency, cloud=count * self._prices.pipeline_run)
        parts = {
            machine: costs.of_build(self._prices, seconds=seconds, machine_type=machine)
            for machine, seconds in self._builds.seconds_since(since).items()
        }
        return Spent(
            runs=count,
            cost_of_runs=costs.total(self._prices, {"tasks": tasks, "fees": fees}),
            cost_of_builds=costs.total(self._prices, parts),
        )
