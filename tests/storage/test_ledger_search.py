"""Is the right receipt found, and does it cost no more for a longer ledger?"""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest

from trainshed import ledger
from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument
from trainshed.ledger import Search, ends, families, search

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOURLY, OTHER = "projects/p/locations/r/jobs/hourly", "projects/p/locations/r/jobs/other"


def a_receipt(conn, number, *, trigger=HOURLY, transition="start", kind="firing", reason="", stimulus="", parent=""):
    now = NOW + timedelta(minutes=number)
    receipt, _ = ledger.open_receipt(
        conn,
        trigger=trigger,
        kind=kind,
        stimulus=stimulus or now.strftime("%Y-%m-%dT%H:%M:%SZ"),
        now=now,
        parent_id=parent,
    )
    if transition:
        ledger.settle(conn, receipt.receipt_id, transition, now=now, reason=reason or f"number {number}")
    return receipt.receipt_id


@pytest.fixture
def filled(db):
    def verb(conn):
        for number in range(30):
            a_receipt(
                conn, number, transition="fail" if number == 3 else "start", reason="disk full" if number == 5 else ""
            )
        a_receipt(conn, 40, trigger=OTHER, kind="message", stimulus="s#1", transition="skip")
        a_receipt(conn, 50, stimulus="forced/2026-03-01T12:50:00Z/abc", transition="skip", reason="by hand")

    db.write(verb)
    return db


def found(db, **wanted):
    return db.read(lambda conn: search.page(conn, Search(**wanted)))


def minutes(page):
    return [(r.create_time - NOW) // timedelta(minutes=1) for r in page.receipts]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"state": "FAILED"}, [3]),
        ({"state": "SKIPPED"}, [50, 40]),
        ({"kind": "message"}, [40]),
        ({"trigger": OTHER}, [40]),
        ({"trigger": "other"}, [40]),
        ({"trigger": "nobody"}, []),
        ({"text": "disk FULL"}, [5]),
        ({"text": "s#1"}, [40]),
        ({"since": NOW + timedelta(minutes=28), "until": NOW + timedelta(minutes=50)}, [40, 29, 28]),
        ({"trigger": "hourly", "state": "SKIPPED", "text": "hand"}, [50]),
    ],
)
def test_each_word_narrows_the_ledger(filled, wanted, expected):
    page = found(filled, **wanted)

    assert minutes(page) == expected
    assert page.token == ""


def test_pages_follow_one_another_without_gap_or_repetition(filled):
    seen, token = [], ""
    while True:
        page = found(filled, page_size=7, page_token=token)
        seen += minutes(page)
        if not (token := page.token):
            break

    assert seen == [50, 40, *range(29, -1, -1)]


def test_a_search_for_words_stops_and_goes_on_where_it_stopped(filled, monkeypatch):
    monkeypatch.setattr(search, "_LOOKED_THROUGH", 10)

    pages, token = [], ""
    while True:
        pages.append(found(filled, text="disk", page_token=token))
        if not (token := pages[-1].token):
            break

    assert [minutes(page) for page in pages] == [[], [], [5]]
    assert pages[0].looked_until == NOW + timedelta(minutes=21)
    assert pages[-1].looked_until is None


def test_a_token_that_is_none_is_refused(filled):
    with pytest.raises(InvalidArgument, match="page_token"):
        found(filled, page_token="bm8=")


def test_firings_are_counted_by_when_they_were_due(filled):
    hour, before = (NOW, NOW + timedelta(minutes=60)), (NOW - timedelta(days=1), NOW)

    early, counted = filled.read(lambda conn: ends.due_ends(conn, HOURLY, [before, hour]))
    newest, second, *_ = filled.read(lambda conn: search.due(conn, HOURLY, *hour, limit=5))

    assert early == []
    assert Counter(state for state, _ in counted) == {"STARTED": 29, "FAILED": 1, "SKIPPED": 1}
    assert (ledger.is_forced(newest), ledger.due_time(newest)) == (True, NOW + timedelta(minutes=50))
    assert (ledger.is_forced(second), ledger.due_time(second)) == (False, NOW + timedelta(minutes=29))


def test_firings_are_counted_by_what_became_of_them_in_the_end(db):
    """A topic with two subscribers: one function that fails, starts or reuses; one that never does anything."""

    def fire(conn, minute, end, link):
        due = NOW + timedelta(minutes=minute)
        ledger.open_settled(conn, [(f"f{minute}", HOURLY, rfc3339(due), "")], "start", kind="firing", link="t", now=due)
        for function, transition, to in (("idle", "skip", ""), ("starter", end, link)):
            made, _ = ledger.open_receipt(
                conn, trigger=function, kind="message", stimulus=str(minute), now=due, parent_id=f"f{minute}"
            )
            ledger.settle(conn, made.receipt_id, transition, now=due, link=to)

    run = "projects/p/locations/l/pipelineJobs/"
    for minute, (end, link) in enumerate(
        [("start", f"{run}1"), ("start", f"{run}2"), ("fail", ""), ("skip", f"{run}3")]
    ):
        db.write(lambda conn, m=minute, e=end, to=link: fire(conn, m, e, to))

    (found,) = db.read(lambda conn: ends.due_ends(conn, HOURLY, [(NOW, NOW + timedelta(hours=1))]))

    assert sorted(found) == [("FAILED", ""), ("SKIPPED", f"{run}3"), ("STARTED", f"{run}1"), ("STARTED", f"{run}2")]


def test_what_events_led_to_is_found_for_many_at_once(db):
    first = db.write(lambda conn: a_receipt(conn, 1))
    second = db.write(lambda conn: a_receipt(conn, 2))
    child = db.write(lambda conn: a_receipt(conn, 3, trigger=OTHER, parent=second))

    assert [c.receipt_id for c in db.read(lambda conn: families.children_of(conn, [first, second]))] == [child]


def test_what_each_event_led_to_first_is_found_for_many_at_once(db):
    def verb(conn):
        one, other = a_receipt(conn, 1), a_receipt(conn, 2)
        led = [a_receipt(conn, n, trigger=OTHER, kind="message", stimulus=f"s#{n}", parent=one) for n in (5, 4, 3)]
        for number in range(2):
            ledger.record_delivery(conn, led[0], now=NOW + timedelta(hours=number), outcome="failed")
        return one, other, led

    one, other, led = db.write(verb)

    below = db.read(lambda conn: families.first_children(conn, [one, other], limit=2))
    delivered = db.read(lambda conn: families.deliveries_of(conn, [one, led[0]]))
    assert {parent: [c.receipt_id for c in mine] for parent, mine in below.items()} == {
        one: [led[2], led[1]],
        other: [],
    }
    assert {key: [d.number for d in mine] for key, mine in delivered.items()} == {one: [], led[0]: [1, 2]}


def test_the_newest_of_each_trigger_are_whole_receipts(filled):
    newest = filled.read(lambda conn: families.latest(conn, [OTHER, HOURLY, "nobody"], limit=2))

    assert {trigger: len(mine) for trigger, mine in newest.items()} == {OTHER: 1, HOURLY: 2, "nobody": 0}
    assert newest[HOURLY] == found(filled, trigger=HOURLY, page_size=2).receipts


@pytest.mark.parametrize(
    ("wanted", "index"),
    [
        ({}, "ix_receipts_create_time"),
        ({"since": NOW, "text": "full"}, "ix_receipts_create_time"),
        ({"state": "FAILED"}, "ix_receipts_failed"),
        ({"trigger": HOURLY, "kind": "firing"}, "ix_receipts_trigger"),
    ],
)
def test_no_search_reads_the_whole_ledger_or_sorts_it(filled, wanted, index):
    def plan(conn):
        query = search._narrowed(conn, Search(**wanted)).limit(50)
        text = str(query.compile(dialect=conn.dialect, compile_kwargs={"literal_binds": True}))
        return " ".join(row[3] for row in conn.exec_driver_sql(f"EXPLAIN QUERY PLAN {text}"))

    steps = filled.read(plan)
    assert index in steps
    assert "TEMP B-TREE" not in steps


def test_what_failed_last_is_found_however_long_ago_it_began(db):
    def verb(conn):
        slow = a_receipt(conn, 0, transition="")
        newer = [a_receipt(conn, number, transition="fail", stimulus=f"s#{number}") for number in range(1, 10)]
        a_receipt(conn, 11)
        ledger.settle(conn, slow, "fail", now=NOW + timedelta(minutes=20), reason="after many tries")
        return slow, newer, search.failed_last(conn, limit=3)

    slow, newer, found = db.write(verb)

    assert {receipt.receipt_id for receipt in found} == {slow, *newer[-2:]}
