"""What an execution read is named whatever its record says."""

from datetime import UTC, datetime

import pytest

from trainshed.dashboard.artifacts import tracing
from trainshed.dashboard.artifacts.ways import Way
from trainshed.lineage import Execution


@pytest.mark.parametrize(
    ("generation", "href"),
    [
        ("17", "/buckets/b?object=folder%2Fa&generation=17"),
        (17, "/buckets/b?object=folder%2Fa&generation=17"),
        ("", "/buckets/b?object=folder%2Fa"),
        ("newest", "/buckets/b?object=folder%2Fa"),
    ],
)
def test_stored_data_is_linked_in_the_generation_that_was_read_where_that_is_known(generation, href):
    doing = Execution(
        execution_id=1, type="", name="train", last_known_state="COMPLETE", context_id=None,
        create_time=datetime(2026, 1, 31, tzinfo=UTC),
        properties={"inputs": {"data": "gs://b/folder/"}, "data": {"data": [["folder/a", generation]]}},
    )  # fmt: skip

    (cell,) = tracing._read(Way(key="executions/1", distance=0, doing=doing))

    assert cell.href == href
