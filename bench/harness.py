"""What every measurement shares: figures, percentiles, fair repetition, the machine, the table."""

import gc
import json
import os
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the table. `value` and `reference` share the unit; smaller is better unless `more_is_better`."""

    name: str
    value: float
    unit: str
    budget: float | None = None
    reference: float | None = None
    reference_name: str = ""
    more_is_better: bool = False
    note: str = ""
    samples: Sequence[float] = field(default=(), repr=False)

    @property
    def ratio(self) -> float | None:
        """Ours over the reference's."""
        return self.value / self.reference if self.reference else None

    @property
    def is_within(self) -> bool | None:
        """Whether the budget is kept; None without one."""
        if self.budget is None:
            return None
        return self.value >= self.budget if self.more_is_better else self.value <= self.budget


class Skipped(Exception):
    """A measurement cannot be made here; the message says what is missing."""


@dataclass(frozen=True, kw_only=True)
class Effort:
    """How much is repeated."""

    is_quick: bool
    keep: Path | None = None  # folder for large stores, kept for the next time

    def times(self, many: int, few: int) -> int:
        """Choose a number of repetitions."""
        return few if self.is_quick else many


def percentile(samples: Iterable[float], share: float) -> float:
    """Answer the nearest-rank percentile: p99 of fewer than a hundred samples is the largest."""
    ordered = sorted(samples)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def latency(name: str, seconds: Sequence[float], *, p50: float | None, p99: float | None, **more: Any) -> list[Figure]:
    """Make the two rows of a latency from samples in seconds; budgets are in milliseconds."""
    samples = [1000 * s for s in seconds]
    return [
        Figure(name=f"{name}, p50", value=statistics.median(samples), unit="ms", budget=p50, samples=samples, **more),
        Figure(name=f"{name}, p99", value=percentile(samples, 0.99), unit="ms", budget=p99, note=f"n={len(samples)}"),
    ]


def seconds_of(work: Callable[[], object]) -> float:
    """Time one call, without our own garbage collection in it."""
    gc.collect()
    gc.disable()
    try:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began
    finally:
        gc.enable()


def interleaved(kinds: Mapping[str, Callable[[], object]], times: int) -> dict[str, list[float]]:
    """Time several kinds of work in turn, each round in the other order, so that noise hits all of them alike."""
    found: dict[str, list[float]] = {name: [] for name in kinds}
    gc.collect()
    gc.freeze()  # what is there already need not be looked at before every sample
    for turn in range(times):
        for name in list(kinds) if turn % 2 == 0 else list(reversed(kinds)):
            found[name].append(seconds_of(kinds[name]))
    return found


def medians(kinds: Mapping[str, Callable[[], object]], times: int) -> dict[str, float]:
    """Do the same and answer the median seconds of each."""
    return {name: statistics.median(samples) for name, samples in interleaved(kinds, times).items()}


def until(condition: Callable[[], bool], *, seconds: float, what: str) -> None:
    """Wait for a condition, looking often and cheaply. Raises TimeoutError."""
    ends = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > ends:
            raise TimeoutError(f"{what}: not within {seconds:g} s")
        time.sleep(0.004)


def quietly(command: Sequence[str | Path], **options: Any) -> "subprocess.CompletedProcess[str]":
    """Run a command that has to work."""
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done


def machine() -> dict[str, Any]:
    """Describe where the figures come from."""
    cpu = ""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        cpu = next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
        memory = round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
    except (OSError, StopIteration, ValueError):
        memory = 0
    return {
        "date": time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime()),
        "cpu": cpu or platform.processor(),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": memory,
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "commit": _commit(),
    }


def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"],
        cwd=Path(__file__).parent,
        capture_output=True,
        text=True,
        check=False,
    )
    return found.stdout.strip()


def table(figures: Sequence[Figure]) -> str:
    """Write the figures as one Markdown table."""
    rows = [("what", "measured", "budget", "", "reference, same run", "ratio", "")]
    for f in figures:
        verdict = {True: "kept", False: "MISSED", None: ""}[f.is_within]
        budget = "" if f.budget is None else f"{_number(f.budget)} {f.unit}"
        reference = f"{f.reference_name}: {_number(f.reference)} {f.unit}" if f.reference is not None else ""
        ratio = f"× {_number(f.ratio)}" if f.ratio is not None else ""
        rows.append((f.name, f"{_number(f.value)} {f.unit}", budget, verdict, reference, ratio, f.note))
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["| " + " | ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)) + " |" for row in rows]
    lines.insert(1, "|" + "|".join("-" * (w + 2) for w in widths) + "|")
    return "\n".join(lines)


def document(about: Mapping[str, Any], figures: Sequence[Figure], skipped: Mapping[str, str]) -> str:
    """Write everything as JSON; README.md beside this file says what the fields mean."""
    made = [asdict(f) | {"ratio": f.ratio, "is_within": f.is_within} for f in figures]
    return json.dumps({"machine": about, "figures": made, "skipped": skipped}, indent=2) + "\n"


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.3g}"
