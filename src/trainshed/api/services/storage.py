"""Cloud Storage: the JSON API, its batches, and the XML API. None has published protos, so the routes are written by hand.

- `storage_request`, `storage_fields`, `storage_errors`: a request, partial answers, errors of the JSON API.
- `storage_buckets`, `storage_objects`, `storage_access`: its methods; `storage_upload`, `storage_download`: content.
- `storage_batch`: many requests in one.
- `storage_xml`, `storage_xml_text`, `storage_parts`: the XML API; `storage_signed`: signed addresses.

Paths are matched by their escaped segments: an object's name may hold anything, slashes included.
"""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trainshed.api.services import (
    storage_access,
    storage_batch,
    storage_buckets,
    storage_fields,
    storage_objects,
    storage_xml,
)
from trainshed.api.services.storage_errors import json_error
from trainshed.api.services.storage_request import Call, segments
from trainshed.api.services.storage_signed import Verify
from trainshed.buckets import Service
from trainshed.errors import NotFound, TrainshedError

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_JSON = "/storage/v1/"
_OBJECT_PARTS = 4  # of b/BUCKET/o/NAME

Handler = Callable[[Call], Awaitable[Response]]


def routes(service: Service, verify: Verify | None = None) -> list[BaseRoute]:
    """Serve /storage/v1, /upload, /download and /batch; on Cloud Storage's own hosts also /BUCKET/OBJECT.

    `verify` tells whether a signature is one of this server's service accounts; without it no signature is.
    """
    tables = (storage_buckets.table(service), storage_objects.table(service), storage_access.table(service))
    table = Table(_JSON, {name: handler for found in tables for name, handler in found.items()})
    uploads = storage_objects.uploads(service)
    return [
        table.route(),
        Table("/upload/storage/v1/", uploads).route(),
        Table("/resumable/upload/storage/v1/", uploads).route(),
        Table("/download/storage/v1/", storage_objects.downloads(service)).route(),
        *storage_batch.routes(_JSON, table.answer),
        *storage_xml.routes(service, verify),
    ]


class Table:
    """Methods and path patterns below a prefix, each with its handler."""

    def __init__(self, prefix: str, handlers: dict[tuple[str, str], Handler]) -> None:
        self._prefix = prefix
        self._handlers: dict[tuple[str, int], list[tuple[list[str], Handler]]] = {}
        for (method, pattern), handler in handlers.items():
            parts = pattern.split("/")
            self._handlers.setdefault((method, len(parts)), []).append((parts, handler))

    def route(self) -> Route:
        """Answer the route that serves it."""
        return Route(f"{self._prefix}{{rest:path}}", self.answer, methods=_METHODS)

    async def answer(self, request: Request) -> Response:
        """Answer one request; what is refused too."""
        try:
            return await self._handle(request)
        except TrainshedError as error:
            return json_error(error)

    async def _handle(self, request: Request) -> Response:
        path = segments(request, self._prefix)
        method = request.headers.get("x-http-method-override", request.method)
        for wanted in dict.fromkeys((path, _with_slashes(path))):
            for pattern, handler in self._handlers.get((method, len(wanted)), ()):
                found = _match(pattern, wanted)
                if found is not None:
                    if fields := request.query_params.get("fields"):
                        storage_fields.read(fields)  # refused before anything is done
                    return await handler(Call(request, found))
        raise NotFound(f"Cloud Storage's JSON API has no {method} {request.url.path} here.", reason="NO_SUCH_METHOD")


def _with_slashes(path: tuple[str, ...]) -> tuple[str, ...]:
    """Take what follows `b/BUCKET/o` for one name: gcsfs does not escape the slashes of names in batches."""
    return (*path[:3], "/".join(path[3:])) if path[2:3] == ("o",) and len(path) > _OBJECT_PARTS else path


def _match(pattern: list[str], path: tuple[str, ...]) -> tuple[str, ...] | None:
    if any(wanted not in {"*", part} for wanted, part in zip(pattern, path, strict=True)):
        return None
    return tuple(part for wanted, part in zip(pattern, path, strict=True) if wanted == "*")
