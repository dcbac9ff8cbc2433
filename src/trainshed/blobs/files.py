"""Bytes on disk: staging with checksums, durable, and moves that never leave a bucket's folder."""

import base64
import errno
import hashlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Self

import google_crc32c

from trainshed.blobs import paths
from trainshed.errors import FailedPrecondition, ResourceExhausted, Unavailable

CHUNK = 1 << 20
_Crc32c: Any = google_crc32c.Checksum  # the package has no types
_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


@contextmanager
def disk_errors() -> Iterator[None]:
    """Say a failing disk in Google's terms; other OSErrors of writing are the machine's fault, not the caller's."""
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise ResourceExhausted(
                "The disk is full: the object was not stored. Free some space and try again.", reason="DISK_FULL"
            ) from error
        raise Unavailable(f"The disk did not take the object: {error.strerror}.", reason="DISK_FAILED") from error


class Checksums:
    """Size, CRC32C and MD5 of bytes as they pass."""

    def __init__(self, *, with_md5: bool = True) -> None:
        self.size = 0
        self._with_md5 = with_md5
        self._crc32c = _Crc32c()
        self._md5 = hashlib.md5(usedforsecurity=False)

    def update(self, data: bytes) -> None:
        """Count more bytes."""
        self.size += len(data)
        self._crc32c.update(data)
        if self._with_md5:
            self._md5.update(data)

    @property
    def crc32c(self) -> str:
        """CRC32C in base64, as Cloud Storage reports it."""
        return base64.b64encode(self._crc32c.digest()).decode()

    @property
    def md5(self) -> str:
        """MD5 in base64."""
        return base64.b64encode(self._md5.digest()).decode()


class Staged:
    """A file on its way to become an object: hashed while it is written, on disk once it is closed."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / f"{os.getpid()}-{secrets.token_hex(8)}"
        self.checksums = Checksums()
        self.stamp = ""
        with disk_errors():
            folder.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("xb")

    def __enter__(self) -> Self:
        """Write inside."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close; nothing is left of it after an error."""
        if kind is None:
            self.close()
        else:
            self.discard()

    def write(self, data: bytes) -> int:
        """Append bytes. Raises ResourceExhausted when the disk is full (nothing is left of it then), FailedPrecondition."""
        if self._file.closed:
            raise FailedPrecondition("The upload has ended meanwhile: begin it anew.", reason="UPLOAD_ENDED")
        try:
            with disk_errors():
                self._file.write(data)
        except Exception:
            self.discard()
            raise
        self.checksums.update(data)
        return len(data)

    def close(self) -> None:
        """Bring content and directory entry to disk. May be called twice."""
        if self._file.closed:
            return
        try:
            with disk_errors():
                self._file.flush()
                os.fsync(self._file.fileno())
                self.stamp = stamp_of(os.fstat(self._file.fileno()))
                self._file.close()
                sync_folder(self.path.parent)
        except Exception:
            self.discard()
            raise

    def discard(self) -> None:
        """Remove it; harmless once it was committed."""
        with suppress(OSError):
            self._file.close()
        with suppress(OSError):
            self.path.unlink()


def copy_into(staged: Staged, source: BinaryIO) -> None:
    """Write everything that `source` still has."""
    while data := source.read(CHUNK):
        staged.write(data)


def stamp_of(found: os.stat_result) -> str:
    """Write what tells one state of a file from another: size, modification time, inode."""
    return f"{found.st_size}:{found.st_mtime_ns}:{found.st_ino}"


def look(root: Path, path: str) -> os.stat_result | None:
    """Answer the status of a regular file below `root`; None for anything else or when a link leads to it."""
    current = root
    parts = path.split("/")
    if {"", ".", ".."} & set(parts):
        return None
    try:
        for part in parts[:-1]:
            current /= part
            if not stat.S_ISDIR(current.lstat().st_mode):
                return None
        found = (current / parts[-1]).lstat()
    except (OSError, ValueError):
        return None
    return found if stat.S_ISREG(found.st_mode) else None


def open_file(root: Path, path: str) -> BinaryIO | None:
    """Open a regular file below `root` without following links; None when there is none."""
    if look(root, path) is None:
        return None
    try:
        descriptor = os.open(root / path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        return None
    return os.fdopen(descriptor, "rb")


def is_free(root: Path, path: str) -> bool:
    """Whether a file can lie at this path: no link, file or special file where a folder is needed, no folder there."""
    current = root
    parts = path.split("/")
    if {"", ".", ".."} & set(parts):
        return False
    for part in parts[:-1]:
        current /= part
        mode = _mode(current)
        if mode is None:
            return True
        if not stat.S_ISDIR(mode):
            return False
    mode = _mode(current / parts[-1])
    return mode is None or stat.S_ISREG(mode)


def place(root: Path, source: Path, path: str) -> bool:
    """Rename a file to its path below `root`, making folders. False when it cannot lie there."""
    target = root / path
    if not is_free(root, path):
        return False
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        source.replace(target)
    except OSError:  # a disk that is full, a folder that is another file system
        return False
    return True


def keep(root: Path, path: str, kept: str) -> None:
    """Give the file at `path` a second name among the old generations, so that the first can be replaced."""
    target = root / kept
    target.parent.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError, FileNotFoundError):
        try:
            os.link(root / path, target, follow_symlinks=False)
        except OSError as error:
            if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.EMLINK}:
                raise
            shutil.copy2(root / path, target)  # a file system without hard links


def prune(root: Path, path: str) -> None:
    """Remove the folders of `path` that became empty, up to the bucket's own."""
    for folder in reversed(paths.parents(path)):
        try:
            (root / folder).rmdir()
        except OSError:
            return


def sync_folder(folder: Path) -> None:
    """Bring a folder's entries to disk."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _mode(path: Path) -> int | None:
    try:
        return path.lstat().st_mode
    except OSError:
        return None
