"""The client of Google itself: the same calls as to a local server, with Google's addresses and credentials."""

import http.client
import io
import random
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event
from typing import Any

from trainshed import __version__
from trainshed.client import Client, Sending, error_of, error_of_code
from trainshed.errors import TrainshedError, Unauthenticated, Unavailable
from trainshed.targets import explain, requests, wire
from trainshed.targets.credentials import Credentials
from trainshed.targets.endpoints import Endpoints
from trainshed.targets.requests import Call

_TRIES = 6
_FIRST_SECONDS, _LONGEST_SECONDS = 1.0, 32.0  # between tries; doubled, with a random part
_POLL_SECONDS = 2.0
_AGAIN = {http.client.TOO_MANY_REQUESTS, http.client.SERVICE_UNAVAILABLE}
# What would happen twice if a try had its effect and only its answer was lost.
_ONCE = {
    "google.devtools.cloudbuild.v1.CloudBuild/CreateBuild",
    "google.devtools.cloudbuild.v1.CloudBuild/RetryBuild",
    "google.devtools.cloudbuild.v1.CloudBuild/RunBuildTrigger",
    "google.devtools.cloudbuild.v1.CloudBuild/ApproveBuild",
    "google.devtools.cloudbuild.v1.CloudBuild/CreateBuildTrigger",
    "google.cloud.scheduler.v1.CloudScheduler/RunJob",
    "google.cloud.functions.v1.CloudFunctionsService/CallFunction",
    "google.pubsub.v1.SchemaService/CommitSchema",
    "google.pubsub.v1.SchemaService/RollbackSchema",
    "storage.notifications.insert",
}
Pause = Callable[[float], object]


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a command works when it names nothing else."""

    project: str
    region: str

    @property
    def parent(self) -> str:
        """projects/P/locations/L."""
        return f"projects/{self.project}/locations/{self.region}"


class GoogleClient(Client):
    """Calls Google's APIs. Requests are checked first, repeated where that is safe, and their operations waited for."""

    is_google = True

    def __init__(
        self, place: Place, endpoints: Endpoints, credentials: Credentials, *, pause: Pause | None = None
    ) -> None:
        super().__init__("https://googleapis.com")
        self.bound_images: Callable[[], Mapping[str, str]] = dict  # names that stand for environments of this machine
        self.place = place
        self.endpoints = endpoints
        self.held: list[bytes] = []  # archives of functions that are yet to be deployed
        self._credentials = credentials
        self._last: Call | None = None  # that was read
        self._rest: Pause = pause or (lambda seconds: Event().wait(seconds))  # between tries
        self.pause = self._rest  # until something may have changed

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, Any] | None = None,
        timeout_seconds: float = 600.0,
    ) -> Any:
        """Send JSON, answer JSON; an operation is answered when it has ended. Raises what its failure stands for."""
        answer = super().call(method, path, body, query=query, timeout_seconds=timeout_seconds)
        if self._last is not None and self._last.is_operation:
            return self.finish(answer, "/v2" if path.startswith("/v2/") else "/v1")
        return answer

    def finish(self, operation: dict[str, Any], version: str = "/v1") -> dict[str, Any]:
        """Wait for an operation's end. Raises the error that it ended with."""
        while not operation.get("done"):
            self.pause(_POLL_SECONDS)
            operation = super().call("GET", f"{version}/{operation['name']}")
        if error := operation.get("error"):
            raise error_of_code(int(error.get("code", 2)), str(error.get("message", "")))
        return operation

    def upload(
        self, path: str, data: Any, *, content_type: str = "application/octet-stream",
        query: Mapping[str, Any] | None = None,
    ) -> Any:  # fmt: skip
        """Send bytes, answer JSON."""
        with _kept(data) as body:
            return super().upload(path, body, content_type=content_type, query=query)

    def put(self, url: str, data: bytes, headers: Mapping[str, str]) -> None:
        """Send bytes to an address that Google gave out, which needs no credentials. Raises what is answered."""
        url = self.endpoints.lead(url)
        done = self._attempt("PUT", url, lambda: headers, data, is_repeatable=True)
        try:
            if done.response.status >= http.client.MULTIPLE_CHOICES:
                raise error_of(done.response.status, done.response.read())
        finally:
            done.connection.close()

    @contextmanager
    def _send(self, sent: Sending) -> Iterator[http.client.HTTPResponse]:
        call, data = self.checked(sent), sent.data
        url = self.url(call)
        headers = self.headers(call, sent)

        def complete() -> dict[str, str]:
            return headers | self._credentials.headers()

        if data is not None and not isinstance(data, bytes):
            headers["content-length"] = str(_size(data))  # else it would be sent in chunks, which Google does not take
        is_repeatable = call.method not in _ONCE
        done = self._attempt(
            sent.method, url, complete, data, is_repeatable=is_repeatable, timeout_seconds=sent.timeout_seconds
        )
        try:
            if done.response.status >= http.client.MULTIPLE_CHOICES:  # Google's APIs answer no redirections
                raise self._refusal(call, done.response)
            yield done.response
        except (OSError, http.client.HTTPException) as error:
            raise Unavailable(f"{url.partition('?')[0]} stopped answering: {error}.") from error
        finally:
            done.connection.close()

    def checked(self, sent: Sending) -> Call:
        """Read a request as Google would. Raises InvalidArgument before anything is sent."""
        body = sent.data if isinstance(sent.data, bytes) else None
        self._last = requests.read(sent.method, sent.target, content_type=sent.content_type, body=body)
        return self._last

    def url(self, call: Call) -> str:
        """Answer the whole address of a request."""
        return self.endpoints.base(call.api, call.region) + call.target

    def headers(self, call: Call, sent: Sending) -> dict[str, str]:
        """Answer what is said beside the credentials. Raises nothing."""
        made = {"user-agent": f"trainshed/{__version__}"}
        made |= {"content-type": sent.content_type} if sent.data is not None and sent.content_type else {}
        if call.api == "storage" and call.verb != "GET":
            made["x-goog-gcs-idempotency-token"] = str(uuid.uuid4())  # its request id: the same for each try
        return made | dict(sent.more_headers)

    def _attempt(
        self,
        method: str,
        url: str,
        headers: Callable[[], Mapping[str, str]],
        data: Any,
        *,
        is_repeatable: bool,
        timeout_seconds: float | None = None,
    ) -> wire.Exchange:
        """Send until there is an answer that stands. Raises Unavailable where there is none."""
        was_renewed, number = False, 0
        while True:
            number += 1
            is_last = number >= _TRIES or not is_repeatable
            if data is not None and not isinstance(data, bytes):
                data.seek(0)
            try:
                done = wire.exchange(method, url, headers(), data, timeout_seconds=timeout_seconds)
            except (OSError, http.client.HTTPException) as error:
                if is_last:
                    raise Unavailable(f"{url.partition('?')[0]} does not answer: {error}.") from error
                self._rest(_seconds(number, ""))
                continue
            status = done.response.status
            if status == http.client.UNAUTHORIZED and not was_renewed and is_repeatable:
                was_renewed = True
                self._credentials.renew()
            elif status not in _AGAIN or is_last:
                return done
            else:
                self._rest(_seconds(number, done.response.getheader("Retry-After") or ""))
            done.connection.close()

    def _refusal(self, call: Call, response: http.client.HTTPResponse) -> TrainshedError:
        error = error_of(response.status, response.read())
        return explain.refusal(call, error, project=self.place.project, principal=self._principal(error))

    def _principal(self, error: TrainshedError) -> str:
        try:
            return "" if isinstance(error, Unauthenticated) else self._credentials.principal
        except Unauthenticated:
            return ""


@contextmanager
def _kept(data: Any) -> Iterator[Any]:
    """Yield bytes or a file that can be sent again; what comes from a pipe is put into a file first."""
    if isinstance(data, bytes) or data.seekable():
        yield data
        return
    with tempfile.TemporaryFile() as file:
        shutil.copyfileobj(data, file)
        yield file


def _size(data: Any) -> int:
    return int(data.seek(0, io.SEEK_END))


def _seconds(number: int, retry_after: str) -> float:
    if retry_after.isdigit():
        return min(float(retry_after), _LONGEST_SECONDS)
    longest: float = min(_FIRST_SECONDS * 2 ** (number - 1), _LONGEST_SECONDS)
    return longest * (0.5 + random.random() / 2)  # noqa: S311  (spreads load; no secret)
