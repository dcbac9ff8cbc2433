"""REST client of the Google surface: a local server now, the real cloud with another base address.

Built on the standard library, because the command line has to start in a blink.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from trainshed import errors

_TIMEOUT_SECONDS = 600.0
_PATH = "/%:?=&~+@,;$!*'()"  # what a path keeps: separators, what is escaped already, custom verbs, its own query
_BY_CODE: dict[str, type[errors.TrainshedError]] = {
    cls.code: cls
    for cls in (
        errors.InvalidArgument,
        errors.FailedPrecondition,
        errors.OutOfRange,
        errors.Unauthenticated,
        errors.PermissionDenied,
        errors.NotFound,
        errors.AlreadyExists,
        errors.Aborted,
        errors.ResourceExhausted,
        errors.Cancelled,
        errors.DeadlineExceeded,
        errors.Unavailable,
        errors.Unimplemented,
    )
}
_BY_HTTP: dict[int, type[errors.TrainshedError]] = {cls.http_status: cls for cls in reversed(list(_BY_CODE.values()))}


class Client:
    """Calls one server. Raises the error classes that the server raised."""

    def __init__(self, address: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.address = address.rstrip("/")
        self._headers = dict(headers or {})
        parts = urlsplit(self.address)
        self._secure = parts.scheme == "https"
        self._host = parts.netloc

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout_seconds: float = _TIMEOUT_SECONDS,
    ) -> Any:
        """Send JSON, answer JSON ({} for an empty answer)."""
        data = None if body is None else json.dumps(body).encode()
        with self._request(method, path, data, "application/json", query, timeout_seconds) as response:
            text = response.read()
        return json.loads(text) if text.strip() else {}

    def pages(self, path: str, field: str, *, query: Mapping[str, Any] | None = None) -> Iterator[dict[str, Any]]:
        """Read a list method to its end, page by page."""
        wanted = dict(query or {})
        while True:
            page = self.call("GET", path, query=wanted)
            yield from page.get(field, [])
            token = page.get("nextPageToken")
            if not token:
                return
            wanted["pageToken"] = token

    def upload(
        self,
        path: str,
        data: bytes | BinaryIO,
        *,
        content_type: str = "application/octet-stream",
        query: Mapping[str, Any] | None = None,
    ) -> Any:
        """Send bytes, answer JSON."""
        with self._request("POST", path, data, content_type, query, _TIMEOUT_SECONDS) as response:
            return json.loads(response.read() or b"{}")

    @contextmanager
    def download(self, path: str, *, query: Mapping[str, Any] | None = None) -> Iterator[http.client.HTTPResponse]:
        """Open an answer as a stream of bytes."""
        with self._request("GET", path, None, "", query, None) as response:
            yield response

    def lines(
        self, path: str, *, query: Mapping[str, Any] | None = None, method: str = "GET", body: Any = None
    ) -> Iterator[str]:
        """Read an answer line by line as it comes (logs that are still being written)."""
        data = None if body is None else json.dumps(body).encode()
        with self._request(method, path, data, "application/json", query, None) as response:
            for line in response:
                yield line.decode("utf-8", "replace").rstrip("\n")

    @contextmanager
    def _request(
        self,
        method: str,
        path: str,
        data: Any,
        content_type: str,
        query: Mapping[str, Any] | None,
        timeout_seconds: float | None,
    ) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=timeout_seconds)
        headers = dict(self._headers) | ({"Content-Type": content_type} if data is not None else {})
        try:
            connection.request(method, _target(path, query), body=data, headers=headers)
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                raise _error(response.status, response.read())
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise errors.Unavailable(f"The server at {self.address} does not answer: {error}.") from error
        finally:
            connection.close()


def segment(text: str) -> str:
    """Escape one path segment, such as an object name."""
    return quote(text, safe="")


def _target(path: str, query: Mapping[str, Any] | None) -> str:
    wanted = {k: v for k, v in (query or {}).items() if v is not None}
    path = quote(path, safe=_PATH)  # a name with a space in it is for the server to refuse
    return f"{path}?{urlencode(wanted, doseq=True)}" if wanted else path


def _error(status: int, body: bytes) -> errors.TrainshedError:
    try:
        document = json.loads(body)["error"]
        cls = _BY_CODE.get(document.get("status", "")) or _BY_HTTP.get(status, errors.TrainshedError)
        return cls(document.get("message", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode("utf-8", "replace")[:500]
        return _BY_HTTP.get(status, errors.TrainshedError)(text or f"The server answered {status}.")
