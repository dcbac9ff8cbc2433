"""Whether a task changed its inputs, while others commit."""

from datetime import UTC, datetime

import pytest

from trainshed import ir
from trainshed.blobs import Blobs
from trainshed.runs.engine import kept_inputs

BEGINNING = datetime.fromtimestamp(0, UTC)


@pytest.fixture
def blobs(db, clock, tmp_path):
    made = Blobs(tmp_path / "buckets", clock)
    db.write(lambda conn: made.create_bucket(conn, "bucket"))
    return made


def put(db, blobs, data):
    staged = blobs.stage_bytes(data)
    db.write(lambda conn: blobs.commit(conn, staged, "bucket", "in/a"))


def changed(db, blobs, read):
    given = {"data": [ir.ArtifactValue(name="a", uri="gs://bucket/in", type={}, metadata={})]}
    return kept_inputs.changed(given, blobs, read, since=BEGINNING)


def test_an_input_that_somebody_replaces_while_it_is_looked_at_was_not_changed_by_the_task(db, blobs):
    put(db, blobs, b"first")
    looks = []

    def read(query):
        def begun(conn):
            conn.exec_driver_sql("SELECT 1 FROM objects").all()  # what is committed from here on is not seen
            looks.append(1)
            if len(looks) == 1:
                put(db, blobs, b"second")
            return query(conn)

        return db.read(begun)

    assert changed(db, blobs, read) == ""


def test_an_input_that_was_written_over_was_changed(db, blobs):
    put(db, blobs, b"first")
    assert changed(db, blobs, db.read) == ""
    with (blobs.root / "bucket/in/a").open("ab") as file:
        file.write(b"!")

    assert "it changed its input 'data'" in changed(db, blobs, db.read)
