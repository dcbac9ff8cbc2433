"""Names of objects, and where their files lie."""

import pytest

from trainshed.blobs import check_bucket, check_object, parse_uri, paths
from trainshed.errors import InvalidArgument


@pytest.mark.parametrize("name", ["abc", "my-bucket", "a.b_c-1", "123"])
def test_a_bucket_name_of_lower_case_letters_digits_dashes_and_dots_is_taken(name):
    assert check_bucket(name) == name


@pytest.mark.parametrize("name", ["", "ab", "Upper", ".staging", "..", "a..b", "a/b", "-ab", "a\0b", "a" * 300])
def test_any_other_bucket_name_is_refused_naming_the_field(name):
    with pytest.raises(InvalidArgument, match="bucket: .*is not a bucket name"):
        check_bucket(name)


@pytest.mark.parametrize("name", ["", ".", "..", "a\nb", "a\rb", "x" * 1025, "ü" * 513, "\ud800", "../x", "a/../../x"])
def test_an_object_name_that_cloud_storage_refuses_is_refused(name):
    with pytest.raises(InvalidArgument, match="name: "):
        check_object(name)


@pytest.mark.parametrize("name", ["a", "a/b", "a b/ü", ".hidden", "a..b", "...", "e\u0301"])
def test_a_usual_name_lies_at_its_own_path(name):
    assert paths.is_plain(check_object(name))


@pytest.mark.parametrize(
    "name", ["a/../b", "/etc/passwd", "a//b", "a/", "a/./b", "a\0b", "x" * 256, "/".join(["y" * 200] * 5)]
)
def test_a_name_that_a_file_system_cannot_hold_is_allowed_but_lies_elsewhere(name):
    assert not paths.is_plain(check_object(name))
    assert paths.escaped("b", name).startswith(".escaped/b/")
    assert ".." not in paths.escaped("b", name)


def test_folders_of_a_path_are_those_below_the_bucket():
    assert paths.parents("bucket/x/y/z") == ["bucket/x", "bucket/x/y"]
    assert paths.parents("bucket/x") == []


def test_an_address_is_split_into_bucket_and_name():
    assert parse_uri("gs://bucket/a/b") == ("bucket", "a/b")
    assert parse_uri("gs://bucket") == ("bucket", "")
    assert parse_uri("gs://bucket/") == ("bucket", "")


@pytest.mark.parametrize("uri", ["bucket/a", "s3://bucket/a", "gs:///a", "gs://UPPER/a"])
def test_anything_else_is_not_an_address(uri):
    with pytest.raises(InvalidArgument, match="gs://BUCKET/NAME|is not a bucket name"):
        parse_uri(uri)
