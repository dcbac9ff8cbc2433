"""Objects read and made: what every other verb of the buckets feature is built on."""

from collections.abc import Mapping
from typing import Any, BinaryIO

from sqlalchemy import Connection

from trainshed.blobs import Attributes, Blobs, Bucket, Conditions, Object, Staged, Upkeep, check_object
from trainshed.blobs import store as store_blobs
from trainshed.buckets import resource
from trainshed.buckets.model import Wanted
from trainshed.clock import Clock
from trainshed.errors import InvalidArgument, NotFound
from trainshed.sql import Database


class Objects:
    """Reads objects as their files are now, and makes objects of what was staged."""

    def __init__(self, db: Database, clock: Clock, blobs: Blobs) -> None:
        self.db = db
        self.clock = clock
        self.blobs = blobs
        self.upkeep = Upkeep(blobs, db, clock)

    def get_bucket(self, name: str, **conditions: int | None) -> Bucket:
        """Read a bucket. Raises NotFound, PreconditionFailed."""
        return self.db.read(lambda conn: self._bucket(conn, name, conditions))

    def get(
        self,
        bucket: str,
        name: str,
        generation: int | None = None,
        *,
        soft_deleted: bool = False,
        **conditions: int | None,
    ) -> Object:
        """Read an object as its file is now, or one of its generations. Raises NotFound, PreconditionFailed."""
        live = self.upkeep.current(bucket, check_object(name))
        if live is not None and generation in {None, live.generation}:
            found = live
        else:
            found = self.db.read(lambda conn: self.blobs.get(conn, bucket, name, generation))
        if not soft_deleted:
            require_there(found)
        Conditions(**conditions).check(found)
        return found

    def open(self, obj: Object) -> BinaryIO:
        """Open the bytes of a generation. Raises NotFound."""
        return self.blobs.open(obj)

    def put(self, staged: Staged, wanted: Wanted) -> Object:
        """Make a staged file an object. Raises InvalidArgument when its checksums are not those that were promised."""
        staged.close()
        try:
            _check_promise(staged, wanted)
        except InvalidArgument:
            staged.discard()
            raise
        return self.db.write(lambda conn: self.commit_in(conn, staged, wanted))

    def commit_in(self, conn: Connection, staged: Staged, wanted: Wanted, *, component_count: int = 0) -> Object:
        """Make a staged file an object in the caller's transaction; what is not said comes from the bucket."""
        conditions: dict[str, Any] = dict(wanted.conditions)
        bucket = store_blobs.find_bucket(conn, wanted.bucket)
        attributes = Attributes(
            content_type=wanted.content_type,
            metadata=wanted.metadata,
            properties={**(resource.inherited(bucket) if bucket else {}), **wanted.properties},
            component_count=component_count,
        )
        return self.blobs.commit(conn, staged, wanted.bucket, wanted.name, attributes, **conditions)

    def _bucket(self, conn: Connection, name: str, conditions: Mapping[str, int | None]) -> Bucket:
        found = self.blobs.get_bucket(conn, name)
        Conditions(**conditions).check_metageneration(found.metageneration)
        return found


def require_there(obj: Object) -> None:
    """Raise NotFound for a generation that was replaced or removed."""
    if obj.is_soft_deleted:
        raise NotFound(
            f"Generation {obj.generation} of {obj.uri} was replaced or removed; softDeleted=true reads it.",
            reason="OBJECT_NOT_FOUND",
        )


def _check_promise(staged: Staged, wanted: Wanted) -> None:
    for field, promised, found in (
        ("crc32c", wanted.crc32c, staged.checksums.crc32c),
        ("md5Hash", wanted.md5, staged.checksums.md5),
    ):
        if promised and promised != found:
            raise InvalidArgument.field(
                field,
                f"the request says {promised!r}, but what arrived has {found!r}: send it again.",
                reason="CHECKSUM_MISMATCH",
            )
