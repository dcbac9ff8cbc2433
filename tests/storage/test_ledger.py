import itertools

import pytest

from trainshed import ledger
from trainshed.errors import NotFound, StaleState
from trainshed.ledger import RECEIPT
from trainshed.sql import history

TRIGGER = "projects/p/locations/r/functions/f"


def opened(db, clock, stimulus="s#1", **more):
    return db.write(
        lambda conn: ledger.open_receipt(
            conn, trigger=TRIGGER, kind="message", stimulus=stimulus, now=clock.now(), **more
        )
    )


def test_same_stimulus_finds_the_same_receipt(db, clock):
    first, is_new = opened(db, clock, data={"n": 1})
    again, is_new_again = opened(db, clock, data={"n": 2})

    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert again.data == {"n": 1}


def test_five_deliveries_stand_under_one_receipt(db, clock):
    receipt, _ = opened(db, clock)

    for _ in range(5):
        db.write(lambda conn: ledger.record_delivery(conn, receipt.receipt_id, now=clock.now(), outcome="acked"))

    rows = db.read(lambda conn: ledger.deliveries(conn, receipt.receipt_id))
    assert [r.number for r in rows] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize(
    ("state", "name"), list(itertools.product(RECEIPT.states, [t.name for t in RECEIPT.transitions]))
)
def test_every_pair_of_state_and_transition(db, clock, state, name):
    ways = {"STARTED": "start", "JOINED": "join", "SKIPPED": "skip", "REFUSED": "refuse", "FAILED": "fail"}
    receipt, _ = opened(db, clock)
    if state != "PENDING":
        db.write(lambda conn: ledger.settle(conn, receipt.receipt_id, ways[state], now=clock.now()))

    def settle(conn):
        ledger.settle(conn, receipt.receipt_id, name, now=clock.now(), reason="because", link="runs/1")

    if RECEIPT.allows(name, state):
        db.write(settle)
        found = db.read(lambda conn: ledger.get_receipt(conn, receipt.receipt_id))
        assert (found.state, found.reason, found.link) == (RECEIPT[name].target, "because", "runs/1")
    else:
        with pytest.raises(StaleState):
            db.write(settle)


def test_history_tells_the_whole_story(db, clock):
    receipt, _ = opened(db, clock)
    db.write(lambda conn: ledger.settle(conn, receipt.receipt_id, "fail", now=clock.now()))
    db.write(lambda conn: ledger.settle(conn, receipt.receipt_id, "start", now=clock.now()))

    story = db.read(lambda conn: history(conn, "receipt", receipt.receipt_id))
    assert [(c.transition, c.state) for c in story] == [
        ("created", "PENDING"),
        ("fail", "FAILED"),
        ("start", "STARTED"),
    ]


def test_started_work_finds_its_receipt(db, clock):
    receipt, _ = opened(db, clock)
    db.write(lambda conn: ledger.settle(conn, receipt.receipt_id, "start", now=clock.now(), link="runs/9"))

    assert db.read(lambda conn: ledger.find_receipt(conn, link="runs/9")).receipt_id == receipt.receipt_id
    assert db.read(lambda conn: ledger.find_receipt(conn, link="runs/8")) is None


def test_unknown_receipt_is_said_so(db):
    with pytest.raises(NotFound, match="no receipt 'x'"):
        db.read(lambda conn: ledger.get_receipt(conn, "x"))


@pytest.mark.parametrize(
    ("transition", "outcome"),
    [("start", "started"), ("join", "joined"), ("skip", "skipped"), ("refuse", "refused"), ("fail", "failed")],
)
def test_concluding_settles_a_receipt_and_appends_the_delivery_in_its_words(db, clock, transition, outcome):
    def verb(conn):
        receipt, _ = ledger.open_receipt(conn, trigger="t", kind="commit", stimulus="s", now=clock.now())
        ledger.conclude(conn, receipt.receipt_id, transition, now=clock.now(), reason="why", link="l")
        return ledger.get_receipt(conn, receipt.receipt_id), ledger.deliveries(conn, receipt.receipt_id)

    receipt, (delivery,) = db.write(verb)

    assert (receipt.state, receipt.reason, receipt.link) == (outcome.upper(), "why", "l")
    assert (delivery.outcome, delivery.reason, delivery.link) == (outcome, "why", "l")
