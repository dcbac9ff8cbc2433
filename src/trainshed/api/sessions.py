"""How a browser proves who it is: by a token of its own session, in a cookie that no script can read and that no page
of another site sends. Signing out ends the session, so a copy of the cookie opens nothing either.
"""

from collections import deque
from collections.abc import Callable, Mapping
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import Protocol

from trainshed.api.tokens import SESSION_SECONDS
from trainshed.clock import monotonic
from trainshed.errors import ResourceExhausted

COOKIE = "trainshed-session"
_WRONG = 5  # tries of one address
_WRONG_OF_ALL = (
    50  # tries of everybody, from which on each address has one: whoever comes with the right token is let in
)
_WINDOW_SECONDS = 60.0
_ADDRESSES = 1000  # that may be wrong at once
_IPV6_NETWORK = 64  # bits, which one customer has at least


class Proving(Protocol):
    """Knows tokens."""

    def begin(self, authorization: str) -> str:
        """Answer a token for one session; empty where nobody needs one. Raises Unauthenticated."""

    def end(self, authorization: str) -> None:
        """End the session of a token."""


def authorization(headers: Mapping[str, str]) -> tuple[str, bool]:
    """Answer what proves who asks, and whether it came in a cookie: the header counts first."""
    given = headers.get("authorization", "")
    if given or COOKIE not in headers.get("cookie", ""):
        return given, False
    try:
        found = SimpleCookie(headers["cookie"]).get(COOKIE)
    except CookieError:
        return "", False
    return (f"Bearer {found.value}", True) if found is not None and found.value else ("", False)


class Sessions:
    """Lets browsers in, and out again. Whoever guesses has to wait."""

    def __init__(
        self, proving: Proving, *, needs_token: Callable[[], bool], tick: Callable[[], float] = monotonic
    ) -> None:
        self._proving = proving
        self._needs_token = needs_token
        self._tick = tick
        self._lock = Lock()
        self._wrong: dict[str, deque[float]] = {}
        self._wrong_of_all: deque[float] = deque()

    @property
    def is_needed(self) -> bool:
        """Whether anybody has to prove who they are."""
        return self._needs_token()

    def enter(self, token: str, *, address: str, is_secure: bool) -> str:
        """Answer the Set-Cookie header for a token. Raises Unauthenticated, or ResourceExhausted after many tries."""
        taken = self._take_try(_place(address))
        text = token.strip()
        is_sane = text.isascii() and text.isprintable() and not set(text) & set(' ",;\\')
        session = self._proving.begin(f"Bearer {text}" if is_sane else "")
        self._give_back(_place(address), taken)
        return _cookie(session, SESSION_SECONDS, is_secure=is_secure)

    def leave(self, headers: Mapping[str, str], *, is_secure: bool) -> str:
        """End the session of a browser; answer the Set-Cookie header that takes its token away."""
        proof, by_cookie = authorization(headers)
        if by_cookie:
            self._proving.end(proof)
        return _cookie("", 0, is_secure=is_secure)

    def _take_try(self, place: str) -> float:
        """Count a try before it is judged, as others of the same place may come meanwhile; answer its time."""
        with self._lock:
            now = self._tick()
            mine = self._wrong.get(place, deque())
            for tries in (mine, self._wrong_of_all):
                while tries and tries[0] <= now - _WINDOW_SECONDS:
                    tries.popleft()
            if len(self._wrong) >= _ADDRESSES:
                self._wrong = {
                    p: tries for p, tries in self._wrong.items() if tries and tries[-1] > now - _WINDOW_SECONDS
                }
            is_one_of_many = bool(mine) and len(self._wrong_of_all) >= _WRONG_OF_ALL
            if len(mine) >= _WRONG or is_one_of_many or len(self._wrong) >= _ADDRESSES:
                raise ResourceExhausted("That were many wrong tokens; wait a minute.", reason="TOO_MANY_TRIES")
            self._wrong.setdefault(place, deque()).append(now)
            self._wrong_of_all.append(now)
            return now

    def _give_back(self, place: str, taken: float) -> None:
        with self._lock:
            for tries in (self._wrong.get(place, deque()), self._wrong_of_all):
                if taken in tries:
                    tries.remove(taken)


def _place(address: str) -> str:
    """Answer what counts as one: this machine, and a network of IPv6, have as many addresses as they like."""
    try:
        found = ip_address(address)
    except ValueError:
        return address
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is None:
            return "this machine" if found.is_loopback else str(ip_network((int(found), _IPV6_NETWORK), strict=False))
        found = found.ipv4_mapped
    return "this machine" if found.is_loopback else str(found)


def _cookie(value: str, seconds: int, *, is_secure: bool) -> str:
    secure = "; Secure" if is_secure else ""
    return f"{COOKIE}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}"
