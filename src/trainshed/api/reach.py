"""How Google's clients come here: certificates, credentials, the environment that makes them, who they are.

Everything lies in the home directory: `ca/` (authority, bundle, key of the service accounts) and `credentials/` (a
folder per principal). The authority is kept, because a client that holds an older bundle retries silently for minutes.
"""

import functools
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Callable, Mapping
from fnmatch import fnmatch
from ipaddress import ip_address
from pathlib import Path
from threading import Lock
from time import time
from typing import Any
from urllib.parse import urlsplit

import certifi

from trainshed import home, names
from trainshed.api import authority, credentials
from trainshed.api.caller import NOBODY, USER, Caller
from trainshed.api.door import LOCAL
from trainshed.api.ended import Ended
from trainshed.api.tokens import GOOGLE, ISSUER, SESSION_SECONDS, Key, write_private
from trainshed.errors import InvalidArgument, Unauthenticated
from trainshed.settings import Settings, is_loopback

# The hosts that are answered here. Nothing meant for them leaves the machine.
HOSTS = (
    "*.googleapis.com",
    "*.storage.googleapis.com",
    "*.mtls.googleapis.com",
    "*.rep.googleapis.com",
    "*.cloudfunctions.net",
    "*.run.app",
    "*.a.run.app",
)
_YEAR = 365 * 24 * 3600.0  # a file is read as it is; nobody renews it
_PRINCIPAL = re.compile(r"\w[\w+-]*(?:\.[\w+-]+)*(?:@\w[\w-]*(?:\.[\w-]+)*)?")
_TOKENS = 4096  # callers remembered by their token
_SESSION = "jti"  # the claim that tells a browser's session from every other


class Reach:
    """Certificates and credentials of one home directory. `address` is set when the surface listens."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.address = ""
        self._folder = settings.home / "ca"
        self._lock = Lock()
        self._callers: dict[str, tuple[Caller, float, str]] = {}  # with the end of the token, and the session
        self._environments: dict[str, tuple[str, dict[str, str]]] = {}  # by principal; with the address they lead to
        self.needs_token = not is_loopback(settings.host)

    def prepare(self) -> None:
        """Make what is made once; slow the first time, so not on the event loop."""
        with self._lock:
            assert self._made
            assert self._context

    def is_ours(self, host: str) -> bool:
        """Tell whether a host that a client wants to connect to is answered here."""
        return any(fnmatch(host.lower(), pattern) for pattern in HOSTS)

    def is_known(self, host: str) -> bool:
        """Tell whether a request may name this host: where anybody may ask, no foreign name that was led to us."""
        name = host.rpartition(":")[0] if re.search(r":\d+$", host) else host
        name = name.strip("[]").lower().removesuffix(".")
        if self.needs_token or name == "metadata.google.internal" or self.is_ours(name):
            return True
        try:
            return bool(ip_address(name))
        except ValueError:
            return "." not in name  # localhost, or a name of this network: nobody outside can give them out

    def is_let_through(self, host: str) -> bool:
        """Tell whether another host may be reached through the front door."""
        name = host.strip("[]").lower()
        return name in LOCAL or any(fnmatch(name, p.strip()) for p in self.settings.tunnel.lower().split(",") if p)

    @functools.cached_property
    def _made(self) -> authority.Files:
        """Keys and certificates of this home, made once. A process makes them: serving does not need what making takes."""
        found = authority.Files(self._folder, (*HOSTS, *LOCAL))
        if not found.are_there:
            making = [sys.executable, "-m", authority.__name__, str(self._folder), *found.hosts]
            subprocess.run(making, check=True, stdin=subprocess.DEVNULL)
        return found

    @functools.cached_property
    def key(self) -> Key:
        """The key of the service accounts."""
        return Key(self._made.accounts)

    @functools.cached_property
    def bundle(self) -> Path:
        """A file with the public authorities, those that the machine's owner added, and ours."""
        own = os.environ.get("SSL_CERT_FILE") or os.environ.get("REQUESTS_CA_BUNDLE") or ""
        parts = [Path(certifi.where()).read_bytes(), self._made.certificate.read_bytes()]
        path = self._folder / "bundle.pem"
        if own and Path(own).is_file() and Path(own) != path:
            parts.append(Path(own).read_bytes())
        write_private(path, b"\n".join(parts))
        return path

    @functools.cached_property
    def _ended(self) -> Ended:
        return Ended(self._folder / "ended-sessions.json")

    def tls(self) -> ssl.SSLContext:
        """Answer the server's side of TLS for the hosts that are ours."""
        with self._lock:
            return self._context

    @functools.cached_property
    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self._made.server)
        context.set_alpn_protocols(["http/1.1", "h2"])  # in the order of our preference; gRPC offers h2 alone
        return context

    def identify(self, authorization: str, *, may_be_anybody: bool = False) -> Caller:
        """Turn an Authorization header into a caller. Raises Unauthenticated, unless the request proves itself.

        A token that somebody else made says nothing here: on the loopback interface that is the user, who needs none.
        """
        known = self._callers.get(authorization)
        if known is not None and known[1] > time() and known[2] not in self._ended:
            return known[0]
        claims = self._claims(authorization)
        if claims is None:
            if not self.needs_token:
                return Caller(principal=USER)
            if may_be_anybody:
                return Caller(principal=NOBODY)
            raise Unauthenticated(
                "The request carries no token of this server. On its machine `trainshed` and `trainshed exec` have one; "
                "elsewhere set TRAINSHED_TOKEN to what the file `token` in the server's home says."
            )
        caller = Caller(principal=self.principal(str(claims.get("sub") or claims.get("iss"))))
        if len(self._callers) >= _TOKENS:
            self._callers.clear()
        self._callers[authorization] = (caller, float(claims["exp"]), str(claims.get(_SESSION, "")))
        return caller

    def begin(self, authorization: str) -> str:
        """Answer a token for one session of a browser; who came by such a one gets no other. Raises Unauthenticated."""
        caller, claims = self.identify(authorization), self._claims(authorization)
        if claims is None:  # nobody is asked here: a session would be one for good, once this server asks
            return ""
        if _SESSION in claims:
            raise Unauthenticated("This is the token of another session.")
        now = int(time())
        until = min(now + SESSION_SECONDS, int(claims["exp"]))
        return self.key.token(
            {"iss": ISSUER, "sub": caller.principal, "iat": now, "exp": until, _SESSION: names.short_id(16)}
        )

    def end(self, authorization: str) -> None:
        """End the session of a token, whoever has a copy of it."""
        claims = self._claims(authorization)
        if claims is not None and (session := claims.get(_SESSION)):
            self._ended.add(str(session), float(claims["exp"]))

    def when_ended(self, authorization: str, tell: Callable[[], None]) -> Callable[[], None]:
        """Call back once the session of a token, which was identified, is ended; answer what forgets that."""
        known = self._callers.get(authorization)
        session = known[2] if known is not None else str((self._claims(authorization) or {}).get(_SESSION, ""))
        return self._ended.when(session, tell) if session else _nothing

    def _claims(self, authorization: str) -> dict[str, Any] | None:
        """Answer what a token of ours says that is meant for us and was not ended. Raises Unauthenticated."""
        scheme, _, token = authorization.partition(" ")
        claims = self.key.read(token) if scheme.lower() == "bearer" else None
        if claims is None or not self._is_meant_for_us(claims) or str(claims.get(_SESSION, "")) in self._ended:
            return None
        return claims

    def _is_meant_for_us(self, claims: Mapping[str, Any]) -> bool:
        """Tell identity tokens for others apart: a push endpoint that gets one must not come here with it."""
        if claims.get("iss") != GOOGLE:
            return True
        audience = str(claims.get("aud", ""))
        try:
            host = urlsplit(audience).hostname or ""
        except ValueError:  # an audience is any text
            host = ""
        return audience == self.address or self.is_ours(host)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether a service account of this server signed the data."""
        return self.key.verify(signature, data)

    def identity_token(self, email: str, audience: str) -> str:
        """Make a token that says that its bearer is this service account."""
        return self.key.identity_token(email, audience)

    def email(self, principal: str) -> str:
        """Answer the e-mail of a principal's service account."""
        return principal if "@" in principal else f"{principal}@{self.settings.project}.iam.gserviceaccount.com"

    def principal(self, email: str) -> str:
        """Answer the principal of a service account's e-mail."""
        return USER if email in {USER, self.email(USER)} else email

    def hand_out(self) -> None:
        """Leave a token in the home for the command line of this machine, where one is needed."""
        write_private(home.token_file(self.settings.home), self.key.access_token(USER, lifetime_seconds=_YEAR).encode())

    def environment(self, principal: str = USER) -> dict[str, str]:
        """Answer the variables that bring Google's clients, gcloud and gsutil here, as `principal`.

        Raises InvalidArgument for a principal that is none: its files are named after it.
        """
        if not _PRINCIPAL.fullmatch(principal):
            raise InvalidArgument.field(
                "principal", f"{principal!r} is neither a name nor the e-mail of a service account"
            )
        assert self.address, "the surface does not listen yet"
        with self._lock:
            made = self._environments.get(principal)
            if made is None or made[0] != self.address:
                found = credentials.environment(self._issuer, self.email(principal), self.bundle)
                made = self._environments[principal] = (self.address, found)
            return dict(made[1])

    def account_file(self, email: str) -> bytes:
        """Answer the key file of a service account, as GOOGLE_APPLICATION_CREDENTIALS names one."""
        return credentials.account_file(self._issuer, email)

    @property
    def _issuer(self) -> credentials.Issuer:
        return credentials.Issuer(self.settings, self.address, self.key)


def _nothing() -> None:
    """Forget nothing: what is no session of a browser is not ended."""
