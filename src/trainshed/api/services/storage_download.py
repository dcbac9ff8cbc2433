"""Downloads: whole or in part, with the checksums that clients verify; what was stored packed, unpacked for who asks so."""

import zlib
from collections.abc import AsyncIterator
from email.utils import format_datetime
from typing import BinaryIO
from urllib.parse import quote

from starlette.responses import Response, StreamingResponse

from trainshed.api.services.storage_request import Call, range_of
from trainshed.blobs import CHUNK, Checksums, Object
from trainshed.buckets import Service
from trainshed.buckets.properties import STANDARD, tag
from trainshed.duty import off_loop
from trainshed.errors import PreconditionFailed, Unavailable

_PARTIAL = 206
_NOT_MODIFIED = 304
_NOT_SATISFIABLE = 416
_GZIP_MAGIC = b"\x1f\x8b"
_GZIP_WINDOW = 31  # zlib's largest window, with a gzip head


async def find(service: Service, call: Call) -> Object | Response:
    """Read the object that the request names, or answer 304 when a not-match condition says so."""
    bucket, name = call.names
    try:
        return await off_loop(
            service.get, bucket, name, call.generation, soft_deleted=call.flag("softDeleted"), **call.conditions()
        )
    except PreconditionFailed as error:
        if error.metadata.get("condition", "").endswith("NotMatch"):
            return Response(status_code=_NOT_MODIFIED)
        raise


async def download(service: Service, call: Call) -> Response:
    """Serve an object's content, or the range that is asked for."""
    obj = await find(service, call)
    return obj if isinstance(obj, Response) else await send(service, call, obj, headers_of(obj))


async def send(service: Service, call: Call, obj: Object, headers: dict[str, str]) -> Response:
    """Serve the content of an object under these headers; to HEAD, the headers alone."""
    asked = call.request.headers
    if asked.get("if-none-match", "") in {headers["ETag"], "*"}:
        return Response(status_code=_NOT_MODIFIED, headers={"ETag": headers["ETag"]})
    if asked.get("if-match", headers["ETag"]) not in {headers["ETag"], "*"}:
        raise PreconditionFailed(f"The object's tag is {headers['ETag']}, not what If-Match names.")
    is_head = call.request.method == "HEAD"
    if _is_to_be_unpacked(obj, asked.get("accept-encoding", "")):
        headers = {name: value for name, value in headers.items() if name not in {"Content-Encoding", "Accept-Ranges"}}
        headers |= {"Warning": "214 UploadServer gunzipped", "Vary": "Accept-Encoding"}
        content = _empty() if is_head else _unpacked(await off_loop(service.open, obj), obj)
        return StreamingResponse(content, headers=headers)
    try:
        part = range_of(asked.get("range", ""), obj.size)
    except ValueError:
        return Response(status_code=_NOT_SATISFIABLE, headers={"Content-Range": f"bytes */{obj.size}"})
    start, end = part or (0, obj.size)
    headers["Content-Length"] = str(end - start)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{obj.size}"
    status = 200 if part is None else _PARTIAL
    if is_head:
        return StreamingResponse(_empty(), status, headers=headers)
    file = await off_loop(service.open, obj)
    content = _whole(file, obj) if part is None else _part(file, start, end)
    return StreamingResponse(content, status, headers=headers)


def headers_of(obj: Object) -> dict[str, str]:
    """Answer the headers of an object's content."""
    hashes = f"crc32c={obj.crc32c}" + (f",md5={obj.md5}" if obj.md5 else "")
    headers = {
        "Content-Type": obj.content_type,
        "ETag": tag(obj.generation, obj.metageneration),
        "Last-Modified": format_datetime(obj.create_time, usegmt=True),
        "Accept-Ranges": "bytes",
        "X-Goog-Generation": str(obj.generation),
        "X-Goog-Metageneration": str(obj.metageneration),
        "X-Goog-Hash": hashes,
        "X-Goog-Storage-Class": str(obj.properties.get("storageClass", STANDARD)),
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
    return {name: plain(value) for name, value in headers.items()}


def plain(value: str) -> str:
    """Answer what a header can hold: no control characters, Latin-1, nothing blank around it."""
    text = "".join(c if c.isprintable() else " " for c in value).strip()
    return text if text.isascii() else quote(text, safe=" ;=\"'/,:")


def _is_to_be_unpacked(obj: Object, accepted: str) -> bool:
    """Whether content stored with gzip goes to somebody who does not take it so (decompressive transcoding)."""
    is_packed = obj.properties.get("contentEncoding") == "gzip"
    is_fixed = "no-transform" in str(obj.properties.get("cacheControl", ""))
    return is_packed and not is_fixed and "gzip" not in accepted.lower()


async def _empty() -> AsyncIterator[bytes]:
    return
    yield b""


async def _whole(file: BinaryIO, obj: Object) -> AsyncIterator[bytes]:
    """Pass the content on, its last piece only once the checksum is right: damaged bytes are never a whole answer."""
    checksums = Checksums(with_md5=False)
    with file:
        data = await off_loop(file.read, CHUNK)
        while data:
            following = await off_loop(_read_on, file, checksums, data)
            if not following and checksums.crc32c != obj.crc32c:
                raise Unavailable(f"The file of {obj.uri} is damaged: its checksum is not the one stored with it.")
            yield data
            data = following


def _read_on(file: BinaryIO, checksums: Checksums, data: bytes) -> bytes:
    checksums.update(data)
    return file.read(CHUNK)


async def _unpacked(file: BinaryIO, obj: Object) -> AsyncIterator[bytes]:
    """Unpack, however many members there are; what is not packed, although it says so, goes out as it is."""
    content = _whole(file, obj)
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    is_first = True
    async for data in content:
        if is_first and not data.startswith(_GZIP_MAGIC):
            yield data
            async for more in content:
                yield more
            return
        is_first = False
        left = data
        while left:
            made, left, unpacker = await off_loop(_unpack, unpacker, left, obj)
            if made:
                yield made
    if rest := unpacker.flush():
        yield rest


def _unpack(unpacker: "zlib._Decompress", data: bytes, obj: Object) -> tuple[bytes, bytes, "zlib._Decompress"]:
    """Unpack at most a piece's worth, so that a small object cannot fill the memory."""
    try:
        made = unpacker.decompress(data, CHUNK)
    except zlib.error as error:
        raise Unavailable(f"The content of {obj.uri} says that it is packed with gzip, but is not.") from error
    if unpacker.eof:
        return made, unpacker.unused_data, zlib.decompressobj(_GZIP_WINDOW)
    return made, unpacker.unconsumed_tail, unpacker


async def _part(file: BinaryIO, start: int, end: int) -> AsyncIterator[bytes]:
    with file:
        await off_loop(file.seek, start)
        left = end - start
        while left and (data := await off_loop(file.read, min(left, CHUNK))):
            left -= len(data)
            yield data
