"""Posting to other people's HTTP endpoints without holding a thread: push subscriptions, HTTP schedules.

Only the status counts, so only the status line is read, and the connection is closed.
"""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlsplit

from trainshed.addresses import hide
from trainshed.errors import DeadlineExceeded, InvalidArgument, Unavailable

_PORTS = {"http": 80, "https": 443}
_LINE_BYTES = 8192


async def send(
    url: str,
    *,
    method: str = "POST",
    headers: Mapping[str, str],
    body: bytes = b"",
    timeout_seconds: float,
    at: str = "",
) -> int:
    """Send one request and answer the status. Raises Unavailable, DeadlineExceeded, InvalidArgument.

    `at` is an http:// address that is asked in place of the URL's own host, which the request still names.
    """
    _peer(url)
    scheme, host, port = _peer(at or url)
    try:
        async with asyncio.timeout(timeout_seconds):
            return await _exchange(scheme, host, port, _head(url, method, headers, body) + body)
    except TimeoutError as error:
        raise DeadlineExceeded(f"{hide(url)} did not answer within {timeout_seconds:g} s.") from error
    except (OSError, ValueError) as error:
        raise Unavailable(f"{hide(url)} does not answer: {error}.") from error


def _peer(url: str) -> tuple[str, str, int | None]:
    """Answer scheme, host and port of a URL."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidArgument.field("uri", f"{url!r} is not a URL: {error}") from error
    if parts.scheme not in _PORTS or not host:
        raise InvalidArgument.field("uri", f"{url!r} is neither http:// nor https://")
    return parts.scheme, host, port


async def _exchange(scheme: str, host: str, port: int | None, request: bytes) -> int:
    context = ssl.create_default_context() if scheme == "https" else None
    reader, writer = await asyncio.open_connection(host, port or _PORTS[scheme], ssl=context, limit=_LINE_BYTES)
    try:
        writer.write(request)
        await writer.drain()
        while True:
            status = _status(await reader.readline())
            if status >= 200 or status in (101, 102):  # noqa: PLR2004  (anything before is "go on")
                return status
            while (await reader.readline()).strip():
                pass
    finally:
        writer.close()


def _head(url: str, method: str, headers: Mapping[str, str], body: bytes) -> bytes:
    parts = urlsplit(url)
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    own = {"Host": parts.netloc.rpartition("@")[2], "Content-Length": str(len(body)), "Connection": "close"}
    given = {k: v for k, v in headers.items() if k.title() not in own}
    lines = [f"{method} {target} HTTP/1.1", *(f"{k}: {v}" for k, v in (own | given).items())]
    if any("\r" in line or "\n" in line for line in lines):
        raise InvalidArgument.field("headers", "line breaks are not allowed")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


def _status(line: bytes) -> int:
    words = line.split()
    if len(words) < 2 or not words[0].startswith(b"HTTP/"):  # noqa: PLR2004  (version and status)
        raise ValueError("its answer is not HTTP")
    return int(words[1])
