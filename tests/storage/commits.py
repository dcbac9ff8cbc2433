"""Transactions that fail at their very end, that several verbs share, or after which the process is killed at once."""

import itertools
import threading

from trainshed.errors import Unavailable
from trainshed.sql import dialect, engine


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


def failing_after_commit(monkeypatch):
    """Let transactions that write be on disk, and whoever wrote be told that they are not: nobody knows."""
    run = dialect.run

    def failing(conn, text, values=()):
        done = run(conn, text, values)
        if threading.current_thread().name == "database-writer" and text == "COMMIT":
            raise Unavailable("the disk was away for a moment")
        return done

    monkeypatch.setattr(dialect, "run", failing)


def killed_after_commit(monkeypatch):
    """Let what follows a commit outside of the store be lost, as when the process is killed right after it."""
    monkeypatch.setattr(engine, "_take_effect", lambda _request: None)


def in_one_transaction(db, *verbs):
    """Run verbs one after the other in one transaction; answer the future of each."""
    return db.submit(lambda _conn: [db.submit(verb) for verb in verbs]).result()
