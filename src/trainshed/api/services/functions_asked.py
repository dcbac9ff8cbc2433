"""What both Cloud Functions APIs have in common: archives of source, operations, pages, policies."""

from collections.abc import Callable
from typing import Any, TypeVar

from trainshed import functions, names
from trainshed.api import fields, status
from trainshed.api.descriptors import from_json
from trainshed.errors import InvalidArgument, TrainshedError

BASE = "https://cloudfunctions.googleapis.com/trainshed/v1/functions"
_USER_FAULTS = {"FUNCTION_START_FAILED"}  # Google says INVALID_ARGUMENT when the user's code does not start
T = TypeVar("T")


class Archives:
    """Where archives of source come from and go to."""

    def __init__(self, host: functions.Host, read_object: Callable[[str], bytes] | None) -> None:
        """`read_object` reads a `gs://` archive."""
        self._host = host
        self._read_object = read_object

    def upload_url(self) -> tuple[str, str]:
        """Answer an address that takes one archive, and the token in it."""
        token = self._host.sources.reserve()
        return f"{BASE}/uploads/{token}", token

    def download_url(self, version: functions.Version) -> str:
        """Answer an address that gives the source of a version."""
        return f"{BASE}/downloads/{version.source}.zip"

    def read(self, url: str) -> bytes:
        """Answer an archive. Raises InvalidArgument, NotFound."""
        if not url.startswith("gs://") or url.startswith("gs://gcf-v2-uploads-"):
            return self._host.sources.held(url)
        if self._read_object is None:
            raise InvalidArgument.field("source", "cannot be read from a bucket here; upload the archive instead")
        return self._read_object(url)


def page(found: list[T], request: Any, name: Callable[[T], str]) -> tuple[list[T], str]:
    """Answer one page, by name, and the token of the next."""
    size = fields.page_size(request.page_size)
    after = names.read_place(request.page_token, "after", "")
    rest = [item for item in found if name(item) > after]
    token = names.page_token(after=name(rest[size - 1])) if len(rest) > size else ""
    return rest[:size], token


def operation(found: functions.Operation, response_type: str, metadata: Any) -> Any:
    """Make the message of an operation on a function."""
    response = None
    if found.response is not None:
        response = from_json(response_type, found.response)
    return fields.operation(
        found.name, done=found.done, response=response, metadata=metadata, error=_error(found) if found.error else None
    )


def _error(found: functions.Operation) -> TrainshedError:
    assert found.error is not None
    code, reason = found.error["code"], found.error["reason"]
    return status.from_code("INVALID_ARGUMENT" if reason in _USER_FAULTS else code, found.error["message"], reason)
