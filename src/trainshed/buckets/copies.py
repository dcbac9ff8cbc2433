"""Objects made of other objects: copied, rewritten in steps, composed, moved, restored. Bytes first, then one transaction."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection

from trainshed.blobs import CHUNK, Object, Staged
from trainshed.buckets.model import Source, Wanted
from trainshed.buckets.objects import Objects
from trainshed.buckets.rewrites import Progress, Rewrite, Rewrites
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound, PermissionDenied

MOST_SOURCES = 32  # of one compose, as Cloud Storage
_STEP = 256 << 20  # bytes of one rewrite request where the caller names no number: a second or two
_LEAST_STEP = 1 << 20
_REFUSALS = (FailedPrecondition, InvalidArgument, NotFound, PermissionDenied)


class Copies:
    """Verbs that make objects of objects."""

    def __init__(self, objects: Objects) -> None:
        self._objects = objects
        self.rewrites = Rewrites(objects.clock)

    def copy(self, source: Source, wanted: Wanted, *, keep_metadata: bool) -> Object:
        """Copy an object. Raises NotFound, PreconditionFailed."""
        found = self._read(source)
        return self._objects.put(self._concatenate([found]), _as(found, wanted, keep_metadata=keep_metadata))

    def rewrite(
        self, source: Source, wanted: Wanted, *, keep_metadata: bool, token: str = "", limit: int | None = None
    ) -> Progress:
        """Copy an object, or as much of it as one request may take. Raises NotFound, PreconditionFailed, InvalidArgument."""
        if limit is not None and limit < _LEAST_STEP:
            raise InvalidArgument.field("maxBytesRewrittenPerCall", f"is less than {_LEAST_STEP}.")
        if token:
            rewrite = self.rewrites.get(token, source=source, target=wanted)
        else:
            found = self._read(source)
            self._objects.get_bucket(wanted.bucket)
            wanted = _as(found, wanted, keep_metadata=keep_metadata)
            rewrite = self.rewrites.begin(found, wanted, self._objects.blobs.stage(wanted.bucket))
        with rewrite.lock:
            self.rewrites.get(rewrite.token, source=source, target=wanted)  # another request may have ended it
            return self._go_on(rewrite, _STEP if limit is None else limit)

    def compose(self, sources: Sequence[Source], wanted: Wanted, *, delete_sources: bool = False) -> Object:
        """Make one object of several, end to end. Raises NotFound, PreconditionFailed, InvalidArgument."""
        if not 1 <= len(sources) <= MOST_SOURCES:
            raise InvalidArgument.field("sourceObjects", f"name 1 to {MOST_SOURCES} objects, not {len(sources)}.")
        found = [self._read(source) for source in sources]
        staged = self._concatenate(found)
        count = sum(obj.component_count or 1 for obj in found)
        wanted = replace(wanted, content_type=wanted.content_type or found[0].content_type)
        staged.close()

        def verb(conn: Connection) -> Object:
            made = self._objects.commit_in(conn, staged, wanted, component_count=count)
            for bucket, name, generation in {(o.bucket, o.name, o.generation) for o in found if delete_sources}:
                if (bucket, name) != (made.bucket, made.name):
                    self._objects.blobs.delete(conn, bucket, name, if_generation_match=generation)
            return made

        return self._write(staged, verb)

    def move(self, source: Source, wanted: Wanted) -> Object:
        """Give an object another name in its bucket: both or neither. Raises NotFound, PreconditionFailed."""
        if source.name == wanted.name:
            raise InvalidArgument.field("destinationObject", "is the name that the object has.")
        found = self._read(source)
        staged = self._concatenate([found])
        wanted = _as(found, wanted, keep_metadata=True)
        staged.close()

        def verb(conn: Connection) -> Object:
            made = self._objects.commit_in(conn, staged, wanted)
            self._objects.blobs.delete(conn, source.bucket, source.name, if_generation_match=found.generation)
            return made

        return self._write(staged, verb)

    def restore(self, source: Source, wanted: Wanted) -> Object:
        """Bring back what was replaced or removed, as a new generation. Raises NotFound, PreconditionFailed."""
        found = self._objects.get(source.bucket, source.name, source.generation, soft_deleted=True)
        if not found.is_soft_deleted:
            raise InvalidArgument.field("generation", f"{found.generation} is not gone: there is nothing to restore.")
        return self._objects.put(self._concatenate([found]), _as(found, wanted, keep_metadata=True))

    def _read(self, source: Source) -> Object:
        conditions: dict[str, Any] = dict(source.conditions)
        return self._objects.get(source.bucket, source.name, source.generation, **conditions)

    def _write(self, staged: Staged, verb: Callable[[Connection], Object]) -> Object:
        try:
            return self._objects.db.write(verb)
        except _REFUSALS:  # nothing was committed; after any other error nobody knows
            staged.discard()
            raise

    def _go_on(self, rewrite: Rewrite, limit: int) -> Progress:
        source = rewrite.source
        try:
            self._append(rewrite.staged, source, limit)
            if rewrite.written < source.size:
                return Progress(written=rewrite.written, size=source.size, token=rewrite.token)
            made = self._objects.put(rewrite.staged, replace(rewrite.wanted, crc32c=source.crc32c))
        except BaseException:
            self.rewrites.forget(rewrite.token)
            self._objects.blobs.give_up(rewrite.staged)
            raise
        self.rewrites.forget(rewrite.token)
        return Progress(written=source.size, size=source.size, made=made)

    def _append(self, staged: Staged, source: Object, limit: int) -> None:
        with self._objects.blobs.open(source) as file:
            file.seek(staged.checksums.size)
            while limit and (data := file.read(min(limit, CHUNK))):
                staged.write(data)
                limit -= len(data)

    def _concatenate(self, objects: Sequence[Object]) -> Staged:
        with self._objects.blobs.stage() as staged:
            for obj in objects:
                with self._objects.blobs.open(obj) as file:
                    while data := file.read(CHUNK):
                        staged.write(data)
        return staged


def _as(found: Object, wanted: Wanted, *, keep_metadata: bool) -> Wanted:
    """Answer what a copy is to become: all as the source, or as the request says, but for a type it does not name."""
    if keep_metadata:
        held = {"eventBasedHold", "temporaryHold"}  # a copy is free
        properties = {name: value for name, value in found.properties.items() if name not in held}
        return replace(wanted, content_type=found.content_type, metadata=found.metadata, properties=properties)
    return replace(wanted, content_type=wanted.content_type or found.content_type)
