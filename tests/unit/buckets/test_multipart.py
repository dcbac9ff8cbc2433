"""Multipart uploads are read the same, however the body is cut into pieces and lines end."""

import pytest

from trainshed.api.services.multipart import Related
from trainshed.errors import InvalidArgument

CONTENT = b"a\r\n--x\nb\r\n--boundar\r\n\n--boundary!"


def body(content, newline):
    lines = [b"--boundary", b"Content-Type: application/json", b"", b'{"name": "n"}', b"--boundary",
             b"Content-Type: text/plain", b"", content, b"--boundary--", b""]  # fmt: skip
    return newline.join(lines)


def read(data, step):
    parts = Related('multipart/related; boundary="boundary"')
    content = b"".join(piece for at in range(0, len(data), step) for piece in parts.feed(data[at : at + step]))
    parts.finish()
    return parts.document, parts.content_type, content


@pytest.mark.parametrize("newline", [b"\r\n", b"\n"])
@pytest.mark.parametrize("step", [1, 2, 3, 7, 10_000])
@pytest.mark.parametrize("content", [b"", b"x", b"--x", b"line\r\nline\n", bytes(range(256)).replace(b"\n--", b"")])
def test_content_comes_out_as_it_went_in(newline, step, content):
    assert read(body(content, newline), step) == ({"name": "n"}, "text/plain", content)


@pytest.mark.parametrize("step", [1, 5, 1000])
def test_a_boundary_that_does_not_begin_a_line_is_content(step):
    assert read(body(b"x--boundary--", b"\r\n"), step)[2] == b"x--boundary--"


@pytest.mark.parametrize("data", [b"", b"nonsense", body(b"x", b"\r\n")[:-20]])
def test_a_body_that_breaks_off_is_refused(data):
    with pytest.raises(InvalidArgument, match="body: "):
        read(data, 10)


@pytest.mark.parametrize("text", [b"nope", b"[1]", b"{", b"[" * 100_000])
def test_metadata_that_is_not_a_json_object_is_refused(text):
    with pytest.raises(InvalidArgument, match="metadata part is not"):
        read(body(b"x", b"\n").replace(b'{"name": "n"}', text), 1000)


def test_gsutil_quotes_its_boundary_as_python_does():
    parts = Related("multipart/related; boundary='===12=='")

    content = b"".join(parts.feed(body(b"x", b"\n").replace(b"--boundary", b"--===12==")))
    parts.finish()

    assert content == b"x"


def test_a_missing_boundary_is_refused():
    with pytest.raises(InvalidArgument, match="boundary"):
        Related("multipart/related")
