"""A build's log in its bucket while the build runs: gcloud reads it there, from where it has read so far."""

import asyncio
import logging
from contextlib import suppress
from pathlib import Path

from trainshed.builds.ports import Objects
from trainshed.duty import off_loop
from trainshed.errors import TrainshedError

log = logging.getLogger(__name__)
_FIRST_SECONDS = 0.4  # a build that is over by then has its log written once
_SECONDS = 1.0
_BYTES_PER_SECOND = 1024 * 1024  # of a long log that is written anew each time


class LogKeeper:
    """Writes one log file to `gs://BUCKET/NAME` again and again while it grows."""

    def __init__(self, objects: Objects, uri: str, path: Path, build_id: str) -> None:
        self._objects = objects
        self._bucket, _, self._name = uri.removeprefix("gs://").partition("/")
        self._path = path
        self._build_id = build_id
        self._kept = 0
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep it."""
        if self._bucket:
            self._task = asyncio.create_task(self._follow(), name=f"log of build {self._build_id}")

    async def finish(self) -> None:
        """Stop following, and write what the log is now."""
        await self.stop()
        if self._bucket:
            await asyncio.shield(self._keep())

    async def stop(self) -> None:
        """Stop following."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def _follow(self) -> None:
        wait = _FIRST_SECONDS
        while True:
            await asyncio.sleep(wait)
            await asyncio.shield(self._keep())
            wait = max(_SECONDS, self._kept / _BYTES_PER_SECOND)

    async def _keep(self) -> None:
        size = (await off_loop(self._path.stat)).st_size
        if size == self._kept:
            return
        try:
            await off_loop(self._objects.put, self._bucket, self._name, self._path, content_type="text/plain")
        except TrainshedError as error:
            log.warning(
                "The log of build %s could not be kept in gs://%s/%s: %s",
                self._build_id,
                self._bucket,
                self._name,
                error,
                extra={"action": "build_log_lost", "build_id": self._build_id},
            )
        else:
            self._kept = size
