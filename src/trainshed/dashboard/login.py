"""Where a browser proves who it is, when the server answers beyond its own machine."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import parse_qs, quote, urlsplit

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from trainshed.dashboard.render import Pages
from trainshed.dashboard.serve import HEADERS, Address
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, ResourceExhausted, TrainshedError, Unauthenticated

PATH, LEAVE = "/login", "/logout"
_LARGEST = 20_000  # bytes of the form: a token has a few hundred


class Sessions(Protocol):
    """Lets browsers in and out."""

    @property
    def is_needed(self) -> bool:
        """Whether anybody has to prove who they are."""

    def enter(self, token: str, *, address: str, is_secure: bool) -> str:
        """Answer the Set-Cookie header for a token. Raises Unauthenticated, ResourceExhausted."""

    def leave(self, headers: Mapping[str, str], *, is_secure: bool) -> str:
        """End the session of a browser; answer the Set-Cookie header that takes its token away."""


class Login:
    """The form, and the way out."""

    def __init__(self, sessions: Sessions) -> None:
        self._sessions = sessions
        self._pages = Pages()

    def addresses(self) -> list[Address]:
        """Answer no page: these are no pages of a section."""
        return []

    def routes(self) -> list[Route]:
        """Serve the form, what it sends, and the button that ends it."""
        return [
            Route(PATH, self._form, methods=["GET"]),
            Route(PATH, self._enter, methods=["POST"]),
            Route(LEAVE, self._leave, methods=["POST"]),
        ]

    async def _form(self, request: Request) -> Response:
        return self._drawn(own_path(request.query_params.get("next", "")))

    async def _enter(self, request: Request) -> Response:
        following = own_path(request.query_params.get("next", ""))
        try:
            token = await _token(request)
            address = request.client.host if request.client else ""
            cookie = await off_loop(self._sessions.enter, token, address=address, is_secure=_is_secure(request))
        except TrainshedError as error:
            return self._drawn(following, _said(error), error.http_status)
        return RedirectResponse(following, 303, headers={**HEADERS, "set-cookie": cookie})

    async def _leave(self, request: Request) -> Response:
        cookie = await off_loop(self._sessions.leave, request.headers, is_secure=_is_secure(request))
        return RedirectResponse(PATH, 303, headers={**HEADERS, "set-cookie": cookie})

    def _drawn(self, following: str, error: str = "", status: int = 200) -> Response:
        html = self._pages.other(
            "login.html",
            error=error,
            following=following,
            action=f"{PATH}?next={quote(following)}",
            is_needed=self._sessions.is_needed,
        )
        return HTMLResponse(html, status, headers=HEADERS)


def own_path(text: str) -> str:
    """Answer a path of this server to go on to; the overview for anything else."""
    if not text.isprintable() or not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return "/" if urlsplit(text).path in {PATH, LEAVE} else text


async def _token(request: Request) -> str:
    """Read the one field of the form. Raises InvalidArgument."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > _LARGEST:
            raise InvalidArgument.field("token", f"is longer than {_LARGEST} bytes; that is no token of this server")
    return parse_qs(body.decode("latin-1")).get("token", [""])[0]


def _said(error: TrainshedError) -> str:
    if isinstance(error, Unauthenticated):
        if error.reason == "ACCESS_TOKEN_EXPIRED":
            return "This token has expired. The file says a new one since the server was started last."
        return "This is not the token of this server. Copy it whole, without quotes."
    return error.message if isinstance(error, ResourceExhausted | InvalidArgument) else "This did not work; try again."


def _is_secure(request: Request) -> bool:
    """Tell whether the browser came by TLS, to us or to what stands before us."""
    return request.url.scheme == "https" or request.headers.get("x-forwarded-proto", "").partition(",")[0] == "https"
