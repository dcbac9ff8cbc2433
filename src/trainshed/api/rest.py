"""The HTTP half: an ASGI application that transcodes Google's REST and hands everything else to Starlette routes."""

import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import replace
from typing import Any, Protocol
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute

from trainshed import errors
from trainshed.api import bodies, caller, deliveries, leaving, origins, sessions, status, transcode
from trainshed.api.calls import Calls

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
IsKnown = Callable[[str], bool]
Draw = Callable[[errors.TrainshedError, str], Response]  # a page that says what went wrong with an address


class Identify(Protocol):
    """Tells who asks."""

    def __call__(self, authorization: str, *, may_be_anybody: bool) -> caller.Caller:
        """Turn the Authorization header of a request into a caller. Raises Unauthenticated."""


_WEBHOOK_BYTES = 10 * 1024 * 1024  # read before anything is proven
_NOT_FOUND = 404
_HARMLESS = (
    (b"content-security-policy", b"default-src 'none'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"),
    (b"x-content-type-options", b"nosniff"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
_ALONE = (b"cross-origin-opener-policy", b"same-origin")
_BY_HTTP: dict[int, type[errors.TrainshedError]] = {
    403: errors.PermissionDenied,
    404: errors.NotFound,
    405: errors.Unimplemented,
}


class Rest:
    """The ASGI application.

    `identify` turns the Authorization header into a caller or raises Unauthenticated; `is_known` tells whether a request
    may name a host; `needs_token` says that nobody comes in without one; `draw` makes the page that a browser is shown
    instead of the document that programs get; `when_ended` calls back once the session of a proof was ended.
    """

    def __init__(
        self,
        calls: Calls,
        routes: Sequence[BaseRoute],
        identify: Identify,
        is_known: IsKnown,
        *,
        needs_token: bool = False,
        draw: Draw | None = None,
        when_ended: leaving.WhenEnded | None = None,
    ) -> None:
        self._calls = calls
        self._draw = draw
        self._when_ended = when_ended
        self._needs_token = needs_token
        self._is_known = is_known
        self._identify = identify
        self._router = transcode.Router()
        self._own = Starlette(
            routes=routes,
            exception_handlers={
                errors.TrainshedError: self._failed,
                HTTPException: self._not_routed,
                Exception: self._failed,
            },
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._own(scope, receive, send)
            return
        if _forwarded(scope) == "https" and origins.is_of_this_machine((scope.get("client") or ("",))[0]):
            scope = {**scope, "scheme": "https"}
        if not deliveries.is_elsewhere(_header(scope, b"host")):
            send = _harmless(send, is_heeded=_is_trustworthy(scope))
        try:
            match = self._match(scope)
            session = self._admit(scope, match)
        except errors.Unauthenticated as error:
            await (_to_login(scope) if _wants_page(scope) else render(error))(scope, receive, send)
            return
        except errors.TrainshedError as error:
            await self._said(scope, error)(scope, receive, send)
            return
        if match is None:
            await self._held(session, scope, receive, send)
        else:
            await self._transcoded(match, scope, receive, send)

    def _match(self, scope: Scope) -> transcode.Match | None:
        if _is_of_functions(_header(scope, b"host")):  # there every path belongs to a user's code
            return None
        path = (scope.get("raw_path") or quote(scope["path"]).encode()).decode("ascii").partition("?")[0]
        return self._router.find(scope["method"], path)

    def _admit(self, scope: Scope, match: transcode.Match | None) -> str:
        """Say who asks, and answer the proof of a browser's session; empty where it is none.

        What proves itself is judged by what it was found to mean, never by its path alone.
        """
        host = _header(scope, b"host")
        asked = (scope["method"], scope["path"], host, match.method.name if match else "")
        is_webhook = deliveries.is_webhook(*asked)
        if is_webhook:
            deliveries.enter(scope)
        else:
            self._refuse_foreign_names(host)
        headers = {key.decode("latin-1"): value.decode("latin-1") for key, value in scope["headers"]}
        proof, by_cookie = sessions.authorization(headers)
        if not is_webhook:
            _refuse_foreign_pages(scope["method"], headers, host, is_proven=self._needs_token, by_cookie=by_cookie)
        may_be_anybody = is_webhook or deliveries.asks_for_token(*asked) or deliveries.is_before_login(*asked)
        found = self._identify(proof, may_be_anybody=may_be_anybody)
        over = origins.over(headers)
        caller.enter(found if found.over == over else replace(found, over=over))
        return proof if by_cookie else ""

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
        most = _WEBHOOK_BYTES if match.method.name == deliveries.WEBHOOK else bodies.LARGEST
        body = await bodies.read(Request(scope, receive), most)
        request = transcode.read(match, query, _header(scope, b"content-type"), body)
        response = await self._calls.unary(match.method, request)
        content, content_type = transcode.write(response, query)
        return Response(content, headers={"content-type": content_type or "application/octet-stream"})

    async def _held(self, session: str, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer as long as the session lasts what a browser only reads: it may listen for hours."""
        if self._when_ended is None or not session or scope["method"] != "GET":
            await self._routed(scope, receive, send)
            return

        def answer(sending: Send) -> Awaitable[None]:
            return self._routed(scope, receive, sending)

        if not await leaving.answered(answer, send, session, self._when_ended):
            await render(errors.Unauthenticated("You signed out meanwhile."))(scope, receive, send)

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
                await self._said(scope, status.translate(error, where=scope["path"]))(scope, receive, send)

    def _failed(self, request: Request, error: Exception) -> Response:
        return self._said(request.scope, status.translate(error, where=f"{request.method} {request.url.path}"))

    def _not_routed(self, request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        cls = _BY_HTTP.get(error.status_code, errors.InvalidArgument)
        host = request.headers.get("host", "").partition(":")[0]
        what = f"{request.method} {request.url.path}"
        is_google = host.endswith(".googleapis.com")
        message = status.not_served(f"{what} of {host}") if is_google else f"Nothing here answers {what}."
        if self._draw is not None and error.status_code == _NOT_FOUND and _wants_page(request.scope):
            return self._draw(errors.NotFound(message), _address(request.scope))
        document = status.to_rest(cls(message))
        document["error"]["code"] = error.status_code
        return JSONResponse(document, error.status_code, headers=error.headers)

    def _said(self, scope: Scope, error: errors.TrainshedError) -> Response:
        """Say what went wrong: on a page, where somebody looks."""
        if self._draw is None or not _wants_page(scope):
            return render(error)
        return self._draw(error, _address(scope))


def render(error: errors.TrainshedError) -> Response:
    """Make the HTTP response that says what went wrong."""
    content = json.dumps(status.to_rest(error), ensure_ascii=False).encode()
    return Response(content, error.http_status, headers={"content-type": "application/json; charset=UTF-8"})


def _refuse_foreign_pages(
    method: str, headers: Mapping[str, str], host: str, *, is_proven: bool, by_cookie: bool
) -> None:
    """Browsers name the page that writes; a page of somebody else must not start builds on this machine."""
    if page := origins.refusal(method, headers, host, is_proven=is_proven, by_cookie=by_cookie):
        raise errors.PermissionDenied(
            f"{page} may not use this server; open the dashboard by the address that the server printed.",
            reason="FOREIGN_ORIGIN",
        )


def _harmless(send: Send, *, is_heeded: bool) -> Send:
    """Let what is said under our own name do nothing in a browser, unless it says itself what it may do.

    Somebody's object or log, opened by its address, would otherwise act as a page of the dashboard. `is_heeded`: the
    browser keeps a page alone in its window when it is told to; any other says of every page that it does not.
    """
    said = (*_HARMLESS, _ALONE) if is_heeded else _HARMLESS

    async def sent(message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            headers = list(message.get("headers", ()))
            known = {name.lower() for name, _ in headers}
            missing = [(name, value) for name, value in said if name not in known]
            message = {**message, "headers": [*headers, *missing]}
        await send(message)

    return sent


def _is_trustworthy(scope: Scope) -> bool:
    """Tell whether a browser that reaches us by this address trusts it."""
    return "https" in {scope["scheme"], _forwarded(scope)} or origins.is_of_this_machine(_header(scope, b"host"))


def _forwarded(scope: Scope) -> str:
    """Answer how what stands before us, and ends TLS, was spoken to."""
    return _header(scope, b"x-forwarded-proto").partition(",")[0].strip()


def _wants_page(scope: Scope) -> bool:
    """Tell a browser that goes somewhere from a program that asks for something."""
    is_json = b"format=json" in scope["query_string"].split(b"&")
    return scope["method"] == "GET" and "text/html" in _header(scope, b"accept") and not is_json


def _to_login(scope: Scope) -> Response:
    return RedirectResponse(
        f"{deliveries.LOGIN}?next={quote(_address(scope), safe='')}", 303, headers={"cache-control": "no-store"}
    )


def _address(scope: Scope) -> str:
    query = scope["query_string"].decode("latin-1")
    return str(scope["path"]) + (f"?{query}" if query else "")


def _is_of_functions(host: str) -> bool:
    return host.partition(":")[0].lower().endswith((".cloudfunctions.net", ".run.app"))


def _header(scope: Scope, name: bytes) -> str:
    return next((value.decode("latin-1") for key, value in scope["headers"] if key == name), "")
