"""One request of the Cloud Storage JSON API: its path, its conditions, its body, its answer's addresses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trainshed.api import jsonpb
from trainshed.api.services import storage_fields
from trainshed.errors import InvalidArgument

_CONDITIONS = ("GenerationMatch", "GenerationNotMatch", "MetagenerationMatch", "MetagenerationNotMatch")
_LARGEST_PAGE = 1000
_MOST_BYTES = 8 << 20  # of a body that is no object's content
_PLAIN_HOST = re.compile(r"[A-Za-z0-9.\[\]:-]{1,255}")


@dataclass(frozen=True)
class Call:
    """A request with what its path names."""

    request: Request
    names: tuple[str, ...] = ()

    @property
    def query(self) -> Mapping[str, str]:
        """The query."""
        return self.request.query_params

    @property
    def base(self) -> str:
        """The address that the client reached us by; Google's own hosts are always reached by TLS."""
        host = self.request.headers.get("host", "")
        host = host if _PLAIN_HOST.fullmatch(host) else self.request.url.netloc
        scheme = "https" if host.partition(":")[0].endswith(".googleapis.com") else self.request.url.scheme
        return f"{scheme}://{host}"

    @property
    def generation(self) -> int | None:
        """The generation asked for."""
        return self.number("generation")

    @property
    def page_size(self) -> int:
        """How many entries are wanted."""
        size = self.number("maxResults")
        if size is not None and size < 1:
            raise InvalidArgument.field("maxResults", "is not a positive number.")
        return min(size or _LARGEST_PAGE, _LARGEST_PAGE)

    def number(self, field: str) -> int | None:
        """Read a number of the query. Raises InvalidArgument."""
        text = self.query.get(field)
        if text is None or text == "":
            return None
        if not re.fullmatch(r"-?\d{1,18}", text, re.ASCII):
            raise InvalidArgument.field(field, f"{text!r} is not a number.")
        return int(text)

    def flag(self, field: str) -> bool:
        """Read a boolean of the query."""
        return self.query.get(field, "").lower() == "true"

    async def body(self) -> dict[str, Any]:
        """Read the JSON object that the request carries; an empty body is {}. Raises InvalidArgument."""
        return jsonpb.read_texts(await read_all(self.request))

    def answer(self, document: dict[str, Any]) -> Response:
        """Answer a document, or what the query's `fields` keeps of it. Raises InvalidArgument."""
        return JSONResponse(storage_fields.select(document, self.query.get("fields", "")))

    def conditions(self, prefix: str = "if") -> dict[str, int | None]:
        """Read the preconditions of the query; prefix `ifSource` for those of a copy's source."""
        found = {name: self.number(prefix + name) for name in _CONDITIONS}
        return {"if" + re.sub(r"([A-Z])", r"_\1", n).lower(): v for n, v in found.items() if v is not None}

    def metageneration(self) -> dict[str, int | None]:
        """Read those preconditions that buckets have."""
        return {name: value for name, value in self.conditions().items() if "metageneration" in name}


async def read_all(request: Request, limit: int = _MOST_BYTES) -> bytes:
    """Read a body that is no object's content. Raises InvalidArgument when it is too large."""
    gathered = bytearray()
    async for data in request.stream():
        gathered += data
        if len(gathered) > limit:
            raise InvalidArgument.field("body", f"is larger than {limit} bytes.", reason="BODY_TOO_LARGE")
    return bytes(gathered)


def segments(request: Request, prefix: str) -> tuple[str, ...]:
    """Split the path below `prefix`, each segment unescaped by itself, so that names may hold slashes."""
    raw: bytes = request.scope.get("raw_path") or request.url.path.encode()
    text = raw.partition(b"?")[0].decode("ascii", "replace").removeprefix(prefix)
    try:
        return tuple(unquote(part, errors="strict") for part in text.split("/"))
    except UnicodeDecodeError as error:
        raise InvalidArgument.field("path", "is not valid UTF-8 after unescaping.") from error


def range_of(header: str, size: int) -> tuple[int, int] | None:
    """Read `Range: bytes=…` as [start, end); None for what is no range. Raises ValueError when none of it is there.

    Several ranges at once are refused, as Cloud Storage does not serve them: InvalidArgument.
    """
    if re.fullmatch(r"bytes=[\d\s-]*(,[\d\s-]*)+", header.strip(), re.ASCII):
        raise InvalidArgument.field("Range", "ask for one range at a time.", reason="InvalidRange")
    match = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip(), re.ASCII)
    if match is None or not (match[1] or match[2]):
        return None
    if not match[1]:
        start, end = max(0, size - int(match[2])), size
    else:
        start, end = int(match[1]), min(size, int(match[2]) + 1 if match[2] else size)
    if start >= end:
        raise ValueError(header)
    return start, end


def content_range(header: str) -> tuple[int | None, int | None]:
    """Read `Content-Range: bytes FIRST-LAST/TOTAL`, `*` for unknown; answer (first, total). Raises InvalidArgument."""
    match = re.fullmatch(r"bytes\s+(?:(\d+)-(\d+)|\*)/(?:(\d+)|\*)", header.strip(), re.ASCII)
    if match is None:
        raise InvalidArgument.field("Content-Range", f"{header!r} is not of the form 'bytes FIRST-LAST/TOTAL'.")
    return (None if match[1] is None else int(match[1])), (None if match[3] is None else int(match[3]))


def promised_hashes(header: str) -> dict[str, str]:
    """Read `X-Goog-Hash: crc32c=…,md5=…`."""
    pairs = (part.strip().partition("=") for part in header.split(",") if part.strip())
    return {name: value for name, _, value in pairs if name in {"crc32c", "md5"}}


def as_object(document: Any, field: str) -> Mapping[str, Any]:
    """Answer a JSON object of a body; absent is {}. Raises InvalidArgument."""
    if document is not None and not isinstance(document, Mapping):
        raise InvalidArgument.field(field, "is not a JSON object.")
    return document or {}
