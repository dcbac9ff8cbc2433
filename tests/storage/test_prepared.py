"""Statements that are spelt out once say the same as those that are spelt out each time."""

import pytest
from sqlalchemy import Column, Integer, Table, Text, bindparam, select, update
from sqlalchemy.exc import DBAPIError

from trainshed.sql import Json, Prepared, Timestamp, among, metadata

rows = Table(
    "test_prepared_things",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("time", Timestamp, nullable=False),
    Column("document", Json),
    Column("name", Text, unique=True),
)


@pytest.fixture
def filled(db, clock):
    made = [{"id": n, "time": clock.now(), "document": {"n": n} if n else None, "name": f"n{n}"} for n in range(3)]
    db.write(lambda conn: conn.execute(rows.insert(), made))
    return db


def test_times_and_documents_come_and_go_as_everywhere_else(filled, clock):
    found = Prepared(select(rows).where(rows.c.time <= bindparam("now", type_=Timestamp()), rows.c.id < 2))

    for _ in range(2):  # spelt out, then run again
        assert filled.read(lambda conn: found.rows(conn, now=clock.now())) == [
            (0, clock.now(), None, "n0"),
            (1, clock.now(), {"n": 1}, "n1"),
        ]


def test_lists_of_any_length_are_one_statement(filled):
    renamed = Prepared(update(rows).where(among(rows.c.id, "ids")).values(name=rows.c.name + bindparam("more")))

    assert [filled.write(lambda conn, ids=ids: renamed.run(conn, ids=ids, more="+")) for ids in ([], [2], [0, 2, 7])] == [
        0, 1, 2,
    ]  # fmt: skip
    assert filled.read(lambda conn: conn.execute(select(rows.c.name)).scalars().all()) == ["n0+", "n1", "n2++"]


def test_a_violated_constraint_is_the_same_defect_and_undoes_its_verb(filled):
    same = Prepared(update(rows).values(name=bindparam("named")))

    with pytest.raises(DBAPIError):
        filled.write(lambda conn: same.run(conn, named="same"))
    assert filled.read(lambda conn: conn.execute(select(rows.c.name)).scalars().all()) == ["n0", "n1", "n2"]
