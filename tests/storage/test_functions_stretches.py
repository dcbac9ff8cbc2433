"""What was added up of a function's past: read once, and again where a late call says something of it."""

from datetime import UTC, datetime, timedelta

import pytest

from trainshed.functions import store_minutes
from trainshed.functions.stretches import Stretches

NAME = "projects/p/locations/us-central1/functions/f"
HOUR = timedelta(hours=1)
NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


def put(db, when, ok=1, instance="i"):
    values = {"function": NAME, "start_time": when, "version": 1, "ok": ok, "crash": 0}
    more = {"millis": {"100": ok}, "mebibytes": {"64": ok}, "instances": [instance]}
    db.write(lambda conn: conn.execute(store_minutes.function_minutes.insert().values(**values, **more)))


@pytest.fixture
def asked(monkeypatch):
    found = []
    read = store_minutes.list_stretches

    def counted(conn, name, *, since, **options):
        found.append(since)
        return read(conn, name, since=since, **options)

    monkeypatch.setattr(store_minutes, "list_stretches", counted)
    return found


def look(past, db, until=NOON):
    found = past.read(db, NAME, version=None, since=until - 4 * HOUR, until=until, step=HOUR)
    assert [one.start_time for one in found] == [until - HOUR * back for back in (4, 3, 2, 1)]
    return [one.ok for one in found]


def test_past_steps_are_read_once_and_the_one_that_is_now_each_time(db, asked):
    past = Stretches()
    put(db, NOON - 4 * HOUR, 4)
    put(db, NOON - HOUR, 1)
    assert look(past, db) == [4, 0, 0, 1]
    put(db, NOON - timedelta(minutes=30), 2)
    assert look(past, db) == [4, 0, 0, 3]
    assert look(past, db, NOON + HOUR) == [0, 0, 3, 0]  # the hour has moved on
    assert asked == [NOON - 4 * HOUR, NOON - HOUR, NOON - HOUR]


def test_a_late_call_is_seen_in_the_past(db, asked):
    past = Stretches()
    put(db, NOON - 4 * HOUR, 4)
    assert look(past, db) == [4, 0, 0, 0]
    late = NOON - timedelta(minutes=130)
    put(db, late, 1)
    past.drop(NAME, late)
    assert look(past, db) == [4, 1, 0, 0]
    assert asked == [NOON - 4 * HOUR, NOON - 3 * HOUR]  # what was before it is known


def test_nothing_is_kept_of_what_changed_while_it_was_read(db, monkeypatch):
    past = Stretches()
    read = store_minutes.list_stretches

    def while_it_changes(*arguments, **options):
        found = read(*arguments, **options)
        past.drop(NAME, NOON - 4 * HOUR)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(store_minutes, "list_stretches", while_it_changes)
        assert look(past, db) == [0, 0, 0, 0]
    put(db, NOON - 3 * HOUR, 3)
    assert look(past, db) == [0, 3, 0, 0]


def test_no_more_is_kept_than_a_number_of_values(db, asked, monkeypatch):
    monkeypatch.setattr("trainshed.functions.stretches._MOST", 5)
    past = Stretches()
    assert look(past, db) == look(past, db)
    assert asked == [NOON - 4 * HOUR] * 2
