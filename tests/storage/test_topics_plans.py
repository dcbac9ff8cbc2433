"""What is done for one message must not depend on how many wait: SQLite goes by keys, however many rows there are."""

import pytest

import trainshed.topics  # noqa: F401  (its tables)
from trainshed.topics import store

BY_KEY = "SEARCH deliveries USING PRIMARY KEY (message_id=? AND subscription_id=?)"
STATEMENTS = {
    "lease": store._firing("lease", is_fenced=False, is_new_attempt=True)._statement,
    "ack": store._firing("ack", is_fenced=True, is_new_attempt=False)._statement,
    "nack": store._firing("nack", is_fenced=True, is_new_attempt=False)._statement,
    "extend": store._EXTEND,
    "outstanding": store._OUTSTANDING,
    "live": store._LIVE,
}


@pytest.mark.parametrize("name", STATEMENTS)
def test_deliveries_are_found_by_their_key(db, name):
    def plan(conn):
        text, values = STATEMENTS[name]._filled(conn, {})
        return [row[3] for row in conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    assert BY_KEY in db.read(plan)


def test_what_is_due_next_is_read_off_the_index(db):
    def plan(conn):
        text, values = store._NEXT_DUE._filled(conn, {})
        return [row[3] for row in conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    found = [line for line in db.read(plan) if line.startswith("SEARCH")]
    assert found == ["SEARCH deliveries USING COVERING INDEX ix_deliveries_due (subscription_id=? AND state=?)"] * 2


def test_what_is_too_old_is_looked_for_among_old_messages_only(db):
    def plan(conn):
        text, values = store._WAITING._filled(conn, {})
        return [row[3] for row in conn.connection.driver_connection.execute(f"EXPLAIN QUERY PLAN {text}", values)]

    assert [line for line in db.read(plan) if line.startswith(("SEARCH", "SCAN", "USE"))] == [
        "SEARCH messages USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
        BY_KEY,
    ]
