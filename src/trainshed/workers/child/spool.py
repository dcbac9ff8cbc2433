"""Outcomes on disk: one file per ended attempt, complete or not there, until its server has taken it over.

A process that is killed loses nothing that was written. A machine that stops loses what was not forced to disk: an
outcome may then be there and what the attempt made not. So an outcome is believed in the machine's next life only
when everything of it was forced to disk, which is worth its milliseconds only while no server listens; a server
stores what it hears at once, and forces that.
"""

import ctypes
import hashlib
import json
import os
from typing import Any

_BOOT_ID = "/proc/sys/kernel/random/boot_id"
_libc = ctypes.CDLL(None, use_errno=True)


def path_of(folder: str, task_id: str, attempt: int) -> str:
    """Answer the file of an attempt's outcome."""
    return os.path.join(folder, f"{hashlib.sha256(task_id.encode()).hexdigest()[:32]}-{attempt}.json")


def write(folder: str, outcome: dict[str, Any], *, is_forced: bool = False) -> None:
    """Store an outcome; forced to disk with everything written before when `is_forced`."""
    path = path_of(folder, outcome["task_id"], outcome["attempt"])
    pending = f"{path}.new"
    with open(pending, "wb") as file:
        if is_forced:
            _libc.syncfs(file.fileno())  # what the attempt made lies in the same home
        file.write(json.dumps({**outcome, "boot_id": boot_id(), "is_forced": is_forced}).encode())
        if is_forced:
            file.flush()
            os.fsync(file.fileno())
    os.rename(pending, path)


def force(folder: str, outcomes: "list[dict[str, Any]]") -> None:
    """Force to disk those outcomes that nobody has taken over yet."""
    for outcome in outcomes:
        if os.path.exists(path_of(folder, outcome["task_id"], outcome["attempt"])):
            write(folder, outcome, is_forced=True)


def read(path: "str | os.PathLike[str]") -> "dict[str, Any] | None":
    """Read an outcome; None when there is none. One that the machine may have lost parts of is told as lost."""
    try:
        with open(path, encoding="utf-8") as file:
            outcome: dict[str, Any] = json.load(file)
    except (FileNotFoundError, ValueError):
        return None
    boot, is_forced = outcome.pop("boot_id", ""), outcome.pop("is_forced", False)
    if boot != boot_id() and not is_forced:
        outcome["cause"] = "lost"
    return outcome


def boot_id() -> str:
    """Answer what tells this life of the machine from others."""
    global _boot_id  # noqa: PLW0603  (read once in a process and its children)
    if _boot_id is None:
        try:
            with open(_BOOT_ID) as file:
                _boot_id = file.read().strip()
        except OSError:
            _boot_id = ""
    return _boot_id


_boot_id: "str | None" = None
