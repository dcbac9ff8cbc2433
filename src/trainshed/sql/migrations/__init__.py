"""Migrations of the store. `upgrade` brings a file to this version's schema; Alembic is only loaded when needed."""

import sqlite3
from pathlib import Path

from trainshed.errors import FailedPrecondition

REVISION = "0001"


def upgrade(path: Path) -> None:
    """Bring the store at `path` to REVISION, creating it if it is not there.

    Raises FailedPrecondition for a store written by a newer version.
    """
    found = _revision(path)
    if found == REVISION:
        return
    if found is not None and found > REVISION:
        raise FailedPrecondition(
            f"{path} was written by a newer Trainshed (schema {found}, this one knows {REVISION}): use that version.",
            reason="SCHEMA_NEWER",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
    command.upgrade(config, "head")


def _revision(path: Path) -> str | None:
    if not path.exists():
        return None
    connection = sqlite3.connect(path)
    try:
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    except sqlite3.OperationalError:  # an empty file, or not ours yet
        return None
    except sqlite3.DatabaseError as error:
        raise FailedPrecondition(f"{path} is not a readable store: {error}.", reason="STORE_UNREADABLE") from error
    else:
        return None if row is None else str(row[0])
    finally:
        connection.close()
