"""Where the file of each generation lies, and how it gets there.

A row is committed while its file is still staged; right after COMMIT the file is renamed to its path, and the file it
replaces keeps a name among the old generations. A crash in between loses nothing: readers look in all three places and
take the file whose stamp is the row's; `settle` finishes the renames.
"""

import logging
import os
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from trainshed.blobs import files, paths
from trainshed.blobs.model import Object
from trainshed.errors import NotFound

log = logging.getLogger(__name__)


class Shelf:
    """The files below one root folder. Changes come from the database's writer thread alone."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.staging = root / paths.STAGING

    def open(self, obj: Object) -> BinaryIO:
        """Open exactly the bytes of this generation. Raises NotFound when they are gone."""
        for path in _places(obj):
            file = files.open_file(self.root, path)
            if file is None:
                continue
            if files.stamp_of(os.fstat(file.fileno())) == obj.stamp:
                return file
            file.close()
        raise self._gone(obj)

    def find(self, obj: Object) -> Path:
        """Answer where the file of this generation is now. Raises NotFound when it is gone."""
        for path in _places(obj):
            found = files.look(self.root, path)
            if found is not None and files.stamp_of(found) == obj.stamp:
                return self.root / path
        raise self._gone(obj)

    def is_staged(self, obj: Object) -> bool:
        """Whether the file has not left the staging folder yet."""
        return bool(obj.staged) and (self.staging / obj.staged).exists()

    def add_bucket(self, bucket: str) -> None:
        """Make a bucket's folder."""
        (self.root / bucket).mkdir(parents=True, exist_ok=True)
        files.sync_folder(self.root)

    def remove_bucket(self, bucket: str) -> None:
        """Remove the folders of a bucket that is gone."""
        for folder in (self.root / paths.GENERATIONS / bucket, self.root / paths.ESCAPED / bucket, self.root / bucket):
            with suppress(FileNotFoundError):
                shutil.rmtree(folder)

    def discard(self, staged: str) -> None:
        """Remove a staged file that becomes nothing."""
        (self.staging / staged).unlink(missing_ok=True)

    def take(self, obj: Object, before: Object | None) -> None:
        """Do what follows a commit: the file of `obj` replaces that of `before`."""
        self.put(obj, before)

    def put(self, obj: Object, before: Object | None) -> bool:
        """Move a staged file to its path, first giving what lies there a place among the old generations."""
        if before is not None:
            self.put_away(before, replaced_at=obj.path)
        if not self.is_staged(obj) or files.place(self.root, self.staging / obj.staged, obj.path):
            return True
        log.warning(
            "Object %s cannot lie at its own path; it is kept elsewhere.",
            obj.uri,
            extra={"action": "object_misplaced", **obj.log_context()},
        )
        return False

    def put_away(self, obj: Object, *, replaced_at: str = "") -> None:
        """Move the file of an ended generation beside; where it is about to be replaced, name it a second time."""
        kept = paths.kept(obj.bucket, obj.generation)
        if self.is_staged(obj):
            files.place(self.root, self.staging / obj.staged, kept)
            return
        if not self.is_at_path(obj):
            return
        if obj.path == replaced_at:
            files.keep(self.root, obj.path, kept)
        elif files.place(self.root, self.root / obj.path, kept):
            files.prune(self.root, obj.path)

    def is_at_path(self, obj: Object) -> bool:
        """Whether the file of this generation lies at its path."""
        found = files.look(self.root, obj.path)
        return found is not None and files.stamp_of(found) == obj.stamp

    def destroy(self, obj: Object) -> None:
        """Remove the bytes of an ended generation."""
        self.destroy_kept(obj.bucket, obj.generation)

    def destroy_kept(self, bucket: str, generation: int) -> None:
        """Remove what is kept of a generation."""
        (self.root / paths.kept(bucket, generation)).unlink(missing_ok=True)

    def sync(self, placed: list[Object]) -> None:
        """Bring the directory entries of these objects to disk, folders that were made for them included."""
        folders = {self.staging}
        for obj in placed:
            above = [*paths.parents(obj.path), obj.path.split("/")[0], paths.kept(obj.bucket, 0).rpartition("/")[0]]
            folders |= {self.root / path for path in above}
        for folder in sorted(folders):
            with suppress(FileNotFoundError, NotADirectoryError):
                files.sync_folder(folder)

    def stale(self, known: set[str]) -> Iterator[Path]:
        """Answer staged files that no row names."""
        if self.staging.is_dir():
            yield from (path for path in self.staging.iterdir() if path.name not in known)

    def kept(self) -> Iterator[tuple[str, list[int]]]:
        """Answer which old generations are kept, by bucket."""
        for folder in (self.root / paths.GENERATIONS).glob("*/"):
            yield folder.name, [int(path.name) for path in folder.iterdir() if path.name.isdecimal()]

    def _gone(self, obj: Object) -> NotFound:
        return NotFound(
            f"The content of {obj.uri} (generation {obj.generation}) is not in its file any more: "
            "the file was changed or removed by hand, or the generation's time is over.",
            reason="CONTENT_GONE",
        )


def _places(obj: Object) -> Iterator[str]:
    if obj.staged:
        yield f"{paths.STAGING}/{obj.staged}"
    yield obj.path
    yield paths.kept(obj.bucket, obj.generation)
    if obj.staged:  # it may have been renamed while we looked
        yield obj.path
