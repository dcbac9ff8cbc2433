import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Column, Integer, Table, Text, func, select
from sqlalchemy.exc import IntegrityError

from trainshed.errors import NotFound, Unavailable
from trainshed.sql import insert_new, metadata, notify
from trainshed.testing import database, wait_until

things = Table("test_things", metadata, Column("id", Integer, primary_key=True), Column("name", Text, unique=True))


def count(db):
    return db.read(lambda conn: conn.execute(select(func.count()).select_from(things)).scalar())


def add(name):
    return lambda conn: insert_new(conn, things, {"name": name})


def test_what_write_answered_is_readable(db):
    assert db.write(add("a")) is True

    assert count(db) == 1


def test_what_is_read_is_of_one_moment(db):
    def twice(conn):
        before = conn.execute(select(func.count()).select_from(things)).scalar()
        db.write(add("meanwhile"))
        return before, conn.execute(select(func.count()).select_from(things)).scalar()

    db.write(add("first"))

    assert db.read(twice) == (1, 1)
    assert count(db) == 2


def test_second_row_with_the_same_key_is_not_inserted(db):
    db.write(add("a"))

    assert db.write(add("a")) is False
    assert count(db) == 1


def test_error_of_one_verb_undoes_that_verb_only(db):
    def failing(conn):
        add("lost")(conn)
        raise NotFound("no such thing")

    gate = threading.Event()
    first = db.submit(lambda conn: gate.wait(90))
    futures = [db.submit(add("a")), db.submit(failing), db.submit(add("b"))]
    gate.set()

    assert first.result() is True
    assert futures[0].result() is True
    with pytest.raises(NotFound):
        futures[1].result()
    assert futures[2].result() is True
    assert count(db) == 2


def test_many_threads_share_commits(db):
    commits = []
    db.listen("things", lambda: commits.append(1))

    def verb(name):
        return lambda conn: (add(name)(conn), notify(conn, "things"))

    with ThreadPoolExecutor(32) as pool:
        list(pool.map(lambda i: db.write(verb(str(i))), range(400)))

    assert count(db) == 400
    assert len(commits) < 400


def test_listener_hears_committed_verbs_only(db):
    heard = []
    db.listen("things", lambda: heard.append(count(db)))

    def failing(conn):
        notify(conn, "things")
        raise NotFound

    with pytest.raises(NotFound):
        db.write(failing)
    assert heard == []

    db.write(lambda conn: (add("a")(conn), notify(conn, "things")))
    db.write(add("b"))
    assert heard == [1]


def test_reader_cannot_write(db):
    with pytest.raises(Unavailable):
        db.read(add("sneaky"))


def test_every_commit_is_synchronous_and_foreign_keys_hold(db):
    def pragmas(conn):
        return [
            conn.exec_driver_sql(f"PRAGMA {name}").scalar() for name in ("journal_mode", "synchronous", "foreign_keys")
        ]

    assert db.write(pragmas) == ["wal", 2, 1]


def test_failed_commit_answers_unavailable_to_all_in_it(db, caplog):
    gate = threading.Event()
    db.submit(lambda conn: gate.wait(90))
    good = db.submit(add("a"))
    bad = db.submit(lambda conn: conn.exec_driver_sql("ROLLBACK"))
    gate.set()

    with pytest.raises(Unavailable):
        good.result()
    with pytest.raises(Unavailable):
        bad.result()
    assert count(db) == 0
    assert db.write(add("b")) is True
    assert any(r.__dict__.get("action") == "commit_failed" for r in caplog.records)


def test_withdrawn_verb_is_not_run_and_holds_up_nobody(db):
    gate = threading.Event()
    db.submit(lambda conn: gate.wait(90))
    withdrawn, kept = db.submit(add("a")), db.submit(add("b"))
    assert withdrawn.cancel()
    gate.set()

    assert kept.result() is True
    assert count(db) == 1


def test_violated_constraint_is_a_defect_and_not_an_outage(db):
    db.write(add("a"))

    with pytest.raises(IntegrityError):
        db.write(lambda conn: conn.execute(things.insert().values(name="a")))
    assert db.write(add("b")) is True


def test_who_does_not_listen_any_more_hears_nothing_and_leaves_nothing(db):
    heard = []
    undo = [db.listen("things", lambda: heard.append("a")), db.listen("things", lambda: heard.append("b"))]

    undo[0]()
    db.write(lambda conn: notify(conn, "things"))
    undo[1]()
    undo[1]()
    db.write(lambda conn: notify(conn, "things"))

    assert wait_until(lambda: heard) == ["b"]
    assert db._listeners == {}


def test_a_listener_that_fails_does_not_end_the_store(db, caplog):
    def fail():
        raise RuntimeError("the loop is closed")

    db.listen("things", fail)
    db.write(lambda conn: notify(conn, "things"))

    assert db.submit(add("a")).result(timeout=90) is True
    assert "it is made good later" in caplog.text


def test_who_comes_after_the_store_was_closed_is_answered_and_does_not_wait_for_ever(tmp_path):
    with database(tmp_path) as db:
        db.write(add("a"))

    with pytest.raises(Unavailable):
        db.submit(add("b")).result(timeout=90)
