"""What tests of Trainshed, and of things built on it, use: a store, a clock. Fakes are public and pass the real suites."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import create_engine

from trainshed.sql import Database, metadata


@contextmanager
def database(folder: Path) -> Iterator[Database]:
    """Open a fresh store in `folder` with the tables of everything imported so far."""
    path = folder / "trainshed.db"
    engine = create_engine(f"sqlite:///{path}")
    metadata.create_all(engine)
    engine.dispose()
    db = Database(path)
    try:
        yield db
    finally:
        db.close()
