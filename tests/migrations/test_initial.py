"""Is a migrated store equal to what the code declares?"""

import re
import runpy
import sqlite3
from pathlib import Path

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import create_engine

from trainshed.errors import FailedPrecondition
from trainshed.sql.migrations import REVISION, REVISIONS, open_store, upgrade

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ROOT / "src" / "trainshed" / "sql" / "migrations" / "versions"


def schema(path):
    """Describe tables and indexes by their words: the order of constraints does not matter."""
    connection = sqlite3.connect(path)
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE 'sqlite_%'").fetchall()
    connection.close()
    return {
        (kind, name): sorted(re.findall(r"\w+|[^\w\s]", (sql or "").lower()))
        for kind, name, sql in rows
        if name != "alembic_version" and not name.startswith("test_")
    }


@pytest.fixture
def every_table():
    runpy.run_path(str(ROOT / "tools" / "migration.py"))["load_tables"]()


def test_migrated_store_equals_what_the_code_declares(tmp_path, every_table):
    upgrade(tmp_path / "migrated.db")
    open_store(tmp_path / "fresh.db")

    migrated, fresh = schema(tmp_path / "migrated.db"), schema(tmp_path / "fresh.db")
    assert set(migrated) == set(fresh), "run `make migration`"
    assert [key for key in fresh if migrated[key] != fresh[key]] == []


@pytest.mark.parametrize("make", [open_store, upgrade])
def test_opening_again_changes_nothing(tmp_path, make):
    make(tmp_path / "x.db")
    before = schema(tmp_path / "x.db")

    upgrade(tmp_path / "x.db")
    open_store(tmp_path / "x.db")

    assert schema(tmp_path / "x.db") == before


@pytest.mark.parametrize(
    ("revision", "words"),
    [
        ("9999", f"newer Trainshed.*9999.*{REVISION}"),
        (f"{REVISION[:4]}_00000000", f"other tables.*_00000000.*{REVISION}.*begin anew"),
        ("0001_00000000", f"other tables.*0001_00000000.*{REVISION}.*begin anew"),
    ],
    ids=["a newer version", "another day of development", "a day long before"],
)
@pytest.mark.parametrize("opened", [open_store, upgrade])
def test_store_of_other_tables_is_refused_with_a_way_out(tmp_path, opened, revision, words):
    upgrade(tmp_path / "x.db")
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    connection.commit()
    connection.close()

    with pytest.raises(FailedPrecondition, match=words):
        opened(tmp_path / "x.db")


def test_the_revisions_are_those_of_the_migrations_in_their_order():
    found = [runpy.run_path(str(path)) for path in sorted(VERSIONS.glob("0*.py"))]

    assert tuple(each["revision"] for each in found) == REVISIONS
    assert [each["down_revision"] for each in found] == [None, *REVISIONS[:-1]]
    assert REVISIONS[-1] == REVISION


def as_of(revision, path):
    """Make the store that a server of that revision had."""
    with create_engine(f"sqlite:///{path}").begin() as conn:
        context = MigrationContext.configure(conn)
        with Operations.context(context):
            for migration in sorted(VERSIONS.glob("0*.py")):
                namespace = runpy.run_path(str(migration))
                namespace["upgrade"]()
                if namespace["revision"] == revision:
                    break
        conn.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL PRIMARY KEY)")
        conn.exec_driver_sql("INSERT INTO alembic_version VALUES (?)", (revision,))


def test_a_store_of_a_former_revision_is_brought_here_with_what_it_holds(tmp_path, every_table):
    as_of("0001_b62d9661", tmp_path / "x.db")
    open_store(tmp_path / "fresh.db")
    connection = sqlite3.connect(tmp_path / "x.db")
    connection.execute(
        "INSERT INTO run_triggers (name, project, location, topic, bucket, spec_uri, subscription, create_time)"
        " VALUES ('old', 'p', 'l', 't', '', 'gs://b/p.json', 's', '2026-11-23T00:00:00.000000Z')"
    )
    connection.commit()
    connection.close()

    open_store(tmp_path / "x.db")

    assert schema(tmp_path / "x.db") == schema(tmp_path / "fresh.db")
    connection = sqlite3.connect(tmp_path / "x.db")
    assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(REVISION,)]
    assert connection.execute("SELECT name, is_disabled, parameters FROM run_triggers").fetchall() == [("old", 0, "{}")]
    connection.close()


def test_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database at all, but long enough to look at" * 100)

    with pytest.raises(FailedPrecondition, match="not a readable store"):
        upgrade(tmp_path / "x.db")
