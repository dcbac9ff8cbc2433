import pytest

from trainshed.blobs.model import Object
from trainshed.buckets.resource import object_changes
from trainshed.clock import VirtualClock
from trainshed.errors import InvalidArgument


def an_object(**values):
    now = VirtualClock().now()
    fields = dict.fromkeys(Object.__dataclass_fields__)
    return Object(
        **{**fields, "metadata": {"a": "1"}, "properties": {}, "create_time": now, "update_time": now, **values}
    )


def test_metadata_of_a_patch_comes_on_top():
    changes = object_changes(an_object(), {"metadata": {"b": "2"}}, merge=True)

    assert changes["metadata"] == {"a": "1", "b": "2"}


@pytest.mark.parametrize("merge", [True, False])
def test_metadata_that_is_no_object_is_refused(merge):
    with pytest.raises(InvalidArgument, match="not an object of string pairs"):
        object_changes(an_object(), {"metadata": 600}, merge=merge)
