"""What a caller may set of a bucket, and what the bucket's document says where nothing is set."""

from dataclasses import replace

import pytest

from trainshed.blobs.model import Bucket
from trainshed.buckets import properties
from trainshed.clock import VirtualClock
from trainshed.errors import InvalidArgument, PreconditionFailed

NOW = VirtualClock().now()
BUCKET = Bucket(name="b", metageneration=1, properties={}, create_time=NOW, update_time=NOW)


def a_bucket(**given):
    return replace(BUCKET, properties=given)


@pytest.mark.parametrize(
    ("old", "patch", "made"),
    [
        ({"labels": {"a": "1", "b": "2"}}, {"labels": {"a": None, "c": "3"}}, {"labels": {"b": "2", "c": "3"}}),
        ({"labels": {"a": "1"}}, {"labels": None}, {}),
        ({}, {"versioning": {"enabled": True}}, {"versioning": {"enabled": True}}),
        ({"lifecycle": {"rule": [1]}}, {"lifecycle": {"rule": [2]}}, {"lifecycle": {"rule": [2]}}),
        ({"labels": "odd"}, {"labels": {"a": "1"}}, {"labels": {"a": "1"}}),
    ],
)
def test_a_patch_merges_objects_and_removes_what_is_null(old, patch, made):
    assert properties.merged(old, patch) == made


def test_setting_one_thing_leaves_what_holds_by_itself():
    made = properties.bucket_json(a_bucket(iamConfiguration={"publicAccessPrevention": "enforced"}), "http://h")

    assert made["iamConfiguration"]["publicAccessPrevention"] == "enforced"
    assert made["iamConfiguration"]["uniformBucketLevelAccess"] == {"enabled": True}
    assert made["softDeletePolicy"]["retentionDurationSeconds"] == "604800"


@pytest.mark.parametrize(
    ("location", "kind"),
    [("us", "multi-region"), ("EU", "multi-region"), ("nam4", "dual-region"), ("europe-west1", "region")],
)
def test_a_location_is_written_large_with_its_kind(location, kind):
    made = properties.bucket_json(a_bucket(location=location), "http://h")

    assert (made["location"], made["locationType"]) == (location.upper(), kind)


@pytest.mark.parametrize(
    "document",
    [
        {"labels": "x"}, {"labels": {"a": 1}}, {"versioning": True}, {"location": 5}, {"storageClass": "FAST"},
        {"retentionPolicy": {"retentionPeriod": "long"}}, {"softDeletePolicy": {"retentionDurationSeconds": True}},
        {"retentionPolicy": {"retentionPeriod": -1}},
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused_by_the_name_of_its_field(document):
    with pytest.raises(InvalidArgument) as refused:
        properties.changes(document)

    assert refused.value.violations[0].field.startswith(next(iter(document)))


def test_a_class_may_be_written_small_as_gcloud_does():
    assert properties.changes({"storageClass": "nearline"}) == {"storageClass": "NEARLINE"}


def test_a_policy_is_replaced_only_by_who_read_the_present_one():
    read = properties.policy_json(BUCKET)
    made = properties.new_policy(BUCKET, {"bindings": [{"role": "r", "members": ["m"]}], "etag": read["etag"]})
    changed = a_bucket(iamPolicy=made)

    assert properties.policy_json(changed)["bindings"] == [{"role": "r", "members": ["m"]}]
    assert "iamPolicy" not in properties.bucket_json(changed, "")
    with pytest.raises(PreconditionFailed):
        properties.new_policy(changed, {"bindings": [], "etag": read["etag"]})
    with pytest.raises(InvalidArgument, match="bindings"):
        properties.new_policy(BUCKET, {"bindings": ["x"]})
