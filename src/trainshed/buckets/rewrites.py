"""Copies that go on over several requests, each with the token of the one before. Nothing here was acknowledged."""

import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from trainshed import names
from trainshed.blobs import Object, Staged
from trainshed.buckets.model import Source, Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument

_LIFETIME = timedelta(days=7)  # as Cloud Storage's tokens


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a rewrite has come; the object once it is there, the token until then."""

    written: int
    size: int
    token: str = ""
    made: Object | None = None


@dataclass(kw_only=True)
class Rewrite:
    """One copy under way."""

    token: str
    source: Object
    wanted: Wanted
    staged: Staged
    start_time: datetime
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def written(self) -> int:
        """Bytes copied so far."""
        return self.staged.checksums.size


class Rewrites:
    """The copies under way in this server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._rewrites: dict[str, Rewrite] = {}

    def begin(self, source: Object, wanted: Wanted, staged: Staged) -> Rewrite:
        """Open one."""
        made = Rewrite(
            token=names.short_id(40), source=source, wanted=wanted, staged=staged, start_time=self._clock.now()
        )
        with self._lock:
            self._rewrites[made.token] = made
        return made

    def get(self, token: str, *, source: Source, target: Wanted) -> Rewrite:
        """Find the one that a token stands for. Raises InvalidArgument."""
        with self._lock:
            found = self._rewrites.get(token)
        if found is None:
            raise InvalidArgument.field(
                "rewriteToken", "is none of this server: the copy ended or the server was restarted. Begin it anew."
            )
        begun = (found.source.bucket, found.source.name, found.wanted.bucket, found.wanted.name)
        if begun != (source.bucket, source.name, target.bucket, target.name):
            raise InvalidArgument.field("rewriteToken", "belongs to a copy of other objects.")
        return found

    def forget(self, token: str) -> None:
        """Drop one that ended."""
        with self._lock:
            self._rewrites.pop(token, None)

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        limit = self._clock.now() - _LIFETIME
        with self._lock:
            old = [r for r in self._rewrites.values() if r.start_time < limit]
        for rewrite in old:
            self.forget(rewrite.token)
            with rewrite.lock:
                rewrite.staged.discard()
