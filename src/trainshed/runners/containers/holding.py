"""A server's hold on the containers of its home: while it lasts, the keeper leaves them alone."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

from trainshed.runners.containers import keeper
from trainshed.runners.containers.engines import Engine


class Hold:
    """The lock that tells the keeper of our life, and the keeper, started once."""

    def __init__(self, folder: Path, *, label: str, lease_seconds: float, grace_seconds: float) -> None:
        self._folder = folder
        self._words = (label, str(lease_seconds), str(grace_seconds))
        self._lock: int | None = None
        self._has_keeper = False

    def take(self, engine: Engine) -> None:
        """Be known to live, and have somebody look after the containers once we do not. Blocks. Raises OSError."""
        if self._lock is None:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = os.open(self._folder / keeper.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_SH)
        if not self._has_keeper:
            self._has_keeper = True
            self._start_keeper(engine)

    def release(self) -> None:
        """Let go: the keeper waits for the lease time, and ends what nobody took over."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _start_keeper(self, engine: Engine) -> None:
        subprocess.run(
            [
                *(sys.executable, "-I", "-S", keeper.__file__),
                *(engine.program, str(self._folder), *self._words),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd="/",
            start_new_session=True,
            check=False,
        )
