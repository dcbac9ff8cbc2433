"""Documents of the XML API."""

from xml.etree import ElementTree as ET

import pytest

from trainshed.api.services import storage_xml_text as text
from trainshed.buckets.parts import part_number
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound, PermissionDenied, Unavailable


def test_names_are_written_so_that_they_can_be_read_back():
    name = "a<b>&\"'ü\u0001\n"

    assert ET.fromstring(text.write("N", [("Key", name)])).findtext("Key") == name.replace("\u0001", "\ufffd")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (NotFound(reason="BUCKET_NOT_FOUND"), "NoSuchBucket"),
        (NotFound(reason="OBJECT_NOT_FOUND"), "NoSuchKey"),
        (NotFound(reason="NoSuchUpload"), "NoSuchUpload"),
        (AlreadyExists(reason="BUCKET_EXISTS"), "BucketAlreadyExists"),
        (InvalidArgument(reason="CHECKSUM_MISMATCH"), "BadDigest"),
        (InvalidArgument(), "InvalidArgument"),
        (PermissionDenied(reason="SignatureDoesNotMatch"), "SignatureDoesNotMatch"),
        (Unavailable(), "ServiceUnavailable"),
    ],
)
def test_an_error_has_the_code_that_clients_know(error, code):
    assert ET.fromstring(text.error(error)).findtext("Code") == code


def test_a_completion_is_read_with_and_without_a_namespace():
    parts = '<Part><PartNumber>2</PartNumber><ETag>"x"</ETag></Part>'

    for head in ("<C>", "<C xmlns='http://s3.amazonaws.com/doc/2006-03-01/'>"):
        assert text.read_parts(f"{head}{parts}</C>".encode()) == [(2, '"x"')]


@pytest.mark.parametrize(
    "body",
    [b"", b"<C>", b"nonsense", b"<C><Part/></C>", b"<C><Part><PartNumber>x</PartNumber></Part></C>",
     b"<!DOCTYPE C [<!ENTITY a 'b'>]><C>&a;</C>", b"\xff\xfe\x00"],
)  # fmt: skip
def test_what_is_no_completion_is_refused(body):
    with pytest.raises(InvalidArgument) as refused:
        text.read_parts(body)
    assert refused.value.reason == "MalformedXML"


@pytest.mark.parametrize("number", ["", "0", "10001", "-1", "x", "\u0661"])
def test_a_part_has_a_number_up_to_ten_thousand(number):
    with pytest.raises(InvalidArgument, match="partNumber"):
        part_number(number)
    assert part_number("10000") == 10000
