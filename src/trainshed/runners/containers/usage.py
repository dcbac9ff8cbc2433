"""What a container uses, as its control group tells while it runs; nothing where it cannot be read."""

from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

_GROUPS = Path("/sys/fs/cgroup")
_PROC = Path("/proc")
_NANO, _MICRO = 1e9, 1e6
_NEARLY = 0.95  # of its limit: what was held when it was looked at last


@dataclass(kw_only=True)
class Usage:
    """What was seen so far."""

    cpu_seconds: float = 0.0
    peak_memory_bytes: int = 0
    ends: int = 0  # processes of the group that the kernel ended for want of memory
    ends_before: int | None = None  # the same of the whole machine, when it began

    def begin(self) -> None:
        """Note how it is before it runs."""
        self.ends_before = _ends_of_machine()

    def look(self, pid: int) -> None:
        """Read the control groups of a process."""
        groups = _groups_of(pid)
        memory, cpu, both = groups.get("memory"), groups.get("cpuacct"), groups.get("")
        if memory is not None:
            self._hold(_number(memory / "memory.max_usage_in_bytes"))
            self.ends = max(self.ends, _field(memory / "memory.oom_control", "oom_kill"))
        elif both is not None:
            self._hold(_number(both / "memory.peak") or _number(both / "memory.current"))
            self.ends = max(self.ends, _field(both / "memory.events", "oom_kill"))
        if cpu is not None:
            self.cpu_seconds = max(self.cpu_seconds, _number(cpu / "cpuacct.usage") / _NANO)
        elif both is not None:
            self.cpu_seconds = max(self.cpu_seconds, _field(both / "cpu.stat", "usage_usec") / _MICRO)

    def explains(self, limit_bytes: int) -> bool:
        """Whether want of memory explains that something was killed: it may have grown after we looked last."""
        if self.ends or self.peak_memory_bytes >= limit_bytes * _NEARLY:
            return True
        return self.ends_before is not None and _ends_of_machine() > self.ends_before

    def _hold(self, count: int) -> None:
        self.peak_memory_bytes = max(self.peak_memory_bytes, count)


def _groups_of(pid: int) -> dict[str, Path]:
    """Answer the folders of a process's control groups, by controller; "" is that of version 2."""
    found: dict[str, Path] = {}
    with suppress(OSError):
        for line in (_PROC / str(pid) / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if path.strip("/") == "":  # not a group of its own
                continue
            for controller in controllers.split(","):
                found[controller] = _GROUPS / controller / path.strip("/")
    return found


def _ends_of_machine() -> int:
    return _field(_PROC / "vmstat", "oom_kill")


def _number(file: Path) -> int:
    with suppress(OSError, ValueError):
        return int(file.read_text())
    return 0


def _field(file: Path, name: str) -> int:
    with suppress(OSError, ValueError):
        for line in file.read_text().splitlines():
            key, _, value = line.partition(" ")
            if key == name:
                return int(value)
    return 0
