"""REST client of the Google surface: a local server; `targets` has the one that reaches Google itself.

Built on the standard library, because the command line has to start in a blink.
"""

import http.client
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode, urlsplit

from trainshed import errors

AGENT = "trainshed"  # what the command line calls itself
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
_CODES = {  # google.rpc.Code
    1: "CANCELLED", 3: "INVALID_ARGUMENT", 4: "DEADLINE_EXCEEDED", 5: "NOT_FOUND", 6: "ALREADY_EXISTS",
    7: "PERMISSION_DENIED", 8: "RESOURCE_EXHAUSTED", 9: "FAILED_PRECONDITION", 10: "ABORTED", 11: "OUT_OF_RANGE",
    12: "UNIMPLEMENTED", 14: "UNAVAILABLE", 16: "UNAUTHENTICATED",
}  # fmt: skip
_BY_HTTP: dict[int, type[errors.TrainshedError]] = {
    cls.http_status: cls for cls in reversed(list(_BY_CODE.values()))
} | {
    int(http.client.PRECONDITION_FAILED): errors.PreconditionFailed,
    int(http.client.REQUESTED_RANGE_NOT_SATISFIABLE): errors.OutOfRange,
}


@dataclass(frozen=True)
class Sending:
    """A request that is about to be sent."""

    method: str
    path: str
    data: Any = None  # bytes, or a file of them
    content_type: str = "application/json"  # of the data
    query: Mapping[str, Any] | None = None
    timeout_seconds: float | None = None
    more_headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def target(self) -> str:
        """The request line's target."""
        return target_of(self.path, self.query)

    @property
    def headers(self) -> dict[str, str]:
        """What is said of this request."""
        return {**self.more_headers, **({"Content-Type": self.content_type} if self.data is not None else {})}


class Client:
    """Calls one server. Raises the error classes that the server raised."""

    is_google = False  # whether that is Google itself, for the few calls that only Google needs

    def __init__(self, address: str, *, headers: Mapping[str, str] | None = None) -> None:
        self.address = address.rstrip("/")
        self._headers = {"User-Agent": AGENT, **(headers or {})}
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
        with self._send(Sending(method, path, data, query=query, timeout_seconds=timeout_seconds)) as response:
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
        sent = Sending("POST", path, data, content_type, query=query, timeout_seconds=_TIMEOUT_SECONDS)
        with self._send(sent) as response:
            return json.loads(response.read() or b"{}")

    @contextmanager
    def download(
        self, path: str, *, query: Mapping[str, Any] | None = None, start: int = 0
    ) -> Iterator[http.client.HTTPResponse]:
        """Open an answer as a stream of bytes, from byte `start` on. Raises OutOfRange where it has no more."""
        more = {"Range": f"bytes={start}-"} if start else {}
        with self._send(Sending("GET", path, content_type="", query=query, more_headers=more)) as response:
            yield response

    def lines(
        self, path: str, *, query: Mapping[str, Any] | None = None, method: str = "GET", body: Any = None
    ) -> Iterator[str]:
        """Read an answer line by line as it comes (logs that are still being written)."""
        data = None if body is None else json.dumps(body).encode()
        with self._send(Sending(method, path, data, query=query)) as response:
            for line in response:
                yield line.decode("utf-8", "replace").rstrip("\n")

    @contextmanager
    def _send(self, sent: Sending) -> Iterator[http.client.HTTPResponse]:
        kind = http.client.HTTPSConnection if self._secure else http.client.HTTPConnection
        connection = kind(self._host, timeout=sent.timeout_seconds)
        headers = {**self._headers, **sent.headers}
        try:
            connection.request(sent.method, sent.target, body=sent.data, headers=headers)
            response = connection.getresponse()
            if response.status >= http.client.BAD_REQUEST:
                raise error_of(response.status, response.read())
            yield response
        except (OSError, http.client.HTTPException) as error:
            raise errors.Unavailable(f"The server at {self.address} does not answer: {error}.") from error
        finally:
            connection.close()


def segment(text: str) -> str:
    """Escape one path segment, such as an object name."""
    return quote(text, safe="")


def target_of(path: str, query: Mapping[str, Any] | None) -> str:
    """Answer the request line's target: path and query; None is left out."""
    wanted = {k: v for k, v in (query or {}).items() if v is not None}
    path = quote(path, safe=_PATH)  # a name with a space in it is for the server to refuse
    return f"{path}?{urlencode(wanted, doseq=True)}" if wanted else path


def error_of(status: int, body: bytes) -> errors.TrainshedError:
    """Read Google's error document: code, message, and the reason among its details."""
    cls = _BY_HTTP.get(status, errors.TrainshedError)
    try:
        document = json.loads(body)["error"]
        cls = _BY_CODE.get(document.get("status", "")) or cls
        details = document.get("details", ())
        info: dict[str, Any] = next((d for d in details if str(d.get("@type", "")).endswith("ErrorInfo")), {})
        violations = tuple(
            errors.FieldViolation(field=str(v.get("field", "")), description=str(v.get("description", "")))
            for detail in details
            if str(detail.get("@type", "")).endswith("BadRequest")
            for v in detail.get("fieldViolations", ())
        )
        message, reason = document.get("message", ""), info.get("reason")
        return cls(message, reason=reason, metadata=info.get("metadata"), violations=violations)
    except (ValueError, KeyError, TypeError, AttributeError):
        text = body.decode("utf-8", "replace")[:500]
        return cls(text or f"The server answered {status}.")


def error_of_code(code: int, message: str) -> errors.TrainshedError:
    """Make the error of a google.rpc.Status, such as a failed operation's."""
    cls = _BY_CODE.get(_CODES.get(code, ""), errors.TrainshedError)
    return cls(message)
