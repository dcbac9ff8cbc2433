"""A client that sends nothing that changes anything: it notes every request and supposes the answers.

Reading requests are sent where there are credentials, so that a plan is made against what is there; where there are
none, an empty project is supposed. What was supposedly made is found again by later reading requests.
"""

import io
import json
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from trainshed.client import Sending
from trainshed.clock import rfc3339
from trainshed.errors import NotFound, PermissionDenied, TrainshedError, Unauthenticated, Unavailable
from trainshed.targets.credentials import Credentials, NoCredentials
from trainshed.targets.endpoints import Endpoints
from trainshed.targets.google import Place
from trainshed.targets.ours import TargetClient
from trainshed.targets.requests import Call

_UPLOAD_URL = "https://storage.googleapis.com/SIGNED_ADDRESS_THAT_GOOGLE_GIVES"
_HIDDEN = {"authorization", "x-goog-gcs-idempotency-token"}
_READS = {"google.logging.v2.LoggingServiceV2/ListLogEntries"}  # beside GET
_OPERATION = "google.longrunning.Operation"


class Supposed(NotFound):
    """This is not known without asking Google, which a rehearsal without credentials does not do."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One request as it would be sent; `call` is none for an upload to an address that Google gives."""

    verb: str
    url: str
    headers: Mapping[str, str]
    body: Any = None
    note: str = ""  # of a body that is not JSON
    is_sent: bool = False
    call: Call | None = None


@dataclass(kw_only=True)
class Script:
    """What a rehearsal noted: requests, in order, and what functions ask for."""

    requests: list[Request] = field(default_factory=list)
    requirements: dict[str, list[str]] = field(default_factory=dict)  # function → names of packages
    notes: list[str] = field(default_factory=list)  # what could not be read, and was supposed

    @property
    def calls(self) -> list[Call]:
        """The requests to Google's methods."""
        return [request.call for request in self.requests if request.call is not None]


class Rehearsal(TargetClient):
    """Notes requests in `script`; reads where it can, never writes."""

    def __init__(self, place: Place, endpoints: Endpoints, credentials: Credentials, script: Script) -> None:
        super().__init__(place, endpoints, credentials)
        self.pause = _stop
        self.script = script
        self._made: dict[str, dict[str, Any]] = {}  # path → what was supposedly made there
        self._can_read = _is_logged_in(credentials)

    def put(self, url: str, data: bytes, headers: Mapping[str, str]) -> None:
        """Note an upload."""
        note = f"{len(data)} bytes"
        self.script.requests.append(Request(verb="PUT", url=url, headers=dict(headers), note=note))

    @contextmanager
    def _send(self, sent: Sending) -> Iterator[Any]:
        call = self.checked(sent)
        is_read = sent.method == "GET" or call.method in _READS
        # what is fetched would be written to a file of this machine
        is_sent = is_read and self._can_read and call.path not in self._made and not call.path.startswith("/download/")
        found = None
        if is_sent:
            try:
                with super()._send(sent) as response:
                    found = response.read()
            except (Unauthenticated, PermissionDenied, Unavailable) as error:
                self.script.notes.append(f"{sent.method} {self.url(call)}: {error.message}")
                is_sent = False
            except TrainshedError:
                self._note(call, sent, is_sent=True)
                raise
        self._note(call, sent, is_sent=is_sent)
        if found is None:
            found = json.dumps(self._read(call) if is_read else self._written(call)).encode()
        yield io.BytesIO(found)

    def _note(self, call: Call, sent: Sending, *, is_sent: bool) -> None:
        headers = self.headers(call, sent)
        if self._can_read and (quota := self._credentials.quota_project):
            headers["x-goog-user-project"] = quota
        shown = {name: value for name, value in headers.items() if name not in _HIDDEN}
        note = "" if sent.data is None or call.body is not None else _size(sent.data)
        self.script.requests.append(
            Request(
                verb=call.verb, url=self.url(call), headers=shown, body=call.body, note=note, is_sent=is_sent, call=call
            )
        )

    def _read(self, call: Call) -> dict[str, Any]:
        """Answer what was supposedly made; a list of nothing; or that it is not known."""
        if call.path in self._made:
            return self._made[call.path]
        if call.method.endswith(".list") or call.method.rpartition("/")[2].startswith("List"):
            return {}
        raise Supposed("This is not known without asking Google.")

    def _written(self, call: Call) -> dict[str, Any]:
        """Answer as if it had been done."""
        special = _SPECIAL.get(call.method)
        if special is not None:
            made = special(call)
            build = made.get("metadata", {}).get("build")
            if build:
                self._made[f"/v1/{build['name']}"] = build
            return made
        body = dict(call.body) if isinstance(call.body, dict) else {}
        body = {**body, **body.pop("topic", {})} if isinstance(body.get("topic"), dict) else body
        name = _name(call, body)
        document = {"name": name, **_DEFAULTS.get(call.method, {}), **body}
        if call.verb in {"POST", "PUT", "PATCH"}:
            self._made[f"/{call.path.split('/')[1]}/{name}"] = document
        if call.response == _OPERATION:
            return {"name": "operations/supposed", "done": True, "response": document}
        return document


def _stop(_: float) -> None:
    """End what would wait for something to change there."""
    raise Supposed("What changes later is not waited for.")


def _is_logged_in(credentials: Credentials) -> bool:
    """Whether there are credentials to read with."""
    try:
        return credentials.project is not None
    except NoCredentials:
        return False


def _size(data: Any) -> str:
    if isinstance(data, bytes):
        return f"{len(data)} bytes"
    if not data.seekable():
        return "bytes of standard input"
    at = data.tell()
    size = data.seek(0, io.SEEK_END)
    data.seek(at)
    return f"{size} bytes"


def _name(call: Call, body: Mapping[str, Any]) -> str:
    """Answer the resource name of what a request makes or changes."""
    ids = dict(call.query)
    base = call.path.split("/", 2)[2].partition(":")[0]
    if call.verb == "POST" and (given := ids.get("pipelineJobId") or ids.get("schemaId")):
        return f"{base}/{given}"
    return str(body.get("name") or base)


def _build(call: Call) -> dict[str, Any]:
    """Suppose a build that has ended well."""
    parts = call.path.split("/")
    parent = "/".join(parts[2:6]) if "locations" in parts else f"projects/{call.project}/locations/global"
    number = str(uuid.UUID(int=0))
    build = {
        **(call.body if isinstance(call.body, dict) else {}),
        "id": number,
        "name": f"{parent}/builds/{number}",
        "status": "SUCCESS",
        "createTime": rfc3339(datetime.now(UTC)),
    }
    return {"name": f"operations/build/{call.project}/supposed", "metadata": {"build": build}}


def _upload_url(call: Call) -> dict[str, Any]:  # noqa: ARG001  (the same signature for all)
    return {"uploadUrl": _UPLOAD_URL}


def _upload_url_second(call: Call) -> dict[str, Any]:
    bucket = f"gcf-v2-uploads-PROJECT_NUMBER-{call.region}"
    return {"uploadUrl": _UPLOAD_URL, "storageSource": {"bucket": bucket, "object": "NAME_THAT_GOOGLE_GIVES.zip"}}


def _object(call: Call) -> dict[str, Any]:
    bucket = call.bindings.get("bucket") or call.bindings.get("destinationBucket", "")
    return {"bucket": bucket, "name": dict(call.query).get("name", ""), "generation": "1", "done": True}


def _trigger(call: Call) -> dict[str, Any]:
    parent = call.path.removeprefix("/v1/")
    return {**call.body, "id": "supposed", "resourceName": f"{parent}/{call.body.get('name', 'supposed')}"}


_SERVICE = "google.devtools.cloudbuild.v1.CloudBuild"
_SPECIAL = {
    "google.pubsub.v1.Publisher/Publish": lambda _: {"messageIds": ["supposed"]},
    "google.pubsub.v1.Subscriber/Pull": lambda _: {},
    f"{_SERVICE}/CreateBuild": _build,
    f"{_SERVICE}/RetryBuild": _build,
    f"{_SERVICE}/RunBuildTrigger": _build,
    f"{_SERVICE}/ApproveBuild": _build,
    f"{_SERVICE}/CreateBuildTrigger": _trigger,
    "google.cloud.functions.v1.CloudFunctionsService/GenerateUploadUrl": _upload_url,
    "google.cloud.functions.v2.FunctionService/GenerateUploadUrl": _upload_url_second,
    "google.cloud.functions.v1.CloudFunctionsService/CallFunction": lambda _: {"executionId": "supposed"},
    "storage.objects.insert": _object,
    "storage.objects.rewrite": _object,
}
_DEFAULTS: dict[str, dict[str, Any]] = {
    "google.cloud.aiplatform.v1.PipelineService/CreatePipelineJob": {"state": "PIPELINE_STATE_SUCCEEDED"},
}
