"""When another fork server would do better: what attempts imported, against what this one imported ahead."""

import gc
import os
import time
from contextlib import suppress

from .lessons import Lessons
from .preload import Shelf

_PAUSE_SECONDS = 0.5  # since an attempt began to import, or ended, before it is said what could be imported ahead


class Learning:
    """The lessons of an environment and the shelf of what is imported."""

    def __init__(self, path: str) -> None:
        self.shelf = Shelf()
        self.suggest_at: float | None = None
        self._lessons = Lessons(path)
        self._lack_of: set[str] = set()  # what could be imported ahead, or should not have been

    def import_learned(self) -> None:
        """Import what earlier attempts did; what fails to be is not tried again. Raises what an import raises."""
        lessons = self._lessons.wanted()
        try:
            self.shelf.fill(lessons)
        except Exception:
            self._lessons.ban(set(lessons))
            raise
        share_pages()

    def hear(self, descriptor: int) -> None:
        """Take what attempts said; each wrote whole lines at once."""
        with suppress(BlockingIOError):
            for line in os.read(descriptor, 1 << 16).splitlines():
                self._lessons.take(line)
        self.compare()

    def compare(self) -> None:
        """See whether there is something else to import ahead than before."""
        before, self._lack_of = self._lack_of, set(self._lessons.wanted()) ^ self.shelf.names
        if self._lack_of != before:
            self.suggest_soon()

    def suggest_soon(self) -> None:
        """Say it after a pause, where there is something to say."""
        self.suggest_at = time.monotonic() + _PAUSE_SECONDS if self._lack_of else None


def share_pages() -> None:
    """Keep the pages of what is imported shared with the children."""
    gc.collect()
    gc.freeze()
