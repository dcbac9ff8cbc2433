"""What a process costs, read from /proc: CPU seconds, resident memory now and while something happens."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_SAMPLE_SECONDS = 0.1


def cpu_seconds(pid: int) -> float:
    """Read the nanoseconds that the scheduler counted for every thread; ticks are too coarse for an idle process."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((thread / "schedstat").read_text().split()[0])
        except OSError:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            return (int(fields[11]) + int(fields[12])) / _TICK
    return total / 1e9


def resident(pid: int) -> float:
    """Read the resident memory in MB."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / 1e6


@dataclass(kw_only=True)
class Watched:
    """What was seen of a process while something happened: memory in MB, CPU in seconds."""

    before: float
    after: float = 0.0
    cpu: float = 0.0
    samples: list[float] = field(default_factory=list)

    @property
    def growth(self) -> float:
        """The most that it held beyond what it held before."""
        return max([self.after, *self.samples]) - self.before


@contextmanager
def watch(pid: int) -> Iterator[Watched]:
    """Sample a process for the duration of a block. Threads that end inside take their CPU seconds along."""
    found = Watched(before=resident(pid))
    began, over = cpu_seconds(pid), threading.Event()

    def sample() -> None:
        while not over.wait(_SAMPLE_SECONDS):
            found.samples.append(resident(pid))

    thread = threading.Thread(target=sample, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        over.set()
        thread.join()
        found.after, found.cpu = resident(pid), cpu_seconds(pid) - began
