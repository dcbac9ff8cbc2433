"""Process trees, through /proc: who is below whom, how much memory they hold, and their certain end."""

import ctypes
import os
import select
import signal
from collections.abc import Iterable, Iterator
from contextlib import suppress

_PDEATHSIG = 1
_SUBREAPER = 36
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PASSES = 400
_PASS_SECONDS = 0.005
_libc = ctypes.CDLL(None, use_errno=True)
_PROC_CHILDREN = os.path.exists(f"/proc/{os.getpid()}/task/{os.getpid()}/children")


def adopt_orphans() -> None:
    """Become the parent of every descendant whose own parent ends."""
    _libc.prctl(_SUBREAPER, 1, 0, 0, 0)


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends, or now if it has ended already."""
    _libc.prctl(_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def children(pid: int) -> list[int]:
    """Answer the children of a process; none when it is gone."""
    if not _PROC_CHILDREN:
        return [child for child, parent, *_ in _all_processes() if parent == pid]
    found: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            with suppress(OSError), open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    return found


def tree(pid: int) -> list[int]:
    """Answer a process and everything below it, parents first."""
    found, i = [pid], 0
    while i < len(found):
        found += [child for child in children(found[i]) if child not in found]
        i += 1
    return found


def resident_bytes(pids: Iterable[int]) -> int:
    """Sum resident memory; pages that the processes share count once for each."""
    total = 0
    for pid in pids:
        with suppress(OSError, IndexError), open(f"/proc/{pid}/statm") as file:
            total += int(file.read().split()[1]) * _PAGE
    return total


def proportional_bytes(pids: Iterable[int]) -> int:
    """Sum proportional memory: a shared page counts once. Slower to ask for than resident memory."""
    total = 0
    for pid in pids:
        try:
            with open(f"/proc/{pid}/smaps_rollup") as file:
                total += next(int(line.split()[1]) * 1024 for line in file if line.startswith("Pss:"))
        except (OSError, StopIteration):
            total += resident_bytes([pid])
    return total


def kill_tree(pid: int) -> None:
    """Kill a process and everything below it; stopped first, so that none can fork away meanwhile."""
    pids = tree(pid)
    for sign in (signal.SIGSTOP, signal.SIGKILL):
        for each in pids:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(each, sign)


def end_strangers(known: Iterable[int]) -> None:
    """Kill every child of ours that we did not start: orphans of attempts that ended.

    An orphan of a living attempt is adopted by that attempt, so whatever comes to us has nobody left.
    """
    mine, me = set(known), os.getpid()
    for _ in range(_PASSES):
        strangers = [child for child in children(me) if child not in mine]
        if not strangers:
            return
        for stranger in strangers:
            kill_tree(stranger)
        select.select([], [], [], _PASS_SECONDS)
        for stranger in strangers:
            with suppress(ChildProcessError):
                os.waitpid(stranger, os.WNOHANG)


def kill_leftovers(session: int, token: str, folder: str = "") -> None:
    """Kill what is left of an attempt whose fork server is gone: its session, what carries its token or is in its folder.

    A process that was forked and executed nothing since carries no token; it writes to the attempt's log.
    """
    mark, me = token.encode(), os.getpid()
    for _ in range(_PASSES):
        left = [
            pid
            for pid, _, sid, state in _all_processes()
            if state != "Z" and pid != me and (0 < session == sid or _is_of(pid, mark, folder))
        ]
        if not left:
            return
        for pid in left:
            with suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)
        select.select([], [], [], _PASS_SECONDS)


def _is_of(pid: int, mark: bytes, folder: str) -> bool:
    if mark in _environ(pid).split(b"\0"):
        return True
    for link in ("cwd", "fd/1", "fd/2") if folder else ():
        with suppress(OSError):
            if os.readlink(f"/proc/{pid}/{link}").startswith(f"{folder}/") or os.readlink(f"/proc/{pid}/cwd") == folder:
                return True
    return False


def _environ(pid: int) -> bytes:
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            return file.read()
    except OSError:
        return b""


def _all_processes() -> Iterator[tuple[int, int, int, str]]:
    """Go through all processes: identifier, parent, session, state."""
    for name in os.listdir("/proc"):
        if name.isdigit():
            with suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat") as file:
                fields = file.read().rpartition(")")[2].split()
                yield int(name), int(fields[1]), int(fields[3]), fields[0]
