"""The process tree of an instance: what it uses, and ending all of it. Linux's /proc, no privileges needed.

An instance is a session of its own, and its environment carries a cookie; whatever it starts has one or both.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

COOKIE = "TRAINSHED_INSTANCE"
_PAGE = os.sysconf("SC_PAGE_SIZE")
_ROUNDS = 50


@dataclass(frozen=True)
class Usage:
    """What a tree uses now."""

    processes: int
    memory_bytes: int


def usage(session: int, most: int) -> Usage:
    """Add up the session's own memory. Pages of files do not count: the kernel takes them back when it needs to.

    Beyond `most` processes nothing is counted: a fork bomb has more of them than there is time to look at.
    """
    found: list[int] = []
    for pid, member_of in _processes():
        if member_of == session:
            found.append(_private(pid))
        if len(found) > most:
            break
    return Usage(processes=len(found), memory_bytes=sum(found))


def tasks() -> int:
    """Answer how many threads this machine runs: one short read, which notices a fork bomb while it is small."""
    return int(Path("/proc/loadavg").read_text().split()[3].partition("/")[2])


def exact_memory(session: int) -> int:
    """Add up memory with shared pages counted once: slow, for when the quick sum is over a limit."""
    return sum(_proportional(pid) for pid, member_of in _processes() if member_of == session)


def forget_peak(pid: int) -> None:
    """Start measuring the peak of one process anew, where the kernel can."""
    with suppress(OSError):
        Path(f"/proc/{pid}/clear_refs").write_text("5")


def peak(pid: int) -> int:
    """Answer the largest resident memory of one process since `forget_peak`, in bytes; 0 when it is gone."""
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) * 1024
    return 0


def hold(session: int) -> None:
    """Let nothing of a session's group run until `go_on`."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGSTOP)


def go_on(session: int) -> None:
    """Let a session's group run again."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(session, signal.SIGCONT)


def kill(session: int, cookie: str) -> None:
    """End a session and whatever left it but kept its cookie. One signal to the group beats a fork bomb."""
    for _ in range(_ROUNDS):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(session, signal.SIGKILL)
        left = [pid for pid, member_of in _processes() if member_of == session or _has(pid, cookie)]
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)


def kill_orphans(prefix: str) -> int:
    """End every process whose cookie starts with `prefix`; answer how many there were."""
    killed = 0
    for _ in range(_ROUNDS):
        left = [pid for pid, _ in _processes() if _has(pid, prefix)]
        if not left:
            break
        killed += len(left)
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
    return killed


def _private(pid: int) -> int:
    try:
        _, resident, of_files, *_ = Path(f"/proc/{pid}/statm").read_text().split()
    except (OSError, ValueError):
        return 0
    return (int(resident) - int(of_files)) * _PAGE


def _proportional(pid: int) -> int:
    with suppress(OSError, ValueError, IndexError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss_Anon:"):
                return int(line.split()[1]) * 1024
    return 0


def _processes() -> Iterator[tuple[int, int]]:
    """Yield (pid, session) of everything alive."""
    for name in os.listdir("/proc"):  # noqa: PTH208  (ten times a second: paths would cost more than the kernel)
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        if fields and fields[0] not in {b"Z", b"X"}:
            yield int(name), int(fields[3])


def _has(pid: int, cookie: str) -> bool:
    try:
        return f"{COOKIE}={cookie}".encode() in Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return False
