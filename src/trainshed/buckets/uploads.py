"""Resumable uploads under way. Nothing here was acknowledged: after a restart a client is told to begin anew."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trainshed import names
from trainshed.blobs import Object, Staged
from trainshed.buckets.model import Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument, NotFound

_LIFETIME = timedelta(days=7)  # as Cloud Storage's sessions


@dataclass
class Session:
    """One upload: what it is to become, what has arrived, and what it became."""

    upload_id: str
    wanted: Wanted
    staged: Staged
    start_time: datetime
    size: int | None = None  # what the caller said at the beginning
    done: Object | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def received(self) -> int:
        """Bytes that have arrived."""
        return self.staged.checksums.size

    def write(self, offset: int, data: bytes) -> None:
        """Take bytes that begin at `offset`; those that arrived before are passed over. Raises InvalidArgument."""
        with self.lock:
            if offset > self.received:
                raise InvalidArgument.field(
                    "Content-Range",
                    f"begins at {offset}, but only {self.received} bytes have arrived: go on from there.",
                )
            self.staged.write(data[self.received - offset :])


class Uploads:
    """The sessions of this server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._lock = threading.Lock()

    def begin(self, wanted: Wanted, staged: Staged, *, size: int | None = None) -> Session:
        """Open a session."""
        session = Session(
            upload_id=names.short_id(32), wanted=wanted, staged=staged, start_time=self._clock.now(), size=size
        )
        with self._lock:
            self._sessions[session.upload_id] = session
        return session

    def get(self, upload_id: str) -> Session:
        """Find a session. Raises NotFound."""
        with self._lock:
            session = self._sessions.get(upload_id)
        if session is None:
            raise NotFound("There is no such upload; it ended or the server was restarted. Begin it anew.")
        return session

    def forget(self, upload_id: str) -> None:
        """Drop a session that failed; its client is told to begin anew."""
        with self._lock:
            self._sessions.pop(upload_id, None)

    def cancel(self, upload_id: str) -> None:
        """Give an upload up. Raises NotFound."""
        session = self.get(upload_id)
        self.forget(upload_id)
        with session.lock:
            if session.done is None:
                session.staged.discard()

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        limit = self._clock.now() - _LIFETIME
        with self._lock:
            old = [s.upload_id for s in self._sessions.values() if s.start_time < limit]
        for upload_id in old:
            self.cancel(upload_id)
