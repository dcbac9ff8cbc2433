"""The verbs of the object store. Writes work inside the caller's transaction; the bytes follow right after COMMIT."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from io import BytesIO
from mimetypes import guess_type
from pathlib import Path
from typing import Any, BinaryIO

from sqlalchemy import Connection

from trainshed.blobs import adoption, files, holds, paths, store
from trainshed.blobs.adoption import Found
from trainshed.blobs.files import Staged
from trainshed.blobs.model import Attributes, Bucket, BucketNotEmpty, Conditions, Object
from trainshed.blobs.shelf import Shelf
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists, NotFound
from trainshed.sql import after_commit, append, notify

log = logging.getLogger(__name__)
CHANNEL = "blobs"  # notified when files have to be settled
CHANGED = "changed blobs"  # notified when a bucket or an object is made, changed or deleted
FINALIZE, DELETE, ARCHIVE, UPDATE = "OBJECT_FINALIZE", "OBJECT_DELETE", "OBJECT_ARCHIVE", "OBJECT_METADATA_UPDATE"
_UNSAID = Attributes()  # the type follows from the name


class Blobs:
    """Buckets and objects in folders below `root`."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self.root = root
        self.shelf = Shelf(root)
        self.offered: set[str] = set()  # staged files that are to be objects, if their transaction is committed
        self._clock = clock

    # Buckets

    def create_bucket(self, conn: Connection, bucket: str, properties: Mapping[str, Any] | None = None) -> Bucket:
        """Make a bucket. Raises AlreadyExists."""
        paths.check_bucket(bucket)
        if not store.insert_bucket(conn, bucket, properties or {}, now=self._clock.now()):
            raise AlreadyExists(f"Bucket {bucket!r} exists already.", reason="BUCKET_EXISTS")
        after_commit(conn, partial(self.shelf.add_bucket, bucket))
        notify(conn, CHANGED)
        return self.get_bucket(conn, bucket)

    def get_bucket(self, conn: Connection, bucket: str) -> Bucket:
        """Read a bucket. Raises NotFound."""
        found = store.find_bucket(conn, bucket)
        if found is None:
            raise NotFound(
                f"There is no bucket {bucket!r}; make it with `trainshed storage buckets create gs://{bucket}`.",
                reason="BUCKET_NOT_FOUND",
            )
        return found

    def has_bucket(self, conn: Connection, bucket: str) -> bool:
        """Tell whether there is a bucket."""
        return store.find_bucket(conn, bucket) is not None

    def update_bucket(self, conn: Connection, bucket: str, properties: Mapping[str, Any]) -> Bucket:
        """Replace a bucket's properties. Raises NotFound."""
        self.get_bucket(conn, bucket)
        store.update_bucket(conn, bucket, properties, now=self._clock.now())
        notify(conn, CHANGED)
        return self.get_bucket(conn, bucket)

    def delete_bucket(self, conn: Connection, bucket: str) -> None:
        """Remove an empty bucket. Raises NotFound, FailedPrecondition when there are objects in it."""
        self.get_bucket(conn, bucket)
        if next(self.list(conn, bucket, versions=True, limit=1), None) or next(adoption.scan(self.shelf, bucket), None):
            raise BucketNotEmpty(  # its first sentence is Google's: gsutil looks for it
                f"The bucket you tried to delete is not empty. Remove the objects of {bucket!r} first, old versions too."
            )
        store.delete_bucket(conn, bucket)
        after_commit(conn, partial(self.shelf.remove_bucket, bucket))
        notify(conn, CHANGED)

    # Bytes on their way in

    def stage(self, bucket: str = "") -> Staged:  # noqa: ARG002  (all buckets are on one file system; callers name theirs)
        """Begin an object: `with blobs.stage(b) as staged: staged.write(…)`, then `commit`."""
        return Staged(self.shelf.staging)

    def stage_bytes(self, data: bytes) -> Staged:
        """Stage bytes."""
        return self._stage_from(BytesIO(data))

    def stage_file(self, path: Path, *, move: bool = False) -> Staged:
        """Stage a copy of a file; with `move` the file itself is removed."""
        with path.open("rb") as source:
            staged = self._stage_from(source)
        if move:
            path.unlink()
        return staged

    def stage_tree(self, folder: Path) -> list[tuple[str, Staged]]:
        """Stage every regular file of a folder, links left out; answer (relative name, staged)."""
        return [
            (path.relative_to(folder).as_posix(), self.stage_file(path))
            for path in sorted(folder.rglob("*"))
            if path.is_file() and not _is_linked(path, folder)
        ]

    def give_up(self, staged: Staged) -> None:
        """Remove what was staged and is not needed; what was given to a transaction stays until its end is known.

        A commit that failed may be on disk; `Upkeep.settle` looks, and makes an object of the file or removes it.
        """
        if staged.path.name not in self.offered:
            staged.discard()

    # Changes

    def commit(
        self,
        conn: Connection,
        staged: Staged,
        bucket: str,
        name: str,
        attributes: Attributes = _UNSAID,
        *,
        parent_receipt_id: str = "",
        may_come_again: bool = False,
        **conditions: int | None,
    ) -> Object:
        """Make a staged file the live generation of an object, once the caller's transaction commits.

        `conditions` are if_generation_match and its kin. Raises NotFound (the bucket), InvalidArgument (the name),
        PreconditionFailed; the staged file is discarded then, unless the caller `may_come_again` with it.
        """
        try:
            paths.check_object(name)
            kept_in = self.get_bucket(conn, bucket)
            staged.close()
            before = self.see(conn, bucket, name)
            Conditions(**conditions).check(before)
            holds.check(before, kept_in, now=self._clock.now())
        except Exception:
            if not may_come_again:
                staged.discard()
            raise
        obj = self._new(conn, staged, bucket, name, attributes)
        self._begin(conn, obj, before, parent_receipt_id=parent_receipt_id)
        after_commit(conn, partial(self._take, obj, before))
        if not may_come_again:
            self.offered.add(obj.staged)
        return obj

    def delete(
        self, conn: Connection, bucket: str, name: str, *, generation: int | None = None, **conditions: int | None
    ) -> None:
        """End the live generation, or a given one; one that is gone is destroyed.

        Raises NotFound, PreconditionFailed, PermissionDenied (it is held).
        """
        live = self.see(conn, bucket, name)
        obj = live if generation is None or (live and live.generation == generation) else None
        obj = obj or self.get(conn, bucket, name, generation)
        Conditions(**conditions).check(obj)
        holds.check(obj, self.get_bucket(conn, bucket), now=self._clock.now())
        if obj.is_soft_deleted:
            store.remove(conn, obj)
            after_commit(conn, partial(self.shelf.destroy, obj))
            notify(conn, CHANGED)
            return
        self._end(conn, obj, for_good=generation is not None)
        if obj is live:
            after_commit(conn, partial(self.shelf.put_away, obj))

    def update(
        self,
        conn: Connection,
        bucket: str,
        name: str,
        changes: Mapping[str, Any],
        *,
        generation: int | None = None,
        **conditions: int | None,
    ) -> Object:
        """Change content_type, metadata or properties of a generation, which counts its metageneration up."""
        self.see(conn, bucket, name)
        obj = self.get(conn, bucket, name, generation)
        Conditions(**conditions).check(obj)
        changed = replace(obj, **changes, metageneration=obj.metageneration + 1, update_time=self._clock.now())
        fields = ("content_type", "metadata", "properties", "metageneration", "update_time")
        store.set_values(conn, obj, **{field: getattr(changed, field) for field in fields})
        self._announce(conn, changed, UPDATE)
        return changed

    # Reading: answers what the rows say; `see` and `refresh` make the rows say what the files are

    def get(self, conn: Connection, bucket: str, name: str, generation: int | None = None) -> Object:
        """Read the live generation, or a given one while it is kept. Raises NotFound."""
        obj = store.find(conn, bucket, name, generation)
        if obj is None:
            self.get_bucket(conn, bucket)
            which = "" if generation is None else f" with generation {generation}"
            raise NotFound(f"No such object: gs://{bucket}/{name}{which}.", reason="OBJECT_NOT_FOUND")
        return obj

    def list(self, conn: Connection, bucket: str, prefix: str = "", **selection: Any) -> Iterator[Object]:
        """Read objects in the order of their names; selection as of `store.list_objects`."""
        self.get_bucket(conn, bucket)
        return store.list_objects(conn, bucket, prefix=prefix, **selection)

    def folders(self, conn: Connection, bucket: str, prefix: str) -> Sequence[str]:
        """Answer the folders right below one, which ends in a slash; below none those of the bucket. Raises NotFound."""
        self.get_bucket(conn, bucket)
        return store.folders(conn, bucket, prefix)

    def open(self, obj: Object) -> BinaryIO:
        """Open the bytes of exactly this generation. Raises NotFound when they are gone."""
        return self.shelf.open(obj)

    def local_path(self, obj: Object) -> Path:
        """Answer the file of this generation, to be read only. Raises NotFound when it is gone."""
        return self.shelf.find(obj)

    def present(self, conn: Connection, bucket: str, name: str) -> Sequence[Object]:
        """Answer an object, or what is below it as a folder, as the files are now; for what must not see old bytes.

        Writes nothing: what was changed by hand and has not been seen yet has generation 0. Raises NotFound (the bucket).
        """
        self.get_bucket(conn, bucket)
        return adoption.present(conn, self.shelf, bucket, name)

    def generations(self, conn: Connection, uri: str) -> tuple[tuple[str, int, str], ...]:
        """Answer (name, generation, crc32c) of what is present at an address; for cache keys."""
        return tuple((o.name, o.generation, o.crc32c) for o in self.present(conn, *paths.parse_uri(uri)))

    # Files changed by hand

    def see(self, conn: Connection, bucket: str, name: str, found: Found | None = None) -> Object | None:
        """Answer the live object after making its row say what its file is; None when there is no such object.

        Raises NotFound for a bucket that is not there. Needs a connection that may write. A file whose content has to be
        read first may be given as `found`.
        """
        row = store.find(conn, bucket, name)
        if row is not None and adoption.is_current(self.shelf, row):
            return row
        if row is None and not (paths.is_plain(name) and paths.is_bucket(bucket)):
            return None
        if row is None:
            self.get_bucket(conn, bucket)
        adoption.require_folder(conn, self.shelf, bucket)
        path = row.path if row else paths.plain(bucket, name)
        if found is None or found.path != path or not adoption.holds(self.shelf, found):
            found = adoption.read(self.shelf, path)
        if found is None:
            return self._missing(conn, row)
        if row is not None and adoption.is_same(row, found):
            return self._touch(conn, row, found)
        return self._take_in(conn, row, found, bucket, name)

    def _missing(self, conn: Connection, row: Object | None) -> Object | None:
        if row is not None and files.look(self.root, row.path) is None:
            self._end(conn, row, for_good=True)
            return None
        return row  # it is changing right now; it is seen once it rests

    def _touch(self, conn: Connection, row: Object, found: Found) -> Object:
        touched = adoption.touched(row, found)
        store.set_values(conn, row, stamp=touched.stamp, changed=touched.changed)
        return touched

    def _take_in(self, conn: Connection, row: Object | None, found: Found, bucket: str, name: str) -> Object | None:
        if row is None and (old := adoption.leftover(conn, bucket, name, found.path, found.stamp)):
            after_commit(conn, partial(self.shelf.put_away, old))
            return None
        if row is None and store.path_is_taken(conn, found.path, [], name):
            return None
        now = self._clock.now()
        generation = store.next_generation(conn, now)
        obj = adoption.object_of(found, bucket, name, generation=generation, now=now)
        self._begin(conn, obj, row)
        log.info("File %s is now an object.", obj.uri, extra={"action": "object_adopted", **obj.log_context()})
        return obj

    # Inner workings

    def _stage_from(self, source: BinaryIO) -> Staged:
        with self.stage() as staged:
            files.copy_into(staged, source)
        return staged

    def _new(self, conn: Connection, staged: Staged, bucket: str, name: str, attributes: Attributes) -> Object:
        now = self._clock.now()
        return Object(
            bucket=bucket,
            name=name,
            generation=store.next_generation(conn, now),
            metageneration=1,
            size=staged.checksums.size,
            crc32c=staged.checksums.crc32c,
            md5="" if attributes.component_count else staged.checksums.md5,
            content_type=attributes.content_type or guess_type(name)[0] or "application/octet-stream",
            metadata=dict(attributes.metadata),
            properties=dict(attributes.properties),
            component_count=attributes.component_count,
            create_time=now,
            update_time=now,
            path=self._path_for(conn, bucket, name),
            staged=staged.path.name,
            stamp=staged.stamp,
        )

    def _path_for(self, conn: Connection, bucket: str, name: str) -> str:
        plain = paths.plain(bucket, name)
        if (
            paths.is_plain(name)
            and files.is_free(self.root, plain)
            and not store.path_is_taken(conn, plain, paths.parents(plain), name)
        ):
            return plain
        return paths.escaped(bucket, name)

    def _begin(self, conn: Connection, obj: Object, before: Object | None, *, parent_receipt_id: str = "") -> None:
        if before is not None:
            self._end(conn, before, overwritten_by=obj.generation)
        store.insert(conn, obj)
        overwrote = before.generation if before else 0
        self._announce(conn, obj, FINALIZE, overwrote=overwrote, parent_receipt_id=parent_receipt_id)
        notify(conn, CHANNEL)

    def _end(self, conn: Connection, obj: Object, *, for_good: bool = False, overwritten_by: int = 0) -> None:
        archived = not for_good and self.get_bucket(conn, obj.bucket).has_versioning
        store.set_values(conn, obj, delete_time=self._clock.now(), archived=archived)
        self._announce(conn, obj, ARCHIVE if archived else DELETE, overwritten_by=overwritten_by)

    def _take(self, obj: Object, before: Object | None) -> None:
        self.offered.discard(obj.staged)
        self.shelf.take(obj, before)

    def _announce(self, conn: Connection, obj: Object, event_type: str, **more: Any) -> None:
        payload = {"bucket": obj.bucket, "name": obj.name, "generation": obj.generation, "event_type": event_type}
        payload["time"] = self._clock.now().isoformat()
        append(conn, "object.changed", payload | {k: v for k, v in more.items() if v}, now=self._clock.now())
        notify(conn, CHANGED)


def _is_linked(path: Path, folder: Path) -> bool:
    return any(p.is_symlink() for p in [path, *path.parents] if p != folder and p.is_relative_to(folder))
