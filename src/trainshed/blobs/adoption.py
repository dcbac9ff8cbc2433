"""Files changed by hand: what lies in a bucket's folder without a row, or other than its row says, is a new generation."""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from mimetypes import guess_type
from pathlib import Path

from sqlalchemy import Connection

from trainshed.blobs import files, paths, store
from trainshed.blobs.files import Checksums
from trainshed.blobs.model import Object
from trainshed.blobs.shelf import Shelf
from trainshed.errors import InvalidArgument, Unavailable

log = logging.getLogger(__name__)

_TOLD = 1000  # files of bad names that are remembered


@dataclass(frozen=True, kw_only=True)
class Found:
    """A file as it was read: valid as long as its stamp holds."""

    path: str
    stamp: str
    changed: str
    checksums: Checksums


def is_current(shelf: Shelf, obj: Object) -> bool:
    """Whether the file of a live object is still the one that its row describes."""
    if shelf.is_staged(obj):
        return True
    found = files.look(shelf.root, obj.path)
    return found is not None and files.stamp_of(found) == obj.stamp and obj.changed in {"", str(found.st_ctime_ns)}


def read(shelf: Shelf, path: str) -> Found | None:
    """Read a file to its end; None when there is none or it changed meanwhile."""
    file = files.open_file(shelf.root, path)
    if file is None:
        return None
    checksums = Checksums()
    with file, files.disk_errors():
        before = os.fstat(file.fileno())
        while data := file.read(files.CHUNK):
            checksums.update(data)
        after = os.fstat(file.fileno())
    if files.stamp_of(before) != files.stamp_of(after) or before.st_ctime_ns != after.st_ctime_ns:
        return None
    return Found(path=path, stamp=files.stamp_of(after), changed=str(after.st_ctime_ns), checksums=checksums)


def holds(shelf: Shelf, found: Found) -> bool:
    """Whether the file is still as it was read."""
    now = files.look(shelf.root, found.path)
    return now is not None and files.stamp_of(now) == found.stamp and str(now.st_ctime_ns) == found.changed


def is_same(obj: Object, found: Found) -> bool:
    """Whether only the inode was touched (moved, linked, chmod): same size, same modification time, same bytes."""
    size_and_time = obj.stamp.rsplit(":", 1)[0]
    return (
        found.stamp.rsplit(":", 1)[0] == size_and_time
        and obj.crc32c == found.checksums.crc32c
        and obj.md5 in {"", found.checksums.md5}
    )


def object_of(found: Found, bucket: str, name: str, *, generation: int, now: datetime) -> Object:
    """Make the record of a file that was put there by hand."""
    return Object(
        bucket=bucket,
        name=name,
        generation=generation,
        metageneration=1,
        size=found.checksums.size,
        crc32c=found.checksums.crc32c,
        md5=found.checksums.md5,
        content_type=guess_type(name)[0] or "application/octet-stream",
        metadata={},
        create_time=now,
        update_time=now,
        path=found.path,
        stamp=found.stamp,
        changed=found.changed,
    )


def require_folder(conn: Connection, shelf: Shelf, bucket: str) -> None:
    """Raise Unavailable when the bucket's folder is gone: a missing disk must not read as a thousand deletions.

    That of a bucket without objects is made when the first one comes, if it is not there yet.
    """
    if not (shelf.root / bucket).is_dir() and store.has_objects(conn, bucket):
        raise Unavailable(
            f"The folder of bucket {bucket!r} is not there: {shelf.root / bucket}. Bring it back, "
            "or delete the bucket.",
            reason="BUCKET_FOLDER_MISSING",
        )


def leftover(conn: Connection, bucket: str, name: str, path: str, stamp: str) -> Object | None:
    """Find the ended generation whose file still lies at its path, because its removal was interrupted."""
    return store.ended(conn, bucket, name, path=path, stamp=stamp)


def scan(shelf: Shelf, bucket: str, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Answer (name, status) of every regular file in a bucket's folder whose name has the prefix. Links are skipped."""
    below = prefix.rpartition("/")[0]
    if below and not paths.is_plain(below):
        return
    start = shelf.root / bucket / below if below else shelf.root / bucket
    if below and any((shelf.root / p).is_symlink() for p in [*paths.parents(f"{bucket}/{below}"), f"{bucket}/{below}"]):
        return
    yield from _walk(start, f"{below}/" if below else "", prefix)


def _walk(folder: Path, above: str, prefix: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        name = above + entry.name
        if not (name.startswith(prefix) or prefix.startswith(f"{name}/")):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(folder / entry.name, f"{name}/", prefix)
        elif entry.is_file(follow_symlinks=False) and name.startswith(prefix) and _can_be_object(name):
            try:
                yield name, entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue


def _can_be_object(name: str) -> bool:
    try:
        paths.check_object(name)
    except InvalidArgument as error:
        _tell(name, str(error))
        return False
    return True


@lru_cache(maxsize=_TOLD)
def _tell(name: str, why: str) -> None:
    """Say it once, not at every look."""
    log.warning("The file %s is not an object: %s", ascii(name), ascii(why), extra={"action": "file_skipped"})


def present(conn: Connection, shelf: Shelf, bucket: str, name: str) -> list[Object]:
    """Answer an object, or everything below a name as a folder, as the files are now; writes nothing.

    What was changed by hand and has not been seen yet comes with generation 0 and the checksums of its bytes.
    """
    single = _present(conn, shelf, bucket, name, store.find(conn, bucket, name))
    if single is not None:
        return [single]
    below = f"{name.rstrip('/')}/" if name else ""
    rows = {obj.name: obj for obj in store.list_objects(conn, bucket, prefix=below)}
    names = sorted({*rows, *(found for found, _ in scan(shelf, bucket, below))})
    return [obj for found in names if (obj := _present(conn, shelf, bucket, found, rows.get(found))) is not None]


def _present(conn: Connection, shelf: Shelf, bucket: str, name: str, row: Object | None) -> Object | None:
    if row is not None and is_current(shelf, row):
        return row
    if row is None and not (paths.is_plain(name) and paths.is_bucket(bucket)):
        return None
    found = read(shelf, row.path if row else paths.plain(bucket, name))
    if found is None or (row is None and leftover(conn, bucket, name, found.path, found.stamp)):
        return None
    if row is not None and is_same(row, found):
        return touched(row, found)
    when = datetime.fromtimestamp(0, UTC)
    return object_of(found, bucket, name, generation=0, now=when)


def touched(obj: Object, found: Found) -> Object:
    """Answer the record with the file's present stamp."""
    return replace(obj, stamp=found.stamp, changed=found.changed)
