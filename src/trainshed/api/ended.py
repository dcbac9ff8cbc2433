"""Sessions of browsers that were ended: their tokens are signed and not yet over, and count no more."""

import json
from pathlib import Path
from threading import Lock
from time import time

from trainshed.api.tokens import SKEW_SECONDS, write_private


class Ended:
    """The ids of sessions that were ended, kept in a file until their tokens are over by themselves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._until: dict[str, float] = json.loads(path.read_bytes()) if path.exists() else {}

    def __contains__(self, session: str) -> bool:
        """Tell whether a session was ended."""
        return session in self._until

    def add(self, session: str, until: float) -> None:
        """End a session whose token is over at a time; on disk when this returns."""
        with self._lock:
            now = time()
            kept = {known: end for known, end in self._until.items() if end + SKEW_SECONDS >= now}
            self._until = {**kept, session: until}
            write_private(self._path, json.dumps(self._until).encode())
