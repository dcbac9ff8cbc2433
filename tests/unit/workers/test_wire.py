"""Orders and outcomes on the wire."""

import json

from trainshed.workers import Ended, Order
from trainshed.workers.child.server import Attempt
from trainshed.workers.wire import encode

ORDER = Order(task_id="t", attempt=2, folder="/f", log_file="/f/log", output_file="/f/out", arguments=("a", "b c"))


def test_an_order_is_one_line_of_json():
    line = encode(ORDER.message())

    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert json.loads(line)["arguments"] == ["a", "b c"]
    assert json.loads(line)["do"] == "start"


def test_an_order_has_every_field_that_the_worker_reads():
    attempt = Attempt(json.loads(encode(ORDER.message())), pid=1, start_time=0.0)

    assert attempt.key == ORDER.key == ("t", 2)
    assert attempt.deadline is None


def test_an_outcome_of_a_later_version_is_read():
    ended = Ended.read({"task_id": "t", "attempt": 2, "cause": "exited", "code": 3, "later": "field"})

    assert (ended.key, ended.cause, ended.code) == (("t", 2), "exited", 3)
