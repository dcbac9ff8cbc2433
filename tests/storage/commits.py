"""Transactions that fail at their very end, as on a disk that is away."""

import itertools
import threading

from trainshed.errors import Unavailable
from trainshed.sql import dialect


def failing_to_commit(monkeypatch, *, after=0):
    """Let transactions that write fail at their very end, once so many of them have passed."""
    commits = itertools.count()
    run = dialect.run

    def failing(conn, text, values=()):
        writes = threading.current_thread().name == "database-writer"
        if writes and text == "COMMIT" and next(commits) >= after:
            raise Unavailable("the disk is away")
        return run(conn, text, values)

    monkeypatch.setattr(dialect, "run", failing)
