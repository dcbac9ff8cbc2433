"""Keeping files and rows in step: finish renames, look for files changed by hand, forget old generations."""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from trainshed.blobs import adoption, files, paths, store
from trainshed.blobs.model import Object
from trainshed.blobs.objects import Blobs
from trainshed.clock import Clock
from trainshed.errors import AlreadyExists
from trainshed.sql import Database, after_commit

_BATCH = 500
T = TypeVar("T")


def _go_on() -> None:
    """Do not rest."""


def _stepping(found: Iterable[T], step: Callable[[], None]) -> Iterator[T]:
    """Answer what is given, and call for each after it."""
    for one in found:
        yield one
        step()


@dataclass(frozen=True)
class _Tried:
    """Which files got to their paths, and which cannot lie there; known once the transaction is on disk."""

    placed: list[Object] = field(default_factory=list)
    misplaced: list[Object] = field(default_factory=list)


class Upkeep:
    """What is done outside the verbs, from a duty or at start-up."""

    def __init__(self, blobs: Blobs, db: Database, clock: Clock) -> None:
        self._blobs = blobs
        self._shelf = blobs.shelf
        self._db = db
        self._clock = clock

    def recover(self) -> None:
        """After a crash: finish renames, remove files that became nothing or are nobody's. Before anything else writes."""
        self._blobs.root.mkdir(parents=True, exist_ok=True)
        self.settle()
        self._add_folders()
        self._destroy_again()
        known = {obj.staged for obj in self._db.read(partial(store.unplaced, limit=1_000_000))}
        for path in list(self._shelf.stale(known)):
            path.unlink(missing_ok=True)

    def settle(self) -> int:
        """Make sure that committed files are at their paths, and on disk there; answer how many.

        Those whose transaction failed at its end are removed: who gave them tries again with others.
        """
        if self._blobs.offered:
            self._db.write(self._drop_unwanted)
        done = 0
        while self._shelf.staging.is_dir() and self._db.read(partial(store.unplaced, limit=1)):  # else the disk is away
            tried = self._db.write(self._place_all)
            if not tried.placed and not tried.misplaced:
                break
            self._shelf.sync(tried.placed)
            self._db.write(partial(self._mark, tried=tried))
            done += len(tried.placed)
        return done

    def refresh(self, bucket: str, prefix: str = "") -> int:
        """Make the rows of a bucket say what its files are; answer how many differed."""
        differing = self.differing(bucket, prefix)
        for name in differing:
            self.refresh_object(bucket, name, self._db.read(partial(store.find, bucket=bucket, name=name)))
        return len(differing)

    def differing(self, bucket: str, prefix: str = "", *, step: Callable[[], None] = _go_on) -> dict[str, str]:
        """Answer the names whose files are not as their rows say, with the stamp of the file (empty: it is gone).

        `step` is called for each object and each file, of which there may be very many.
        """

        def read(conn: Connection) -> dict[str, Object]:
            return {obj.name: obj for obj in _stepping(self._blobs.list(conn, bucket, prefix), step)}

        rows = self._db.read(read)
        self._db.read(partial(adoption.require_folder, shelf=self._shelf, bucket=bucket))
        found = {
            name: files.stamp_of(status)
            for name, status in _stepping(adoption.scan(self._shelf, bucket, prefix), step)
            if name not in rows
        }
        for name, obj in _stepping(rows.items(), step):
            if not adoption.is_current(self._shelf, obj):
                status = files.look(self._blobs.root, obj.path)
                found[name] = files.stamp_of(status) if status else ""
        return found

    def refresh_object(self, bucket: str, name: str, row: Object | None) -> Object | None:
        """Make one row say what its file is; answer the live object."""
        found = None
        if row is None or not self._shelf.is_staged(row):
            found = adoption.read(self._shelf, row.path if row else paths.plain(bucket, name))
        return self._db.write(lambda conn: self._blobs.see(conn, bucket, name, found))

    def current(self, bucket: str, name: str) -> Object | None:
        """Answer the live object as its file is now; writes only when they differ."""
        row = self._db.read(lambda conn: store.find(conn, bucket, name))
        if row is not None and adoption.is_current(self._shelf, row):
            return row
        if row is None and (not paths.is_plain(name) or files.look(self._blobs.root, f"{bucket}/{name}") is None):
            return None
        return self.refresh_object(bucket, name, row)

    def adopt_buckets(self) -> list[str]:
        """Make buckets of folders that were put beside the others by hand; answer their names.

        One in which nothing lies is none yet: it may be what a crash left of a bucket that was deleted.
        """
        known = {bucket.name for bucket in self._db.read(partial(store.list_buckets, limit=1_000_000))}
        folders = [entry for entry in os.scandir(self._blobs.root) if entry.is_dir(follow_symlinks=False)]
        new = []
        for name in (entry.name for entry in folders if entry.name not in known and paths.is_bucket(entry.name)):
            if next(adoption.scan(self._shelf, name), None) is None:
                continue
            with suppress(AlreadyExists):  # somebody makes it at this moment
                self._db.write(partial(self._blobs.create_bucket, bucket=name))
                new.append(name)
        return new

    def forget(self) -> int:
        """Destroy ended generations whose time is over; answer how many."""
        gone = 0
        while more := self._db.write(self._forget):
            gone += more
        return gone

    def _add_folders(self) -> None:
        for bucket in self._db.read(partial(store.list_buckets, limit=1_000_000)):
            if not self._db.read(partial(store.has_objects, bucket=bucket.name)):  # else its disk may be away
                with suppress(OSError):  # a link to a disk that is away
                    self._shelf.add_bucket(bucket.name)

    def _destroy_again(self) -> None:
        """Remove what is kept of generations that are forgotten."""
        for bucket, kept in self._shelf.kept():
            for first in range(0, len(kept), _BATCH):
                some = kept[first : first + _BATCH]
                known = self._db.read(partial(store.known_among, bucket=bucket, generations=some))
                for generation in set(some) - known:
                    with suppress(OSError):  # it may be tried again at the next start
                        self._shelf.destroy_kept(bucket, generation)

    def _drop_unwanted(self, conn: Connection) -> None:
        for name in self._blobs.offered:
            if not store.is_staged(conn, name):
                after_commit(conn, partial(self._drop, name))

    def _drop(self, staged: str) -> None:
        self._shelf.discard(staged)
        self._blobs.offered.discard(staged)

    def _place_all(self, conn: Connection) -> "_Tried":
        """Move files once this transaction is on disk: a row in it may be of a verb that is undone with it."""
        tried = _Tried()
        for obj in store.unplaced(conn, _BATCH):
            found = files.look(self._blobs.root, obj.path)
            here = found and adoption.leftover(conn, obj.bucket, obj.name, obj.path, files.stamp_of(found))
            after_commit(conn, partial(self._place, obj, here or None, tried))
        return tried

    def _place(self, obj: Object, here: Object | None, tried: "_Tried") -> None:
        if obj.delete_time is not None:
            self._shelf.put_away(obj)
            if not self._shelf.is_staged(obj):
                tried.placed.append(obj)
        elif self._shelf.put(obj, here):
            tried.placed.append(obj)
        elif obj.path != paths.escaped(obj.bucket, obj.name):
            tried.misplaced.append(obj)

    def _mark(self, conn: Connection, tried: "_Tried") -> None:
        for obj in tried.misplaced:  # the row says where before the file goes there
            store.set_values(conn, obj, path=paths.escaped(obj.bucket, obj.name))
        for obj in tried.placed:
            found = files.look(self._blobs.root, obj.path)
            same = found is not None and files.stamp_of(found) == obj.stamp
            store.set_values(conn, obj, staged=None, changed=str(found.st_ctime_ns) if found and same else "")

    def _forget(self, conn: Connection) -> int:
        gone = 0
        for bucket in store.list_buckets(conn, limit=1_000_000):
            before = self._clock.now() - timedelta(seconds=bucket.soft_delete_seconds)
            for obj in store.ended_before(conn, bucket.name, before, limit=_BATCH - gone):
                if self._shelf.is_at_path(obj) and store.find(conn, obj.bucket, obj.name) is None:
                    after_commit(conn, partial(self._shelf.put_away, obj))  # without its row it would be a new object
                    continue
                store.remove(conn, obj)
                after_commit(conn, partial(self._shelf.destroy, obj))
                gone += 1
        return gone
