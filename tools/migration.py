"""Rewrite the initial migration from the tables in the code. There is one until the first release.

Its revision has a digest of the tables, so that a store of other tables is told from one of these.
"""

import hashlib
import importlib
import pkgutil
import tempfile
from pathlib import Path

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from sqlalchemy import create_engine

import trainshed
from trainshed.sql import metadata

MIGRATIONS = Path(trainshed.__file__).parent / "sql" / "migrations"
TARGET = MIGRATIONS / "versions" / "0001_initial.py"
REVISION = MIGRATIONS / "revision.py"

TEMPLATE = '''"""The initial schema, generated from the tables in the code by `make migration`."""

import sqlalchemy as sa
from alembic import op

import trainshed.sql.schema

revision = "{revision}"
down_revision = None


def upgrade() -> None:
    """Create every table."""
    {upgrade}


def downgrade() -> None:
    """Drop every table."""
    {downgrade}
'''

REVISION_TEMPLATE = '''"""Which tables the code has, written by `make migration`."""

REVISION = "{revision}"  # number of the last migration; until the first release, with a digest of its tables
'''


def load_tables() -> None:
    """Import every module that defines tables."""
    for module in pkgutil.walk_packages(trainshed.__path__, "trainshed."):
        if module.name.endswith((".store", ".lifecycle", ".outbox", ".schemas")) or ".store_" in module.name:
            importlib.import_module(module.name)


def _body(operations: object, context: MigrationContext) -> str:
    lines = render_python_code(operations, migration_context=context).splitlines()
    return "\n".join(line for line in lines if not line.strip().startswith("###")).strip()


def main() -> None:
    load_tables()
    with tempfile.TemporaryDirectory() as folder:
        engine = create_engine(f"sqlite:///{folder}/empty.db")
        with engine.connect() as conn:
            context = MigrationContext.configure(conn, opts={"target_metadata": metadata})
            script = produce_migrations(context, metadata)
    upgrade, downgrade = _body(script.upgrade_ops, context), _body(script.downgrade_ops, context)
    revision = f"0001_{hashlib.sha256(upgrade.encode()).hexdigest()[:8]}"
    TARGET.write_text(TEMPLATE.format(revision=revision, upgrade=upgrade, downgrade=downgrade))
    REVISION.write_text(REVISION_TEMPLATE.format(revision=revision))
    print(f"{TARGET.name}: {len(metadata.tables)} tables")


if __name__ == "__main__":
    main()
