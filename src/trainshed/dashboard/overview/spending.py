"""What the last days cost, added up now and then: it is asked for at every change, and hardly differs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock

from trainshed import builds, costs, runs
from trainshed.clock import Clock, monotonic

WEEK = 7  # days
_FRESH_SECONDS = 60.0
_SHARE = 50  # it is kept for so many times as long as adding it up took


@dataclass(frozen=True, kw_only=True)
class Item:
    """What the runs of one pipeline that one thing started cost together."""

    pipeline: str
    trigger: str  # resource name; empty: somebody by hand
    runs: int
    seconds: float  # that their tasks worked
    cost: costs.Cost


@dataclass(frozen=True, kw_only=True)
class Spent:
    """What was spent on runs and builds made in the last days."""

    items: Sequence[Item]
    seconds_of_builds: float
    cost_of_builds: costs.Cost

    @property
    def currency(self) -> str:
        """What all of it is in."""
        return self.cost_of_builds.currency

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return sum(item.runs for item in self.items)

    @property
    def cloud(self) -> float:
        """What the same would have cost on Google Cloud."""
        return self.cost_of_builds.cloud + sum(item.cost.cloud for item in self.items)

    @property
    def local(self) -> float:
        """What it cost here."""
        return self.cost_of_builds.local + sum(item.cost.local for item in self.items)


@dataclass(frozen=True, kw_only=True)
class _Known:
    spent: Spent
    until: float


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
        self._known: dict[int, _Known] = {}

    def of(self, days: int) -> Spent:
        """Answer what the last days cost, at most a minute old unless adding it up takes long."""
        with self._lock:
            began, known = self._tick(), self._known.get(days)
            if known is None or began >= known.until:
                spent = self._added_up(timedelta(days=days))
                now = self._tick()
                known = _Known(spent=spent, until=now + max(_FRESH_SECONDS, _SHARE * (now - began)))
                self._known[days] = known
            return known.spent

    def _added_up(self, window: timedelta) -> Spent:
        since = self._clock.now() - window
        worked = self._builds.seconds_since(since)
        parts = {
            machine: costs.of_build(self._prices, seconds=seconds, machine_type=machine)
            for machine, seconds in worked.items()
        }
        return Spent(
            items=[self._item(used) for used in self._runs.used_since(since)],
            seconds_of_builds=sum(worked.values()),
            cost_of_builds=costs.total(self._prices, parts),
        )

    def _item(self, used: runs.Used) -> Item:
        usages = [
            costs.usage_on(machine, name=machine, seconds=seconds, cpu_seconds=cores)
            for machine, (seconds, cores) in used.machines.items()
        ]
        parts = {usage.name: costs.of_task(self._prices, usage) for usage in usages}
        fees = costs.Cost(currency=self._prices.currency, cloud=used.runs * self._prices.pipeline_run)
        return Item(
            pipeline=used.pipeline,
            trigger=used.trigger,
            runs=used.runs,
            seconds=sum(usage.seconds for usage in usages),
            cost=costs.total(self._prices, {**parts, "the runs themselves": fees}),
        )
