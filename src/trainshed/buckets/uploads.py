"""Resumable uploads under way. Nothing here was acknowledged: after a restart a client is told to begin anew."""

from dataclasses import dataclass

from trainshed import names
from trainshed.blobs import Object, Staged
from trainshed.buckets.begun import Begun, Unfinished
from trainshed.buckets.model import Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument, NotFound

MOST_UPLOADS = 300  # each holds an open file


@dataclass(kw_only=True)
class Session(Unfinished):
    """One upload: what it is to become, what has arrived, and what it became."""

    upload_id: str
    staged: Staged
    clock: Clock
    size: int | None = None  # what the caller said at the beginning
    done: Object | None = None

    @property
    def received(self) -> int:
        """Bytes that have arrived."""
        return self.staged.checksums.size

    @property
    def takes_room(self) -> bool:
        """Whether its file is open."""
        return self.done is None

    def write(self, offset: int, data: bytes) -> None:
        """Take bytes that begin at `offset`; those that arrived before are passed over. Raises InvalidArgument."""
        with self.lock:
            if offset > self.received:
                raise InvalidArgument.field(
                    "Content-Range",
                    f"begins at {offset}, but only {self.received} bytes have arrived: go on from there.",
                )
            self.used_time = self.clock.now()
            self.staged.write(data[self.received - offset :])

    def give_up(self) -> None:
        """Remove what arrived, unless it became an object."""
        with self.lock:
            if self.done is None:
                self.staged.discard()


class Uploads:
    """The sessions of this server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sessions = Begun[Session](clock, most=MOST_UPLOADS)

    def begin(self, wanted: Wanted, staged: Staged, *, size: int | None = None) -> Session:
        """Open a session. Raises ResourceExhausted."""
        session = Session(
            upload_id=names.short_id(32),
            wanted=wanted,
            staged=staged,
            start_time=self._clock.now(),
            clock=self._clock,
            size=size,
        )
        self._sessions.add(session.upload_id, session)
        return session

    def get(self, upload_id: str) -> Session:
        """Find a session. Raises NotFound."""
        session = self._sessions.get(upload_id)
        if session is None:
            raise NotFound("There is no such upload; it ended or the server was restarted. Begin it anew.")
        return session

    def forget(self, upload_id: str) -> None:
        """Drop a session that failed; its client is told to begin anew."""
        self._sessions.forget(upload_id)

    def cancel(self, upload_id: str) -> None:
        """Give an upload up. Raises NotFound."""
        session = self.get(upload_id)
        self.forget(upload_id)
        session.give_up()

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        self._sessions.expire()
