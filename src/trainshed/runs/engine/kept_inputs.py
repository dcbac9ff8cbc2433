"""Whether a task left its inputs as they were. They are the bucket's own files, which the links of its mount lead to.

A copy of each input would be too slow for large data, and permissions do not hold a task that runs as root. So files whose
inode was touched since the attempt began are compared with their rows: a few microseconds a file, nothing is read.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection

from trainshed import ir
from trainshed.blobs import Blobs, Object, parse_uri
from trainshed.errors import NotFound, TrainshedError

_SCHEME = "gs://"
_COARSE_SECONDS = 0.1  # a file's times lag behind the clock by a tick of the kernel

Read = Callable[[Callable[[Connection], bool]], bool]


def changed(inputs: Mapping[str, Sequence[ir.ArtifactValue]], blobs: Blobs, read: Read, *, since: datetime) -> str:
    """Say which input a task changed, in a sentence; empty when there is none. Blocks."""
    for name, artifacts in inputs.items():
        for uri in (artifact.uri for artifact in artifacts if artifact.uri.startswith(_SCHEME)):
            if _is_changed(uri, blobs, read, since.timestamp() - _COARSE_SECONDS):
                return f"it changed its input {name!r} ({uri}), and inputs are read-only: let it write to an output"
    return ""


def _is_changed(uri: str, blobs: Blobs, read: Read, since: float) -> bool:
    path = blobs.root / uri.removeprefix(_SCHEME)
    if ".." in path.parts or not any(time >= since for time in _times(path)):
        return False

    def is_spoiled(conn: Connection) -> bool:
        return any(_is_spoiled(conn, blobs, obj) for obj in blobs.present(conn, *parse_uri(uri)))

    try:
        return read(is_spoiled) and read(is_spoiled)  # the first time a commit may have come between rows and files
    except TrainshedError:  # no bucket of ours
        return False


def _is_spoiled(conn: Connection, blobs: Blobs, found: Object) -> bool:
    """Whether an object's bytes are no longer those that were committed. What somebody dropped there anew is not."""
    if found.generation:
        return False
    try:
        blobs.get(conn, found.bucket, found.name)
    except NotFound:
        return False
    return True


def _times(path: Path) -> Iterator[float]:
    """Answer when the inodes of a file, or of all files below a folder, were touched."""
    if not path.is_dir():
        yield from _of([path])
        return
    for folder, _, names in os.walk(path):
        yield from _of(Path(folder, name) for name in names)


def _of(paths: Iterable[Path]) -> Iterator[float]:
    for path in paths:
        try:
            yield path.stat().st_ctime
        except OSError:  # gone, or not there as a file of that name
            continue
