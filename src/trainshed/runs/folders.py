"""The folders of deleted runs, in which their logs lie: put out of the way once a deletion is on disk, then removed.

A deletion leaves an entry in the outbox, so that whoever dies after it leaves nothing behind. Renaming a folder takes a
moment, in the transaction that removes the entry; removing what is in it may take long, and nobody waits for that.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from trainshed import names
from trainshed.clock import Clock
from trainshed.duty import Duty, off_loop
from trainshed.runs import store_deleting
from trainshed.runs.model import Run
from trainshed.sql import Database, notify

_AWAY = ".deleted"  # no run is called so
_DIGITS = 6  # of the number of a run
_CHANNEL = "folders of runs"


def name_of(run: Run) -> str:
    """Answer what the folder of a run is called: as the run, and otherwise than a later one of the same name."""
    return f"{names.short(run.name)}-{run.number[:_DIGITS]}"


class Folders:
    """The folders of all runs of a home."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._away = root / _AWAY

    def on_deleted(self, conn: Connection, payload: Mapping[str, Any]) -> None:
        """Handle the outbox entry of a deleted run: {folder}. May come again. Raises OSError, and is tried again then."""
        folder = self._root / payload["folder"]
        others = store_deleting.numbered(conn, folder.name[-_DIGITS:])
        if folder.is_dir() and folder.name not in map(name_of, others):
            self._away.mkdir(exist_ok=True)
            folder.rename(self._away / names.uid())
        notify(conn, _CHANNEL)

    def clear(self) -> None:
        """Remove what is out of the way; what cannot be removed now may be at the next turn."""
        for folder in self._away.iterdir() if self._away.is_dir() else ():
            shutil.rmtree(folder, ignore_errors=True)

    def duty(self, db: Database, clock: Clock, *, interval_seconds: float) -> Duty:
        """Make the duty, woken by every deletion; its first turn removes what the last server left."""

        async def run_once() -> None:
            await off_loop(self.clear)

        duty = Duty("folders of runs", run_once, interval_seconds=interval_seconds, clock=clock)
        db.listen(_CHANNEL, duty.wake)
        return duty
