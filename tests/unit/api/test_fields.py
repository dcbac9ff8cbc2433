from datetime import UTC, datetime, timedelta

import pytest

from trainshed import errors
from trainshed.api import fields
from trainshed.api.descriptors import message, to_json

JOB = "google.cloud.scheduler.v1.Job"
MASK = "google.protobuf.FieldMask"


def test_an_update_takes_the_fields_of_the_mask_and_keeps_the_others():
    current = message(JOB, name="j", schedule="1 * * * *", time_zone="UTC", retry_config={"retry_count": 1})
    patch = message(JOB, schedule="2 * * * *", retry_config={"retry_count": 3, "max_doublings": 4})

    merged = fields.update(current, patch, message(MASK, paths=["schedule", "retryConfig.retryCount", "timeZone"]))

    expected = message(JOB, name="j", schedule="2 * * * *", time_zone="", retry_config={"retry_count": 3})
    assert merged == expected
    assert current.schedule == "1 * * * *"


def test_a_message_field_that_the_patch_lacks_is_cleared():
    current = message(JOB, name="j", retry_config={"retry_count": 1})

    assert not fields.update(current, message(JOB), message(MASK, paths=["retry_config"])).HasField("retry_config")


def test_an_empty_mask_means_what_is_set():
    patch = message(JOB, schedule="2 * * * *")

    assert fields.update(message(JOB, time_zone="UTC"), patch, message(MASK)).schedule == "2 * * * *"
    assert fields.mask_paths(message(MASK, paths=["*"]), patch) == ("schedule",)


def test_maps_and_lists_are_replaced_whole():
    topic = "google.pubsub.v1.Topic"

    merged = fields.update(
        message(topic, labels={"a": "1", "b": "2"}),
        message(topic, labels={"c": "3"}),
        message(MASK, paths=["labels"]),
    )

    assert dict(merged.labels) == {"c": "3"}


@pytest.mark.parametrize("path", ["nothing", "retry_config.nothing", "name.deeper"])
def test_a_path_that_the_resource_lacks_is_refused(path):
    with pytest.raises(errors.InvalidArgument, match="update_mask: has the path"):
        fields.update(message(JOB), message(JOB), message(MASK, paths=[path]))


def test_page_sizes_are_bounded():
    assert [fields.page_size(asked) for asked in (0, 7, 5000)] == [100, 7, 1000]
    with pytest.raises(errors.InvalidArgument, match="page_size"):
        fields.page_size(-1)


def test_times_and_durations_are_plain_python():
    when = datetime(2026, 3, 29, 1, 2, 3, 456000, tzinfo=UTC)
    made = message(JOB, user_update_time=when, attempt_deadline=timedelta(seconds=2.5))

    assert fields.time(made.user_update_time) == when
    assert fields.optional_time(made, "last_attempt_time") is None
    assert fields.seconds(made.attempt_deadline) == 2.5


def test_plain_data_survives_a_struct():
    document = {"a": [1, 2.5, None, True, {"b": "c"}], "d": {}}

    assert fields.plain(fields.struct(document)) == document
    assert fields.plain(fields.value([1, "x"])) == [1, "x"]


def test_operations_are_running_done_or_failed():
    running = fields.operation("operations/1", metadata=message("google.pubsub.v1.Topic", name="t"))
    done = fields.operation("operations/1", done=True)
    failed = fields.operation("operations/1", error=errors.NotFound("no such file"))

    assert to_json(running)["metadata"] == {"@type": "type.googleapis.com/google.pubsub.v1.Topic", "name": "t"}
    assert (done.done, done.response.type_url) == (True, "type.googleapis.com/google.protobuf.Empty")
    assert (failed.done, failed.error.code, failed.error.message) == (True, 5, "no such file")


def test_base64_is_checked():
    assert fields.data("aGk=", field="data") == b"hi"
    with pytest.raises(errors.InvalidArgument, match="data: is not base64"):
        fields.data("%%%", field="data")


def test_what_json_cannot_say_is_refused_naming_the_field():
    function = message("google.cloud.functions.v1.CloudFunction")
    function.timeout.seconds = 2**60

    with pytest.raises(errors.InvalidArgument) as refused:
        to_json(function)

    assert [violation.field for violation in refused.value.violations] == ["timeout"]
    assert "must be in range" in refused.value.message


def test_an_infinite_number_among_plain_data_is_refused():
    endless = message("google.protobuf.Value", number_value=float("inf"))

    for write in (to_json, fields.plain):
        with pytest.raises(errors.InvalidArgument, match="Infinity"):
            write(endless)
