"""Credentials of service accounts that exist on this machine only: one RSA key, JSON web tokens signed with it.

These are real-time credentials that Google's client libraries check against the machine's clock, so the time is the
machine's, not the server's (which may be virtual).
"""

import base64
import hashlib
import json
import os
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from time import time
from typing import TYPE_CHECKING, Any

from trainshed.errors import Unauthenticated

if TYPE_CHECKING:
    from trainshed.api.signing import Signer

ISSUER = "trainshed"
LIFETIME_SECONDS = 3600
SESSION_SECONDS = 30 * 24 * 3600  # of a browser
SKEW_SECONDS = 300
GOOGLE = "https://accounts.google.com"  # who signs identity tokens: what verifiers of Google's look for


class Key:
    """The key that all local service accounts share; made once, kept in `path`, readable by its owner only."""

    def __init__(self, path: Path) -> None:
        if not path.exists():
            make(path)
        self.pem = path.read_bytes()
        self.id = hashlib.sha256(self.pem).hexdigest()[:40]

    @cached_property
    def _signer(self) -> "Signer":
        from trainshed.api.signing import Signer  # not before somebody needs it

        return Signer(self.pem)

    def sign(self, data: bytes) -> bytes:
        """Sign with RSASSA-PKCS1-v1_5 and SHA-256."""
        return self._signer.sign(data)

    def verify(self, signature: bytes, data: bytes) -> bool:
        """Tell whether `sign` made this signature of the data."""
        return self._signer.verify(signature, data)

    def token(self, claims: Mapping[str, Any]) -> str:
        """Make a JSON web token."""
        head = _encode(json.dumps({"alg": "RS256", "typ": "JWT", "kid": self.id}).encode())
        content = f"{head}.{_encode(json.dumps(claims).encode())}"
        return f"{content}.{_encode(self.sign(content.encode()))}"

    def identity_token(self, email: str, audience: str) -> str:
        """Make a token that says who its bearer is, as Google signs them; verified by `certificate` or `jwk`."""
        now = int(time())
        claims = {"iss": GOOGLE, "aud": audience, "azp": email, "sub": email, "email": email, "email_verified": True}
        return self.token({**claims, "iat": now, "exp": now + LIFETIME_SECONDS})

    @cached_property
    def certificate(self) -> str:
        """The public half as a certificate in PEM, as Google publishes those of its tokens."""
        return self._signer.certificate(int(self.id[:16], 16) or 1)

    @cached_property
    def jwk(self) -> dict[str, str]:
        """The public half as a JSON web key."""
        encoded = {k: _encode(v.to_bytes((v.bit_length() + 7) // 8)) for k, v in self._signer.numbers.items()}
        return {"kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, **encoded}

    def access_token(self, principal: str, *, lifetime_seconds: float = LIFETIME_SECONDS) -> str:
        """Make a token for the Authorization header."""
        now = int(time())
        return self.token({"iss": ISSUER, "sub": principal, "iat": now, "exp": now + int(lifetime_seconds)})

    def read(self, token: str) -> dict[str, Any] | None:
        """Answer the claims of a token of ours; None for what is no token of ours. Raises Unauthenticated."""
        content, _, signature = token.rpartition(".")
        try:
            head = json.loads(_decode(content.partition(".")[0]))
            if head.get("kid") != self.id:
                return None
            self._check(_decode(signature), content.encode())
            claims: dict[str, Any] = json.loads(_decode(content.partition(".")[2]))
        except (ValueError, AttributeError, RecursionError):
            return None
        if float(claims.get("exp", 0)) + SKEW_SECONDS < time():
            raise Unauthenticated("The token has expired; ask for a new one.", reason="ACCESS_TOKEN_EXPIRED")
        return claims

    def _check(self, signature: bytes, content: bytes) -> None:
        if not self.verify(signature, content):
            raise Unauthenticated("The token names this server's key but is not signed with it.")


def write_private(path: Path, data: bytes) -> None:
    """Write a file that only its owner may read, complete or not at all; it is on disk when this returns."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(descriptor)
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def make(path: Path) -> None:
    """Make a key."""
    from trainshed.api.signing import make_key

    write_private(path, make_key())


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
