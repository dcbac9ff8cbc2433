"""Signed addresses: who was given one may do what it says until it expires, and nothing else.

Version 4 (`X-Goog-Signature`) and version 2 (`Signature`), as Google's client libraries make them with the key of a
service account. Reading and comparing is pure; `verify` tells whether a signature is one of this server's key.
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, quote, unquote, urlencode

from trainshed.clock import rfc3339
from trainshed.errors import InvalidArgument, PermissionDenied, Unimplemented

Verify = Callable[[bytes, bytes], bool]  # signature, signed bytes

_ALGORITHM = "GOOG4-RSA-SHA256"
_V4 = ("X-Goog-Algorithm", "X-Goog-Credential", "X-Goog-Date", "X-Goog-Expires", "X-Goog-SignedHeaders")
_V2 = ("GoogleAccessId", "Expires", "Signature")
_WRITTEN = {name.lower(): name for name in (*_V4, "X-Goog-Signature")}
_CLAIMS = {"x-goog-signature", "x-goog-algorithm", "x-amz-signature", "x-amz-algorithm", "signature"}
_LONGEST = timedelta(days=7)
_SKEW = timedelta(minutes=15)
_UNSIGNED = "UNSIGNED-PAYLOAD"
_SCOPE = re.compile(r"(?P<email>[^/]+)/(?P<date>\d{8})/(?P<place>[^/]+)/storage/goog4_request")
_V4_OUTSIDE = {"x-goog-encryption-key", "x-goog-encryption-key-sha256", "x-goog-api-client"}
_V2_OUTSIDE = {"generation", "response-content-type", "response-content-disposition"}


@dataclass(frozen=True, kw_only=True)
class Signed:
    """What of a request is under a signature."""

    method: str
    path: str  # as it was sent, escaped
    query: str  # likewise
    headers: Mapping[str, Sequence[str]]  # by lower-case name
    bucket: str = ""  # of a host that names one

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Answer the query unescaped, in the order sent."""
        parts = (part.partition("=") for part in self.query.split("&") if part)
        return [(unquote(name), unquote(value)) for name, _, value in parts]

    @property
    def parameters(self) -> dict[str, str]:
        """Answer the query by name; gsutil writes those of a signature small."""
        return {_WRITTEN.get(name.lower(), name): value for name, value in self.pairs}


def is_signed(query: str) -> bool:
    """Whether a query claims to hold a signature."""
    return bool(set(re.findall(r"(?:^|&)([^=&]+)", query.lower())) & _CLAIMS)


def check(request: Signed, verify: Verify | None, now: datetime) -> None:
    """Raise PermissionDenied or InvalidArgument unless the signature of a request holds and has not expired."""
    given = request.parameters
    if any(name.lower().startswith("x-amz-") for name in given):
        raise Unimplemented("Signatures with HMAC keys are not served here; sign with a service account's key.")
    if "X-Goog-Signature" in given or "X-Goog-Algorithm" in given:
        signature, candidates = _version_4(request, given, now)
    else:
        signature, candidates = _version_2(request, given, now)
    if verify is None or not any(verify(signature, text.encode()) for text in candidates):
        raise PermissionDenied(
            "The signature is not that of this request with a key of this server: sign the same method, path, query "
            "and headers, with the service account that GOOGLE_APPLICATION_CREDENTIALS names under `trainshed exec`.",
            reason="SignatureDoesNotMatch",
        )


def _version_4(request: Signed, given: Mapping[str, str], now: datetime) -> tuple[bytes, Iterator[str]]:
    missing = [name for name in (*_V4, "X-Goog-Signature") if not given.get(name)]
    if missing:
        raise InvalidArgument.field(missing[0], "is missing from a signed address.")
    if given["X-Goog-Algorithm"] != _ALGORITHM:
        raise InvalidArgument.field("X-Goog-Algorithm", f"is not {_ALGORITHM}.")
    scope = _SCOPE.fullmatch(given["X-Goog-Credential"])
    if scope is None or not given["X-Goog-Date"].startswith(scope["date"]):
        raise InvalidArgument.field("X-Goog-Credential", "is not EMAIL/DATE/auto/storage/goog4_request.")
    _check_times(given["X-Goog-Date"], given["X-Goog-Expires"], now)
    names = given["X-Goog-SignedHeaders"].split(";")
    if "host" not in names:
        raise InvalidArgument.field("X-Goog-SignedHeaders", "host has to be signed.")
    unsigned = sorted(n for n in request.headers if n.startswith("x-goog-") and n not in {*names, *_V4_OUTSIDE})
    if unsigned:
        raise PermissionDenied(f"{unsigned[0]}: is sent but not signed.", reason="SignatureDoesNotMatch")
    scope_text = given["X-Goog-Credential"].partition("/")[2]
    return _unhex(given["X-Goog-Signature"]), _texts_4(request, names, given["X-Goog-Date"], scope_text)


def _texts_4(request: Signed, names: Sequence[str], when: str, scope: str) -> Iterator[str]:
    """Answer what may have been signed: the path as it was sent, and as the libraries escape it."""
    pairs = [pair for pair in request.pairs if pair[0].lower() != "x-goog-signature"]
    query = "&".join(sorted(f"{quote(name, safe='~')}={quote(value, safe='~')}" for name, value in pairs))
    lines = [f"{name}:{','.join(' '.join(v.split()) for v in request.headers.get(name, ()))}" for name in names]
    payload = ",".join(request.headers.get("x-goog-content-sha256", ())) or _UNSIGNED
    for path in dict.fromkeys((request.path, quote(unquote(request.path), safe="/~"))):
        canonical = "\n".join([request.method, path, query, *lines, "", ";".join(names), payload])
        digest = hashlib.sha256(canonical.encode()).hexdigest()
        yield f"{_ALGORITHM}\n{when}\n{scope}\n{digest}"


def _check_times(date: str, expires: str, now: datetime) -> None:
    try:
        start = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
        lifetime = timedelta(seconds=int(expires))
    except (ValueError, OverflowError) as error:
        raise InvalidArgument.field(
            "X-Goog-Expires", "X-Goog-Date is a time like 20260101T000000Z and X-Goog-Expires a number of seconds."
        ) from error  # fmt: skip
    if not timedelta(0) <= lifetime <= _LONGEST:
        raise InvalidArgument.field("X-Goog-Expires", "is not within seven days.")
    if start > now + _SKEW:
        raise PermissionDenied("The address is signed for a time to come.", reason="RequestNotYetValid")
    if now > start + lifetime:
        raise _expired(start + lifetime)


def _version_2(request: Signed, given: Mapping[str, str], now: datetime) -> tuple[bytes, Iterator[str]]:
    missing = [name for name in _V2 if not given.get(name)]
    if missing:
        raise InvalidArgument.field(missing[0], "is missing from a signed address.")
    try:
        until = datetime.fromtimestamp(int(given["Expires"]), UTC)
        signature = base64.b64decode(given["Signature"], validate=True)
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidArgument.field("Expires", "or Signature is not readable.") from error
    if now > until:
        raise _expired(until)
    return signature, _texts_2(request, given["Expires"])


def _texts_2(request: Signed, expires: str) -> Iterator[str]:
    """Answer what may have been signed: with the query's other parameters, which are signed in one library or not at all."""
    first = ["content-md5", "content-type"]
    head = [request.method, *(",".join(request.headers.get(name, ())) for name in first), expires]
    extension = [
        f"{name}:{','.join(' '.join(v.split()) for v in values)}"
        for name, values in sorted(request.headers.items())
        if name.startswith("x-goog-") and name not in {"x-goog-encryption-key", "x-goog-encryption-key-sha256"}
    ]
    form = parse_qsl(request.query, keep_blank_values=True)
    others = sorted((n.lower(), v.strip()) for n, v in form if n not in {*_V2, *_V2_OUTSIDE})
    query = f"?{urlencode(others)}" if others else ""
    names = "?" + "&".join(name for name, _ in others) if others else ""
    resources = [request.path, f"/{request.bucket}{request.path}"] if request.bucket else [request.path]
    for resource in resources:
        for tail in (query, names):
            yield "\n".join([*head, *extension, resource + tail])


def _unhex(text: str) -> bytes:
    try:
        return binascii.unhexlify(text)
    except ValueError as error:
        raise InvalidArgument.field("X-Goog-Signature", "is not hexadecimal.") from error


def _expired(when: datetime) -> InvalidArgument:
    return InvalidArgument(f"The signed address expired at {rfc3339(when)}; sign a new one.", reason="ExpiredToken")
