"""Many requests of the JSON API in one: `multipart/mixed` of HTTP requests, answered by their answers in the same order."""

import re
from collections.abc import Awaitable, Callable
from email.message import Message
from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from trainshed import names
from trainshed.api.services.storage_errors import json_error
from trainshed.api.services.storage_request import read_all
from trainshed.errors import InvalidArgument, TrainshedError

Answer = Callable[[Request], Awaitable[Response]]

_MOST_PARTS = 1000
_PART = re.compile(rb"(?P<head>.*?)\r?\n\r?\n(?P<request>.*)", re.DOTALL)
_REQUEST = re.compile(
    rb"\s*(?P<method>[A-Z]+) (?P<target>\S+)(?: HTTP/1\.[01])?[ \t]*(?:\r?\n(?P<head>(?:[^\r\n]+(?:\r?\n|$))*))?"
    rb"(?:\r?\n(?P<body>.*))?",
    re.DOTALL,
)


def routes(prefix: str, answer: Answer) -> list[Route]:
    """Serve /batch and /batch/storage/v1; `answer` serves one request below `prefix`."""

    async def batch(request: Request) -> Response:
        try:
            parts = split(request.headers.get("content-type", ""), await read_all(request))
            answers = [await _part(request, part, prefix, answer) for part in parts]
        except TrainshedError as error:
            return json_error(error)
        boundary = f"batch_{names.short_id(24)}"
        content = b"".join(b"--%s\r\n%s\r\n" % (boundary.encode(), made) for made in answers)
        content += b"--%s--\r\n" % boundary.encode()
        return Response(content, media_type=f"multipart/mixed; boundary={boundary}")  # gcsfs knows no quotes there

    return [Route("/batch/storage/v1", batch, methods=["POST"]), Route("/batch", batch, methods=["POST"])]


def split(content_type: str, body: bytes) -> list[bytes]:
    """Answer the parts of a multipart body, heads included. Raises InvalidArgument."""
    header = Message()
    header["Content-Type"] = content_type
    boundary = header.get_param("boundary")
    if not isinstance(boundary, str) or not boundary:
        raise InvalidArgument.field("Content-Type", "a batch needs a boundary.")
    pieces = re.split(rb"(?:^|\r?\n)--" + re.escape(boundary.encode()) + rb"(--)?[ \t]*(?=\r?\n|$)", body)
    if len(pieces) < 3 or "--" not in {(p or b"").decode("latin-1") for p in pieces[1::2]}:  # noqa: PLR2004
        raise InvalidArgument.field("body", "is not a batch: it has no parts, or ends before its closing boundary.")
    parts = [piece for piece, is_last in zip(pieces[2::2], pieces[1::2], strict=True) if not is_last]
    if len(parts) > _MOST_PARTS:
        raise InvalidArgument.field("body", f"has {len(parts)} requests; a batch has at most {_MOST_PARTS}.")
    return parts


async def _part(outer: Request, part: bytes, prefix: str, answer: Answer) -> bytes:
    found = _PART.fullmatch(part.lstrip(b"\r\n"))
    content_id = _content_id(found["head"]) if found else ""
    try:
        inner = _request(outer, found["request"] if found else b"", prefix)
        response = await answer(inner)
    except TrainshedError as error:
        response = json_error(error)
    line = f"HTTP/1.1 {response.status_code} {_phrase(response.status_code)}\r\n".encode()
    heads = b"".join(b"%s: %s\r\n" % pair for pair in response.raw_headers)
    part_head = b"Content-Type: application/http\r\n" + (
        f"Content-ID: {content_id}\r\n".encode() if content_id else b""
    )
    return part_head + b"\r\n" + line + heads + b"\r\n" + bytes(response.body)


def _request(outer: Request, text: bytes, prefix: str) -> Request:
    """Make a request of a part's text, from the same caller and to the same host. Raises InvalidArgument."""
    found = _REQUEST.fullmatch(text)
    if found is None:
        raise InvalidArgument.field("body", "a part of the batch is not an HTTP request.")
    target = urlsplit(found["target"].decode("latin-1"))
    if not target.path.startswith(prefix):
        raise InvalidArgument.field("body", f"a batch holds requests below {prefix}, not {target.path[:100]}.")
    if "alt=media" in target.query:
        raise InvalidArgument.field("body", "content cannot be had in a batch.")
    heads = [line.partition(b":") for line in (found["head"] or b"").splitlines() if b":" in line]
    given = [(name.strip().lower(), value.strip()) for name, _, value in heads]
    kept = [(name, value) for name, value in outer.scope["headers"] if name in {b"host", b"authorization"}]
    scope = {
        **outer.scope,
        "method": found["method"].decode(),
        "path": unquote(target.path),
        "raw_path": target.path.encode("latin-1"),
        "query_string": target.query.encode("latin-1"),
        "headers": [*kept, *((name, value) for name, value in given if name not in {b"host", b"authorization"})],
    }
    body = found["body"] or b""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request(scope, receive)


def _content_id(head: bytes) -> str:
    found = re.search(rb"^content-id:[ \t]*<?([^>\r\n]*)>?", head, re.IGNORECASE | re.MULTILINE)
    return f"<response-{found[1].decode('latin-1', 'replace').strip()}>" if found else ""


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else ""
