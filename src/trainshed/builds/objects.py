"""Build logs, artifacts and sources in buckets: the `Objects` port on the `blobs` layer."""

import shutil
from pathlib import Path

from sqlalchemy import Connection

from trainshed.blobs import Attributes, Blobs
from trainshed.errors import AlreadyExists, NotFound
from trainshed.sql import Database


class BlobObjects:
    """Each call is one transaction."""

    def __init__(self, blobs: Blobs, db: Database) -> None:
        self._blobs = blobs
        self._db = db

    def put(self, bucket: str, name: str, path: Path, *, content_type: str = "") -> int:
        """Commit a file as an object, the bucket made when missing; answer its generation."""
        staged = self._blobs.stage_file(path)

        def commit(conn: Connection) -> int:
            try:
                self._blobs.get_bucket(conn, bucket)
            except NotFound:
                self._make(conn, bucket)
            return self._blobs.commit(conn, staged, bucket, name, Attributes(content_type=content_type)).generation

        return self._db.write(commit)

    def fetch(self, bucket: str, name: str, generation: int | None, target: Path) -> int:
        """Copy an object to a file; answer its generation. Raises NotFound."""
        obj = self._db.read(lambda conn: self._blobs.get(conn, bucket, name, generation))
        with self._blobs.open(obj) as source, target.open("wb") as file:
            shutil.copyfileobj(source, file)
        return obj.generation

    def _make(self, conn: Connection, bucket: str) -> None:
        try:
            self._blobs.create_bucket(conn, bucket)
        except AlreadyExists:
            return
