"""Is a migrated store equal to what the code declares?"""

import re
import runpy
import sqlite3
from pathlib import Path

import pytest

from trainshed.errors import FailedPrecondition
from trainshed.sql.migrations import REVISION, open_store, upgrade

ROOT = Path(__file__).resolve().parents[2]


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
        ("0001_00000000", f"other tables.*0001_00000000.*{REVISION}.*begin anew"),
    ],
    ids=["a newer version", "another day of development"],
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


def test_file_that_is_no_store_is_refused(tmp_path):
    (tmp_path / "x.db").write_bytes(b"not a database at all, but long enough to look at" * 100)

    with pytest.raises(FailedPrecondition, match="not a readable store"):
        upgrade(tmp_path / "x.db")
