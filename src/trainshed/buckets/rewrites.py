"""Copies that go on over several requests, each with the token of the one before. Nothing here was acknowledged."""

from dataclasses import dataclass

from trainshed import names
from trainshed.blobs import Object, Staged
from trainshed.buckets.begun import Begun, Unfinished
from trainshed.buckets.model import Source, Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument

MOST_REWRITES = 100  # each holds an open file


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a rewrite has come; the object once it is there, the token until then."""

    written: int
    size: int
    token: str = ""
    made: Object | None = None


@dataclass(kw_only=True)
class Rewrite(Unfinished):
    """One copy under way."""

    token: str
    source: Object
    staged: Staged

    @property
    def written(self) -> int:
        """Bytes copied so far."""
        return self.staged.checksums.size

    def give_up(self) -> None:
        """Remove what was copied."""
        with self.lock:
            self.staged.discard()


class Rewrites:
    """The copies under way in this server."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rewrites = Begun[Rewrite](clock, most=MOST_REWRITES)

    def begin(self, source: Object, wanted: Wanted, staged: Staged) -> Rewrite:
        """Open one. Raises ResourceExhausted."""
        made = Rewrite(
            token=names.short_id(40), source=source, wanted=wanted, staged=staged, start_time=self._clock.now()
        )
        self._rewrites.add(made.token, made)
        return made

    def get(self, token: str, *, source: Source, target: Wanted) -> Rewrite:
        """Find the one that a token stands for. Raises InvalidArgument."""
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
        self._rewrites.forget(token)

    def expire(self) -> None:
        """Give up what was begun a week ago."""
        self._rewrites.expire()
