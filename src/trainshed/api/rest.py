"""The HTTP half: an ASGI application that transcodes Google's REST and hands everything else to Starlette routes."""

import json
from collections.abc import Awaitable, Callable, MutableMapping, Sequence
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute

from trainshed import errors
from trainshed.api import caller, deliveries, status, transcode
from trainshed.api.calls import Calls

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
IsKnown = Callable[[str], bool]


class Identify(Protocol):
    """Tells who asks."""

    def __call__(self, authorization: str, *, path: str) -> caller.Caller:
        """Turn the Authorization header of a request for `path` into a caller. Raises Unauthenticated."""


_BODY_BYTES = 64 * 1024 * 1024
_BY_HTTP: dict[int, type[errors.TrainshedError]] = {
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.Unimplemented,
}


class Rest:
    """The ASGI application.

    `identify` turns the Authorization header into a caller or raises Unauthenticated; `is_known` tells whether a request
    may name a host.
    """

    def __init__(self, calls: Calls, routes: Sequence[BaseRoute], identify: Identify, is_known: IsKnown) -> None:
        self._calls = calls
        self._is_known = is_known
        self._identify = identify
        self._router = transcode.Router()
        self._own = Starlette(
            routes=routes,
            exception_handlers={errors.TrainshedError: _failed, HTTPException: _not_routed, Exception: _failed},
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        try:
            if not deliveries.proves_itself(scope["path"]):
                self._refuse_foreign_names(_header(scope, b"host"))
                _refuse_foreign_pages(_header(scope, b"origin"), _header(scope, b"host"))
            caller.enter(self._identify(_header(scope, b"authorization"), path=scope["path"]))
            path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii").partition("?")[0]
            deliveries.enter(scope)
            is_theirs = _is_of_functions(_header(scope, b"host"))  # there every path belongs to a user's code
            match = None if is_theirs else self._router.find(scope["method"], path)
            if match is not None:
                await self._transcoded(match, scope, receive, send)
                return
        except errors.TrainshedError as error:
            await render(error)(scope, receive, send)
            return
        await self._routed(scope, receive, send)

    def _refuse_foreign_names(self, host: str) -> None:
        """Refuse what a page reads under a name of its own that was made to resolve to this machine."""
        if not self._is_known(host):
            raise errors.PermissionDenied(
                f"This server is not {host}; open it by the address that it printed.", reason="FOREIGN_HOST"
            )

    async def _transcoded(self, match: transcode.Match, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            answer = await self._call(match, scope, receive)
        except Exception as error:  # noqa: BLE001  (the edge: every error becomes a status)
            answer = render(status.translate(error, where=match.method.path))
        await answer(scope, receive, send)

    async def _call(self, match: transcode.Match, scope: Scope, receive: Receive) -> Response:
        query = scope["query_string"].decode("latin-1")
        if match.method.client_streaming or match.method.server_streaming:
            raise errors.Unimplemented(f"{match.method.name} streams; ask for it by gRPC.")
        body = await _body(receive)
        request = transcode.read(match, query, _header(scope, b"content-type"), body)
        response = await self._calls.unary(match.method, request)
        content, content_type = transcode.write(response, query)
        return Response(content, headers={"content-type": content_type or "application/octet-stream"})

    async def _routed(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watched(event: MutableMapping[str, Any]) -> None:
            nonlocal started
            started = True
            await send(event)

        try:
            await self._own(scope, receive, watched)
        except Exception as error:  # noqa: BLE001  (likewise)
            if not started:  # Starlette answers defects and raises them again; here they are logged already
                await render(status.translate(error, where=scope["path"]))(scope, receive, send)


def render(error: errors.TrainshedError) -> Response:
    """Make the HTTP response that says what went wrong."""
    content = json.dumps(status.to_rest(error), ensure_ascii=False).encode()
    return Response(content, error.http_status, headers={"content-type": "application/json; charset=UTF-8"})


def _failed(request: Request, error: Exception) -> Response:
    return render(status.translate(error, where=f"{request.method} {request.url.path}"))


def _not_routed(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    cls = _BY_HTTP.get(error.status_code, errors.InvalidArgument)
    host = request.headers.get("host", "").partition(":")[0]
    what = f"{request.method} {request.url.path}"
    is_google = host.endswith(".googleapis.com")
    message = status.not_served(f"{what} of {host}") if is_google else f"Nothing here answers {what}."
    document = status.to_rest(cls(message))
    document["error"]["code"] = error.status_code
    return JSONResponse(document, error.status_code, headers=error.headers)


def _refuse_foreign_pages(origin: str, host: str) -> None:
    """Browsers name the page that writes; a page of somebody else must not start builds on this machine.

    The name has to be this machine's, too: a foreign name can be made to resolve to the loopback address.
    """
    if not origin:
        return
    page = urlsplit(origin)
    try:
        is_local = page.hostname is not None and (page.hostname == "localhost" or ip_address(page.hostname).is_private)
    except ValueError:
        is_local = False
    if page.netloc != host or not is_local:
        raise errors.PermissionDenied(
            f"A page of {origin} may not use this server; open the dashboard by the address that the server printed.",
            reason="FOREIGN_ORIGIN",
        )


def _is_of_functions(host: str) -> bool:
    return host.partition(":")[0].lower().endswith((".cloudfunctions.net", ".run.app"))


async def _body(receive: Receive) -> bytes:
    chunks, size, more = [], 0, True
    while more:
        event = await receive()
        if event["type"] == "http.disconnect":
            raise errors.Cancelled
        chunks.append(event.get("body", b""))
        size += len(chunks[-1])
        if size > _BODY_BYTES:
            raise errors.InvalidArgument.field("body", f"is larger than {_BODY_BYTES} bytes", reason="BODY_TOO_LARGE")
        more = event.get("more_body", False)
    return b"".join(chunks)


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
