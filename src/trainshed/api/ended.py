"""Sessions of browsers that were ended: their tokens are signed and not yet over, and count no more."""

import json
from collections.abc import Callable
from pathlib import Path
from threading import Lock
from time import time

from trainshed.api.tokens import SKEW_SECONDS, write_private


class Ended:
    """The ids of sessions that were ended, kept in a file until their tokens are over by themselves."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._listeners: dict[str, list[Callable[[], None]]] = {}
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
            told = tuple(self._listeners.get(session, ()))
        for tell in told:
            tell()

    def when(self, session: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Call back once a session is ended, at once where it was; answer what forgets that. From any thread."""
        with self._lock:
            is_ended = session in self._until
            self._listeners.setdefault(session, []).append(tell)
        if is_ended:
            tell()

        def forget() -> None:
            with self._lock:
                kept = self._listeners[session]
                kept.remove(tell)
                if not kept:
                    del self._listeners[session]

        return forget
