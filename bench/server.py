"""What a server costs while nothing happens, and how long it takes to be there."""

import os
import statistics
import time
from pathlib import Path

import world
from harness import Effort, Figure, seconds_of

_TICK = os.sysconf("SC_CLK_TCK")


def measure(folder: Path, effort: Effort) -> list[Figure]:
    """Start servers on fresh and on used homes; leave one alone and read its memory and CPU from /proc."""
    fresh, again = [], []
    for turn in range(effort.times(5, 2)):
        home = folder / f"home{turn}"
        for samples in (fresh, again):
            running = world.server_on(home)
            samples.append(seconds_of(running.start))
            running.stop()
    memory, share, seconds = _idle(folder, effort.times(30, 10))
    return [
        Figure(name="server start, fresh home", value=statistics.median(fresh), unit="s", budget=1, note="schema made"),
        Figure(name="server start, known home", value=statistics.median(again), unit="s", budget=1),
        Figure(name="server idle, memory", value=memory, unit="MB", budget=100, note="resident"),
        Figure(name="server idle, CPU of a core", value=share, unit="%", budget=0.5, note=f"over {seconds:.0f} s"),
    ]


def _idle(folder: Path, seconds: int) -> tuple[float, float, float]:
    with world.running(folder / "idle") as server:
        time.sleep(5)  # what follows a start is not idling
        pid = world.pid_of(server)
        before, began = _cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - began
        used = _cpu_seconds(pid) - before
        return _resident(pid) / 1e6, 100 * used / lasted, lasted


def _cpu_seconds(pid: int) -> float:
    """Read the nanoseconds that the scheduler counted for every thread; ticks are too coarse for an idle process."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except OSError:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICK
    return total / 1e9


def _resident(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
