"""What looks after the containers of a home that no server holds any more: run by path, standard library only.

A server that has containers under way holds a lock. When the lock is free its server has ended; whoever takes it again
within the lease time goes on with the containers, else they are ended here. They stay with the engine, ended, so that a
later server hears of them.
"""

import fcntl
import json
import os
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

LOCK = "lock"
STOPPED, TIMED_OUT, LEASE_EXPIRED = "stopped", "timed_out", "lease_expired"
_CAUSE = "ended"  # file in an attempt's private folder


def note(private: Path, cause: str) -> None:
    """Note why an attempt is about to be ended, for whoever hears of its end."""
    with suppress(OSError):  # then it is told as it looks: ended by a signal
        private.mkdir(parents=True, exist_ok=True)
        (private / _CAUSE).write_text(cause)


def noted(private: Path) -> str:
    """Answer why an attempt was ended; "" where it ended by itself."""
    try:
        return (private / _CAUSE).read_text()
    except OSError:
        return ""


def keep(program: str, folder: Path, label: str, lease_seconds: float, grace_seconds: float) -> None:
    """Wait for the server's end, and then for the next server; where none comes, end the containers."""
    lock = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    fcntl.flock(lock, fcntl.LOCK_EX)
    fcntl.flock(lock, fcntl.LOCK_UN)
    if not _running(program, label):
        return
    threading.Event().wait(lease_seconds)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # held to the end: the next server waits for us
    except OSError:
        return  # somebody goes on with them
    names = _running(program, label)
    for name in names:
        note(folder / name, LEASE_EXPIRED)
        _call(program, "kill", "--signal", "TERM", name)
    threading.Event().wait(grace_seconds if names else 0)
    for name in _running(program, label):
        _call(program, "kill", "--signal", "KILL", name)


def _running(program: str, label: str) -> "list[str]":
    listed = _call(program, "ps", "--quiet", "--no-trunc", "--filter", f"label={label}").split()
    if not listed:
        return []
    try:
        found = json.loads(_call(program, "container", "inspect", *listed))
    except ValueError:
        return []
    return [str(each["Name"]).lstrip("/") for each in found]


def _call(program: str, *words: str) -> str:
    done = subprocess.run([program, *words], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return done.stdout


if __name__ == "__main__":
    if os.fork():  # nobody's child: who started it need not wait for its end
        os._exit(0)
    keep(sys.argv[1], Path(sys.argv[2]), sys.argv[3], float(sys.argv[4]), float(sys.argv[5]))
