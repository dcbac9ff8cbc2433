"""Ranges, conditions, wildcards: how requests and arguments are read."""

import pytest

from trainshed.api.services.storage_request import content_range, promised_hashes, range_of
from trainshed.cli.storage_paths import address, check_relative, long_lines, matcher, size_text, target_name
from trainshed.errors import InvalidArgument


@pytest.mark.parametrize(
    ("header", "part"),
    [("bytes=0-4", (0, 5)), ("bytes=5-", (5, 10)), ("bytes=-3", (7, 10)), ("bytes=0-99", (0, 10)), ("bytes=-99", (0, 10)),
     ("", None), ("items=0-1", None), ("bytes=-", None)],
)  # fmt: skip
def test_a_range_is_the_part_of_the_object_that_it_names(header, part):
    assert range_of(header, 10) == part


def test_several_ranges_at_once_are_refused():
    with pytest.raises(InvalidArgument, match="one range at a time"):
        range_of("bytes=0-1,3-4", 10)


@pytest.mark.parametrize("header", ["bytes=10-", "bytes=5-4", "bytes=-0"])
def test_a_range_outside_the_object_is_told_from_none(header):
    with pytest.raises(ValueError):
        range_of(header, 10)


def test_content_range_says_where_the_piece_begins_and_how_much_there_will_be():
    assert content_range("bytes 0-9/20") == (0, 20)
    assert content_range("bytes 10-19/*") == (10, None)
    assert content_range("bytes */20") == (None, 20)
    with pytest.raises(InvalidArgument, match="Content-Range"):
        content_range("bytes zero")


def test_promised_hashes_are_read_from_the_header():
    assert promised_hashes("crc32c=AA==,md5=BB==") == {"crc32c": "AA==", "md5": "BB=="}
    assert promised_hashes("") == {}


@pytest.mark.parametrize(
    ("pattern", "fits", "not_fits"),
    [("a/*.csv", "a/x.csv", "a/b/x.csv"), ("a/**.csv", "a/b/x.csv", "b/x.csv"), ("?.txt", "a.txt", "ab.txt"),
     ("[a-c]x", "bx", "dx"), ("a.b*", "a.bc", "axbc")],
)  # fmt: skip
def test_wildcards_stay_within_one_folder_unless_doubled(pattern, fits, not_fits):
    assert matcher(pattern).fullmatch(fits)
    assert not matcher(pattern).fullmatch(not_fits)


def test_an_address_names_a_bucket_and_perhaps_an_object():
    assert (address("gs://b").is_folder, address("gs://b/x/").below, str(address("gs://b"))) == (True, "x/", "gs://b/")
    with pytest.raises(InvalidArgument, match="gs://BUCKET/NAME"):
        address("/local/file")


def test_a_copy_goes_into_a_folder_or_takes_the_name():
    assert target_name("dir/a.txt", "x", is_into=True) == "x/a.txt"
    assert target_name("dir/a.txt", "", is_into=True) == "a.txt"
    assert target_name("dir/a.txt", "x", is_into=False) == "x"


@pytest.mark.parametrize("name", ["../x", "/x", "a/../../x", "a//b", "a\0b", ""])
def test_a_download_never_leaves_its_target_folder(name):
    with pytest.raises(InvalidArgument, match="would not lie inside"):
        check_relative(name)


def test_sizes_and_totals_are_written_as_gsutil_does():
    assert [size_text(n) for n in (0, 1023, 1024, 12639, 1 << 30)] == ["0 B", "1023 B", "1 KiB", "12.34 KiB", "1 GiB"]
    assert long_lines([(12639, "2021-09-02T03:12:04Z", "gs://b/x"), (0, "", "gs://b/d/")], is_human=True) == [
        " 12.34 KiB  2021-09-02T03:12:04Z  gs://b/x",
        " " * 33 + "gs://b/d/",
        "TOTAL: 1 objects, 12639 bytes (12.34 KiB)",
    ]
