"""The dashboard over a large store: what each page costs the server, and the tail of a long log.

The pages are found by wandering from link to link, so that a new one is measured without being named here.
"""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import gauge
import homes
import world
from harness import Effort, Figure, Skipped, percentile
from large_store.wandering import kind_of, logs_in, wander

_LIST_MS, _DETAIL_MS, _TAIL_MS = 100.0, 150.0, 200.0
_GROWTH_MB = 30.0  # of what was shown before: the caches of layouts and of ended runs are full by then
_TABS = ("tasks", "timeline", "results", "details")  # of a run, beside its graph
_NOT_COUNTED = 2  # rounds
_WIDEST = 2_000  # tasks of the largest run whose page counts as one; the other is measured by itself


@dataclass(kw_only=True)
class Timed:
    """How long the pages of one kind took."""

    budget: float
    samples: dict[str, list[float]] = field(default_factory=dict)  # by address, in milliseconds
    cpu: dict[str, float] = field(default_factory=dict)  # of the server, in milliseconds for all samples
    among: int = 1  # addresses of this kind

    @property
    def slowest(self) -> str:
        """The address that takes longest, by its p95."""
        return max(self.samples, key=lambda address: percentile(self.samples[address], 0.95))

    def again(self) -> "Timed":
        """Answer one for the slowest address alone, with nothing measured yet."""
        return Timed(budget=self.budget, samples={self.slowest: []}, among=len(self.samples))

    def figure(self, name: str, note: str = "") -> Figure:
        """Make the row: the slowest address counts."""
        slowest = self.slowest
        times = self.samples[slowest]
        cpu = self.cpu[slowest] / len(times)
        told = (
            note or f"p50 {statistics.median(times):.0f}, CPU {cpu:.0f}; the slowest of {self.among}: {_brief(slowest)}"
        )
        return Figure(name=name, value=percentile(times, 0.95), unit="ms", budget=self.budget, note=told, samples=times)


def measure_pages(_: Path, effort: Effort) -> list[Figure]:
    """Ask for every page again and again on one connection, then for the slowest of each kind once more as often.

    The second figures count: the largest p95 of sixty addresses is that of a moment in which the machine had something
    else to do, as often as that of a slow page, and a slow page is so again.
    """
    made = homes.large(effort)
    with world.running(made.home) as server:
        pages = world.Pages(server)
        pid, rounds = world.pid_of(server), effort.times(20, 7)
        started = gauge.resident(pid)
        kinds = _kinds(wander(pages.document, ["/"]), made.wide_runs)
        _time(pages, pid, kinds, rounds=0)
        with gauge.watch(pid) as seen:
            asked = _time(pages, pid, kinds, rounds=rounds)
            kinds = {name: timed.again() for name, timed in kinds.items()}
            asked += _time(pages, pid, kinds, rounds=2 * rounds)
    held = f"{started:.0f} MB at its start, {seen.before:.0f} when each was shown, {seen.after:.0f} at the end"
    size = f"a store of {homes.megabytes(made):,.0f} MB"
    rows = [kinds[name].figure(f"{name}, p95") for name in sorted(kinds, key=_order)]
    memory = Figure(
        name=f"server's memory grows over {asked:,} pages that were shown before",
        value=seen.growth,
        unit="MB",
        budget=_GROWTH_MB,
        note=f"{held}; {size}",
    )
    return [*rows, memory]


def measure_tail(_: Path, effort: Effort) -> list[Figure]:
    """Ask for the end of a long log, for what is before it, for its middle, and for a line far away."""
    made = homes.large(effort)
    size = (made.home / "builds" / made.build / "log.txt").stat().st_size
    with world.running(made.home) as server:
        pages = world.Pages(server)
        log = _log_of(pages, made.build)
        words = {
            "end": "",
            "before its end": f"before={size - 1_000_000}",
            "middle": f"around={size // 2}",
            "line 5,000": "line=5000",
        }
        asks = {name: f"{log}{'&' if '?' in log else '?'}{word}" if word else log for name, word in words.items()}
        kinds = {name: Timed(budget=_TAIL_MS, samples={address: []}) for name, address in asks.items()}
        _time(pages, world.pid_of(server), kinds, rounds=effort.times(30, 10))
    return [timed.figure(f"log of {size / 1e6:,.0f} MB, {name}, p95") for name, timed in kinds.items()]


def _log_of(pages: world.Pages, build: str) -> str:
    found = wander(pages.document, [f"/builds/{build}"], most=3)
    logs = [log for shape in found.values() for address in shape for log in logs_in(pages.document(address))]
    if not logs:
        raise Skipped("the page of a build names no log")
    return logs[0]


def _kinds(shapes: Mapping[str, Sequence[str]], wide_runs: Mapping[int, str]) -> dict[str, Timed]:
    kinds: dict[str, Timed] = {}
    of_wide = tuple(f"/{page}/{run}" for run in wide_runs.values() for page in ("runs", "why"))
    for shape, addresses in shapes.items():
        name, is_list = kind_of(shape)
        timed = kinds.setdefault(name, Timed(budget=_LIST_MS if is_list else _DETAIL_MS))
        timed.samples.update({address: [] for address in addresses if not address.startswith(of_wide)})
    for many, run in wide_runs.items():
        page, why = f"/runs/{run}", f"/why/{run}"
        tabs = [page, *(f"{page}?tab={tab}" for tab in _TABS)]
        for name, addresses in (("one of /runs", tabs), ("one of /why", [why])):
            samples: dict[str, list[float]] = {address: [] for address in addresses}
            kinds[f"{name} with {many} tasks"] = Timed(budget=_DETAIL_MS, samples=samples)
    return {name: timed for name, timed in kinds.items() if timed.samples}


def _time(pages: world.Pages, pid: int, kinds: Mapping[str, Timed], *, rounds: int) -> int:
    asked = 0
    for turn in range(rounds + _NOT_COUNTED):
        for timed in kinds.values():
            for address, times in timed.samples.items():
                used, began = gauge.cpu_seconds(pid), time.perf_counter()
                pages.ask(address)
                lasted = 1000 * (time.perf_counter() - began)
                asked += 1
                if turn >= _NOT_COUNTED:
                    times.append(lasted)
                    timed.cpu[address] = timed.cpu.get(address, 0.0) + 1000 * (gauge.cpu_seconds(pid) - used)
    return asked


def _order(name: str) -> tuple[bool, str]:
    return name.startswith("one"), name


def _brief(address: str) -> str:
    return address if len(address) < 70 else f"{address[:30]}…{address[-38:]}"
