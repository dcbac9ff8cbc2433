"""A batch is cut into its requests, however lines end."""

import pytest

from trainshed.api.services.storage_batch import split
from trainshed.errors import InvalidArgument

TYPE = 'multipart/mixed; boundary="==x=="'
PARTS = [b"Content-Type: application/http\n\nGET /storage/v1/b/a HTTP/1.1\n\n", b"\nDELETE /storage/v1/b/b/o/c"]


def body(newline, end=b"--"):
    lines = b"".join(b"\n--==x==\n" + part for part in PARTS) + b"\n--==x==" + end
    return lines.lstrip().replace(b"\n", newline)


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_the_parts_come_in_order(newline):
    found = split(TYPE, body(newline))

    assert [part.strip().replace(b"\r\n", b"\n") for part in found] == [part.strip() for part in PARTS]


@pytest.mark.parametrize("data", [b"", b"nonsense", body(b"\n", end=b""), b"--==x==--"[:4]])
def test_what_is_no_batch_is_refused(data):
    with pytest.raises(InvalidArgument, match="body: "):
        split(TYPE, data)


def test_a_boundary_is_needed_and_a_thousand_requests_are_the_most():
    with pytest.raises(InvalidArgument, match="boundary"):
        split("multipart/mixed", b"")
    with pytest.raises(InvalidArgument, match="at most 1000"):
        split(TYPE, b"--==x==\nx\n" * 1001 + b"--==x==--")
