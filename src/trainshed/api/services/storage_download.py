"""Downloads of the Cloud Storage JSON API: whole or in part, with the checksums that clients verify."""

from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from trainshed.api.services.storage_request import Call, range_of
from trainshed.blobs import CHUNK, Checksums, Object
from trainshed.buckets import Service
from trainshed.buckets.resource import etag
from trainshed.duty import off_loop
from trainshed.errors import PreconditionFailed, Unavailable

_PARTIAL = 206
_NOT_MODIFIED = 304
_NOT_SATISFIABLE = 416


async def find(service: Service, call: Call) -> Object | Response:
    """Read the object that the request names, or answer 304 when a not-match condition says so."""
    bucket, name = call.names
    try:
        return await off_loop(service.get, bucket, name, call.generation, **call.conditions())
    except PreconditionFailed as error:
        if error.metadata.get("condition", "").endswith("NotMatch"):
            return Response(status_code=_NOT_MODIFIED)
        raise


async def download(service: Service, call: Call) -> Response:
    """Serve an object's content, or the range that is asked for."""
    obj = await find(service, call)
    if isinstance(obj, Response):
        return obj
    headers = _headers(obj)
    try:
        part = range_of(call.request.headers.get("range", ""), obj.size)
    except ValueError:
        return Response(status_code=_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{obj.size}"})
    file = await off_loop(service.open, obj)
    if part is None:
        headers["Content-Length"] = str(obj.size)
        return StreamingResponse(_whole(file, obj), headers=headers)
    start, end = part
    headers |= {"Content-Length": str(end - start), "Content-Range": f"bytes {start}-{end - 1}/{obj.size}"}
    return StreamingResponse(_part(file, start, end), _PARTIAL, headers=headers)


def _headers(obj: Object) -> dict[str, str]:
    hashes = f"crc32c={obj.crc32c}" + (f",md5={obj.md5}" if obj.md5 else "")
    headers = {
        "Content-Type": obj.content_type,
        "ETag": etag(obj.generation, obj.metageneration),
        "Last-Modified": format_datetime(obj.create_time, usegmt=True),
        "Accept-Ranges": "bytes",
        "X-Goog-Generation": str(obj.generation),
        "X-Goog-Metageneration": str(obj.metageneration),
        "X-Goog-Hash": hashes,
        "X-Goog-Storage-Class": "STANDARD",
        "X-Goog-Stored-Content-Length": str(obj.size),
        "X-Goog-Stored-Content-Encoding": str(obj.properties.get("contentEncoding", "identity")),
    }
    for field, header in (
        ("contentEncoding", "Content-Encoding"),
        ("contentDisposition", "Content-Disposition"),
        ("cacheControl", "Cache-Control"),
        ("contentLanguage", "Content-Language"),
    ):
        if obj.properties.get(field):
            headers[header] = str(obj.properties[field])
    return {name: _plain(value) for name, value in headers.items()}


def _plain(value: str) -> str:
    """Answer what a header can hold: no control characters, Latin-1."""
    text = "".join(c if c.isprintable() else " " for c in value)
    return text if text.isascii() else quote(text, safe=" ;=\"'/,:")


async def _whole(file: BinaryIO, obj: Object) -> AsyncIterator[bytes]:
    """Pass the content on, its last piece only once the checksum is right: damaged bytes are never a whole answer."""
    checksums = Checksums()
    with file:
        data = await off_loop(file.read, CHUNK)
        while data:
            following = await off_loop(file.read, CHUNK)
            await off_loop(checksums.update, data)
            if not following and checksums.crc32c != obj.crc32c:
                raise Unavailable(f"The file of {obj.uri} is damaged: its checksum is not the one stored with it.")
            yield data
            data = following


async def _part(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with file:
        await off_loop(file.seek, start)
        left = end - start
        while left and (data := await off_loop(file.read, min(left, CHUNK))):
            left -= len(data)
            yield data
