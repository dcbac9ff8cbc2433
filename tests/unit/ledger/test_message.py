"""A message, and what its receipt keeps of it."""

import json
from datetime import UTC, datetime

from trainshed.ledger import Message


def test_what_a_receipt_keeps_of_a_message_gives_it_back():
    made = Message(
        subscription="projects/p/subscriptions/s",
        message_id="7",
        topic="projects/p/topics/t",
        publish_time=datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC),
        data=b"\x00\xff{}",
        attributes={"k": "v"},
    )

    kept = json.loads(json.dumps(made.as_data()))

    assert Message.from_data(kept) == made
    assert made.stimulus == "projects/p/subscriptions/s#7"
