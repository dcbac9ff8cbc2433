"""Migrations of the store. Alembic takes a third of a second to load, so it is loaded only for a store that has to change.

A new store gets its tables from the code that runs; a test holds them equal to what the migrations lead to.
"""

from pathlib import Path

from trainshed.errors import FailedPrecondition
from trainshed.sql import dialect, metadata
from trainshed.sql.migrations.revision import REVISION, REVISIONS

__all__ = ["REVISION", "REVISIONS", "open_store", "upgrade"]


def open_store(path: Path) -> None:
    """Make the store at `path` one of REVISION: as it is, made anew, or migrated. Raises what `upgrade` raises."""
    if path.exists():
        upgrade(path)
    else:
        dialect.create_schema(path, metadata, REVISION)


def upgrade(path: Path) -> None:
    """Bring the store at `path` to REVISION by its migrations, from nothing if it is not there.

    Raises FailedPrecondition for a store written by a newer version, or by one in development whose tables were others.
    """
    found = dialect.schema_revision(path)
    if found == REVISION:
        return
    if found is not None and found not in REVISIONS:
        raise _foreign(path, found)
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.set_main_option("sqlalchemy.url", f"sqlite:///{path}".replace("%", "%%"))
    command.upgrade(config, "head")


def _foreign(path: Path, found: str) -> FailedPrecondition:
    if _number(found) > _number(REVISION):
        return FailedPrecondition(
            f"{path} was written by a newer Trainshed (schema {found}, this one knows {REVISION}): use that version.",
            reason="SCHEMA_NEWER",
        )
    return FailedPrecondition(
        f"{path} was written by a development version of Trainshed with other tables (schema {found}, this one has "
        f"{REVISION}): use the version that wrote it, or move its folder away and begin anew.",
        reason="SCHEMA_OTHER",
    )


def _number(revision: str) -> str:
    return revision.partition("_")[0]
