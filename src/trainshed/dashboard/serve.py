"""How pages are asked for: as HTML, as JSON (`?format=json`, or an Accept header), and live (`?live=VERSION`)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Receive, Scope, Send

from trainshed.addresses import hide
from trainshed.dashboard import asked, wrong
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.document import document
from trainshed.dashboard.live import Live
from trainshed.dashboard.page import Page
from trainshed.dashboard.render import Drawn, Pages
from trainshed.duty import off_loop
from trainshed.errors import TrainshedError

_STATIC = Path(__file__).parent / "static"
_RESERVED = ("format", "live")  # words of the query that every page knows

# Nothing from elsewhere, nothing inline: what a user's log, message or artifact says can at most be read.
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
    "cache-control": "no-store",
    "vary": "accept",
}


@dataclass(frozen=True, kw_only=True)
class Address:
    """A page's path, as Starlette writes them, and what makes it. It is called on a thread; raises TrainshedError."""

    path: str
    words: Sequence[str]  # of the query that the page reads; any other is refused
    make: Callable[[Asked], Page]
    instead: str = ""  # path of the page that is shown where the name is left out, and no list stands there


def routes(
    addresses: Sequence[Address], live: Live, *, meant: Callable[[str], str] = str, has_login: bool = False
) -> list[BaseRoute]:
    """Serve every page, and the files that they need; with a login there is a way out on every page.

    `meant` answers the whole path of one that ends in a short name, and anything else as it is.
    """
    pages = Pages(has_login=has_login)
    return [
        Mount("/static", _Static(directory=_STATIC), name="static"),
        *_led(addresses),
        *(Route(address.path, _Endpoint(address, pages, live, meant).answer) for address in addresses),
    ]


def _led(addresses: Sequence[Address]) -> Iterator[BaseRoute]:
    """Lead whoever ends an address in a slash, or leaves the name out of it, to the page that is there."""
    for address in addresses:
        if address.instead:
            section = address.path.partition("/{")[0]
            yield from (Route(path, _to(address.instead)) for path in (section, f"{section}/"))
        if not address.path.endswith(("/", ":path}")):  # else the slash is a part of the name
            yield Route(f"{address.path}/", _without_slash)


def _to(path: str) -> Callable[[Request], Response]:
    return lambda _: RedirectResponse(path, 303, HEADERS)


def _without_slash(request: Request) -> Response:
    return RedirectResponse(_address(request, request.url.path.rstrip("/")), 303, HEADERS)


class _Endpoint:
    def __init__(self, address: Address, pages: Pages, live: Live, meant: Callable[[str], str]) -> None:
        self._make = address.make
        self._known = (*address.words, *_RESERVED)
        self._pages = pages
        self._live = live
        self._meant = meant

    async def answer(self, request: Request) -> Response:
        version = request.query_params.get("live")
        try:
            found = self._read(request)
            if _wants_json(request):
                return await off_loop(self._document, found)
            drawn = await off_loop(self._draw, found)
        except TrainshedError as error:
            return await self._failed(request, wrong.in_words_of_pages(error, request.url.path))
        if version is None and drawn.page.goes_to:
            return RedirectResponse(drawn.page.goes_to, 303, HEADERS)
        if version is None:
            return HTMLResponse(await off_loop(self._pages.whole, drawn), headers=HEADERS)
        events = self._live.follow(found.href(), drawn, version, lambda: off_loop(self._draw, found))
        return StreamingResponse(events, media_type="text/event-stream", headers=HEADERS)

    def _read(self, request: Request) -> Asked:
        found = asked.read(request.url.path, dict(request.path_params), request.url.query, self._known)
        return replace(found, query=tuple((key, value) for key, value in found.query if key not in _RESERVED))

    def _document(self, found: Asked) -> Response:
        return _Document(document(self._make(found)), headers=HEADERS)

    def _draw(self, found: Asked) -> Drawn:
        return self._pages.draw(self._make(found))

    async def _failed(self, request: Request, error: TrainshedError) -> Response:
        path = request.url.path
        if (whole := await off_loop(self._meant, path.rstrip("/") or path)) != path:
            return RedirectResponse(_address(request, whole), 303, HEADERS)
        if _wants_json(request) or "live" in request.query_params:
            raise error  # as the surface says it
        return failed(self._pages, error, _address(request, path))


def failed(pages: Pages, error: TrainshedError, address: str) -> Response:
    """Answer a browser what is wrong with the path and the query that it asked for."""
    html = pages.whole(pages.draw(wrong.page(error, address)))
    return HTMLResponse(html, error.http_status, headers=HEADERS)


def failures(*, has_login: bool = False) -> Callable[[TrainshedError, str], Response]:
    """Answer what tells a browser what went wrong where no page of ours was asked for, or none could be made."""
    pages = Pages(has_login=has_login)
    return lambda error, address: failed(pages, error, address)


class _Document(JSONResponse):
    """What a page shows, as JSON."""

    def render(self, content: object) -> bytes:
        return hide(super().render(content).decode()).encode()


class _Static(StaticFiles):
    """Files that a browser keeps, but asks about: a new version of Trainshed has others under the same names."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def with_headers(message: Mapping[str, object]) -> None:
            if message["type"] == "http.response.start":
                kept = [(b"cache-control", b"no-cache"), (b"x-content-type-options", b"nosniff")]
                headers = message["headers"]
                assert isinstance(headers, list)
                message = {**message, "headers": [*headers, *kept]}
            await send(dict(message))

        await super().__call__(scope, receive, with_headers)


def _address(request: Request, path: str) -> str:
    return path + (f"?{request.url.query}" if request.url.query else "")


def _wants_json(request: Request) -> bool:
    if (wanted := request.query_params.get("format")) is not None:
        return wanted == "json"
    return request.headers.get("accept", "").partition(";")[0].strip() == "application/json"
