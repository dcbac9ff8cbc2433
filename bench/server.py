"""What a server costs while nothing happens, and how long it takes to be there."""

import statistics
import time
from pathlib import Path

import gauge
import world
from harness import Effort, Figure, seconds_of


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
        before, began = gauge.cpu_seconds(pid), time.monotonic()
        time.sleep(seconds)
        lasted = time.monotonic() - began
        used = gauge.cpu_seconds(pid) - before
        return gauge.resident(pid), 100 * used / lasted, lasted
