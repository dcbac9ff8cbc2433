"""Migrations of the store. `upgrade` brings a file to this version's schema; Alembic is only loaded when needed."""

from pathlib import Path

from trainshed.errors import FailedPrecondition
from trainshed.sql import dialect

REVISION = "0001"


def upgrade(path: Path) -> None:
    """Bring the store at `path` to REVISION, creating it if it is not there.

    Raises FailedPrecondition for a store written by a newer version.
    """
    found = dialect.schema_revision(path)
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
