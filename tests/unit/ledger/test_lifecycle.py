"""What the state of a receipt says."""

from datetime import UTC, datetime

import pytest

from trainshed.ledger import RECEIPT, Receipt

WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def a_receipt(state):
    return Receipt(
        receipt_id="r", trigger="t", kind="message", stimulus="s", state=state, reason="", link="", parent_id="", data={},
        create_time=WHEN, update_time=WHEN,
    )  # fmt: skip


@pytest.mark.parametrize("state", RECEIPT.states)
def test_an_event_has_begun_once_it_started_something_or_joined_it(state):
    assert a_receipt(state).has_begun is (state in {"STARTED", "JOINED"})
