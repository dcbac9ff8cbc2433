"""The most tasks that the kernel lets an instance have: what the guard falls back on.

The guard looks again and again; what doubles between two looks, on a machine that is too busy for a look, is refused by the
kernel alone. An instance gets a control group of its own where one can be made, else a limit of its user's tasks, which
holds for everybody but root. Both count the threads of whatever the instance starts, and refuse the next one.
"""

import os
import resource
import select
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from trainshed.functions import tree

MOST_TASKS = 2_000  # far above what the guard lets an instance have: threads count here
_PREFIX = "trainshed-"
_ROUNDS = 50
_PATIENCE_MILLISECONDS = 1_000  # with one that was killed: the kernel takes its memory back first
_ROOT = 0


@dataclass(frozen=True, kw_only=True)
class Ceiling:
    """How the kernel holds one instance."""

    group: Path | None = None  # a control group that it joins before it does anything else
    user_tasks: int = 0  # the limit of its user's tasks where it cannot join that; 0: as it is

    def was_reached(self) -> bool:
        """Whether the kernel refused it a task; not known without a group."""
        if self.group is not None:
            with suppress(OSError, ValueError, IndexError):
                return int((self.group / "pids.events").read_text().split()[1]) > 0
        return False

    def remove(self) -> None:
        """End whoever is left in the group, and remove it; what cannot be removed yet is swept later."""
        if self.group is not None:
            _remove(self.group)


def make(name: str) -> Ceiling:
    """Make a ceiling for an instance of that name."""
    made = (_make(parent / f"{_PREFIX}{name}") for parent in _parents())
    group = next((group for group in made if group is not None), None)
    if os.geteuid() == _ROOT:
        return Ceiling(group=group)
    soft, _ = resource.getrlimit(resource.RLIMIT_NPROC)
    return Ceiling(group=group, user_tasks=user_tasks(tree.tasks(), soft))


def sweep(prefix: str) -> None:
    """Remove the groups of instances whose names begin so, with whoever is in them."""
    for parent in _parents():
        for group in parent.glob(f"{_PREFIX}{prefix}*"):
            _remove(group)


def user_tasks(tasks: int, soft: int) -> int:
    """Answer the limit of a user's tasks where the whole machine has so many now; 0 where it is that low already."""
    wanted = tasks + MOST_TASKS
    return wanted if soft == resource.RLIM_INFINITY or soft > wanted else 0


def places(mounts: str, groups: str) -> list[Path]:
    """Answer where groups that count tasks could be made, best first, from what /proc says of mounts and of us. Pure.

    In version 1 that is below our own group; in version 2 a group with processes has none below it that count, so ours
    stands beside it. In a container our own group may be what is mounted.
    """
    own = dict(line.split(":", 2)[1:] for line in groups.splitlines() if line.count(":") > 1)
    first: list[Path] = []
    second: list[Path] = []
    for line in mounts.splitlines():
        _, place, kind, options, *_ = line.split(" ")
        root = Path(place.replace("\\040", " "))
        if kind == "cgroup" and "pids" in options.split(","):
            path = next((path for names, path in own.items() if "pids" in names.split(",")), "/")
            first += [root / path.strip("/"), root]
        elif kind == "cgroup2":
            ours = root / own.get("", "/").strip("/")
            second += [ours, ours.parent] if ours != root else [root]
    return list(dict.fromkeys([*first, *second]))


def _parents() -> list[Path]:
    try:
        return places(Path("/proc/mounts").read_text(), Path("/proc/self/cgroup").read_text())
    except (OSError, ValueError):  # not Linux
        return []


def _make(group: Path) -> Path | None:
    """Make a group; None where it cannot be made, counts nothing or cannot be joined."""
    try:
        group.mkdir(exist_ok=True)
    except OSError:
        return None
    try:
        (group / "pids.max").write_text(str(MOST_TASKS))
        kind = group / "cgroup.type"
        if not kind.exists() or kind.read_text().strip() == "domain":
            return group
    except OSError:
        pass
    with suppress(OSError):
        group.rmdir()
    return None


def _remove(group: Path) -> None:
    for _ in range(_ROUNDS):
        try:
            group.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            _end_all(group)
        else:
            return


def _end_all(group: Path) -> None:
    """End everybody in a group, and wait until they have let go of it."""
    with suppress(OSError, ValueError):
        members = [int(pid) for pid in (group / "cgroup.procs").read_text().split()]
        for pid in members:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in members:
            with suppress(ProcessLookupError):
                _wait(pid)


def _wait(pid: int) -> None:
    descriptor = os.pidfd_open(pid)
    try:
        gone = select.poll()
        gone.register(descriptor, select.POLLIN)
        gone.poll(_PATIENCE_MILLISECONDS)
    finally:
        os.close(descriptor)
