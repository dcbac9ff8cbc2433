"""What a fork server saw, in the contract's terms."""

import pytest

from trainshed.runners.contract import ExitedNonZero, LeaseLost, OutOfMemory, Stopped, Succeeded, TimedOut
from trainshed.runners.translation import last_lines, outcome
from trainshed.workers import Ended


@pytest.mark.parametrize(
    ("seen", "told"),
    [
        ({"cause": "exited"}, Succeeded(output="")),
        ({"cause": "exited", "code": 2}, ExitedNonZero(code=2, message="")),
        ({"cause": "exited", "code": -11}, ExitedNonZero(code=-11, message="")),
        ({"cause": "stopped", "code": 0}, Stopped()),
        ({"cause": "timed_out", "timeout_seconds": 3.0, "code": -15}, TimedOut(timeout_seconds=3.0)),
        ({"cause": "out_of_memory", "memory_bytes": 9, "code": -9}, OutOfMemory(limit_bytes=9)),
        ({"cause": "lease_expired", "code": -15}, LeaseLost()),
        ({"cause": "lost"}, LeaseLost()),
    ],
)
def test_an_end_is_told(seen, told, tmp_path):
    missing = str(tmp_path / "missing")

    assert outcome(Ended(task_id="t", attempt=1, log_file=missing, output_file=missing, **seen)) == told


def test_the_last_lines_of_a_long_log_are_told(tmp_path):
    log = tmp_path / "log"
    log.write_bytes(b"\xff" * 50_000 + b"\n" + b"".join(b"line %d\n" % i for i in range(100)))

    assert last_lines(log).splitlines() == [f"line {i}" for i in range(80, 100)]
