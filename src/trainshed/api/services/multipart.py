"""`multipart/related` uploads: one JSON part, one part of bytes that is passed on as it comes. Pure.

gcloud ends its lines with a bare LF, everybody else with CRLF; the first line says which it is.
"""

import json
import re
from collections.abc import Iterator
from email.message import Message
from typing import Any

from trainshed.errors import InvalidArgument

_LONGEST_HEAD = 1 << 20  # bytes before the second part's content


class Related:
    """Fed with the body piece by piece; `document` and `content_type` are there once `feed` has yielded anything."""

    def __init__(self, content_type: str) -> None:
        header = Message()
        header["Content-Type"] = content_type
        boundary = header.get_param("boundary")
        if not boundary or not isinstance(boundary, str):
            raise InvalidArgument.field("Content-Type", "a multipart upload needs a boundary.")
        if boundary.startswith("'") and boundary.endswith("'"):
            boundary = boundary[1:-1]  # gsutil quotes it as Python does
        self._boundary = b"--" + boundary.encode()
        self._buffer = b""
        self._end = b""  # what ends the content, once known
        self._is_complete = False
        self._has_content = False
        self.document: dict[str, Any] = {}
        self.content_type = ""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Take a piece of the body, answer the pieces of content in it. Raises InvalidArgument."""
        self._buffer += data
        if not self._end and not self._read_head():
            return
        yield from self._content()

    def finish(self) -> None:
        """Take note that the body is over. Raises InvalidArgument unless the content was ended by the boundary."""
        if not self._is_complete:
            raise InvalidArgument.field("body", "the multipart upload ends before its closing boundary.")

    def _read_head(self) -> bool:
        newline = rb"\r\n" if re.match(rb"\s*" + re.escape(self._boundary) + rb"[ \t]*\r\n", self._buffer) else rb"\n"
        pattern = (
            rb"\s*%(b)s[ \t]*%(n)s(?P<head>(?:[^\r\n]+%(n)s)*)%(n)s(?P<json>.*?)%(n)s%(b)s[ \t]*%(n)s"
            rb"(?P<head2>(?:[^\r\n]+%(n)s)*)%(n)s"
        ) % {b"b": re.escape(self._boundary), b"n": newline}
        match = re.match(pattern, self._buffer, re.DOTALL)
        if match is None:
            if len(self._buffer) > _LONGEST_HEAD:
                raise InvalidArgument.field("body", "is not a multipart upload of metadata and content.")
            return False
        self.document = _json(match["json"])
        self.content_type = _content_type(match["head2"])
        self._buffer = self._buffer[match.end() :]
        self._end = newline.replace(rb"\r\n", b"\r\n").replace(rb"\n", b"\n") + self._boundary
        return True

    def _content(self) -> Iterator[bytes]:
        if self._is_complete:
            self._buffer = b""
            return
        if not self._has_content and self._buffer.startswith(
            self._end.lstrip()
        ):  # no content: the boundary follows the empty line at once
            self._is_complete, self._buffer = True, b""
            yield b""
            return
        at = self._buffer.find(self._end)
        if at >= 0:
            content, self._buffer, self._is_complete = self._buffer[:at], b"", True
        else:
            keep = len(self._end) - 1
            content, self._buffer = self._buffer[:-keep], self._buffer[-keep:]
        self._has_content = self._has_content or bool(content)
        yield content


def _json(text: bytes) -> dict[str, Any]:
    try:
        document = json.loads(text or b"{}")
    except (ValueError, RecursionError) as error:
        raise InvalidArgument.field("body", f"the metadata part is not JSON: {error}.") from error
    if not isinstance(document, dict):
        raise InvalidArgument.field("body", "the metadata part is not a JSON object.")
    return document


def _content_type(head: bytes) -> str:
    for line in head.decode("latin-1").splitlines():
        name, _, value = line.partition(":")
        if name.strip().lower() == "content-type":
            return value.strip()
    return ""
