"""How the end of an attempt is said."""

from datetime import UTC, datetime

from trainshed.runners.contract import OutOfMemory, Report
from trainshed.runs.engine.ended import ending_of

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_a_memory_limit_is_said_in_the_unit_of_every_page():
    report = Report(task_id="t", attempt=1, outcome=OutOfMemory(limit_bytes=512 << 20), start_time=NOW, end_time=NOW)

    assert ending_of(report).message == "needed more memory than its limit of 512.0 MiB"
