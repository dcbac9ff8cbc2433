"""Uploads of the Cloud Storage JSON API: simple, multipart and resumable."""

import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from trainshed.api.services.multipart import Related
from trainshed.api.services.storage_request import Call, content_range, promised_hashes
from trainshed.blobs import CHUNK, Object, Staged
from trainshed.buckets import Service, Session, Wanted
from trainshed.buckets.resource import object_json, wanted
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound

_INCOMPLETE = 308
_CANCELLED = 499
_DIGITS = 16  # more bytes than any disk has
_GZIP_WINDOW = 31  # zlib's largest window, with a gzip head


class _Spelled(Response):
    """A response whose headers are written as they are given: TensorFlow tells their names apart by case."""

    def init_headers(self, headers: Mapping[str, str] | None = None) -> None:
        """Write them; what Starlette adds stays as it is."""
        super().init_headers(headers)
        spelled = {name.lower().encode(): name.encode() for name in headers or ()}
        self.raw_headers = [(spelled.get(name, name), value) for name, value in self.raw_headers]


async def upload(service: Service, call: Call) -> Response:
    """Serve everything below /upload: begin, continue, ask about, cancel."""
    if upload_id := call.query.get("upload_id"):
        session = service.uploads.get(upload_id)
        if session.wanted.bucket != call.names[0]:
            raise NotFound("The upload belongs to another bucket.")
        return await go_on(service, call, session, lambda obj: _answer(call, obj))
    kind = call.query.get("uploadType", "")
    if kind == "multipart":
        return await _multipart(service, call)
    if kind == "resumable":
        return await _begin(service, call)
    if kind == "media":
        return await _simple(service, call)
    raise InvalidArgument.field("uploadType", f"{kind!r} is none of media, multipart and resumable.")


async def _simple(service: Service, call: Call) -> Response:
    content_type = call.request.headers.get("content-type", "")
    asked = _asked(call, {}, content_type)
    await off_loop(service.get_bucket, asked.bucket)
    staged = service.blobs.stage(asked.bucket)
    await receive(_chunks(call.request), staged)
    return _answer(call, await off_loop(service.put, staged, asked))


async def _multipart(service: Service, call: Call) -> Response:
    parts = Related(call.request.headers.get("content-type", ""))
    await off_loop(service.get_bucket, call.names[0])
    staged = service.blobs.stage(call.names[0])
    try:
        async for data in _chunks(call.request):
            for piece in parts.feed(data):
                await off_loop(staged.write, piece)
        parts.finish()
        asked = _asked(call, parts.document, parts.content_type)
    except BaseException:
        staged.discard()
        raise
    return _answer(call, await off_loop(service.put, staged, asked))


async def _begin(service: Service, call: Call) -> Response:
    headers = call.request.headers
    document = await call.body()
    asked = _asked(call, document, headers.get("x-upload-content-type", ""))
    session = await off_loop(service.begin_upload, asked, size=_length(headers.get("x-upload-content-length", "")))
    place = f"{call.base}/upload/storage/v1/b/{call.names[0]}/o?uploadType=resumable&upload_id={session.upload_id}"
    return begun(session, place)


def begun(session: Session, place: str, status: int = 200) -> Response:
    """Answer that a resumable upload was opened."""
    return _Spelled(status_code=status, headers={"Location": place, "X-GUploader-UploadID": session.upload_id})


async def go_on(service: Service, call: Call, session: Session, answer: Callable[[Object], Response]) -> Response:
    """Take more of a resumable upload, say how much is there, or give it up."""
    if call.request.method == "DELETE":
        await off_loop(service.uploads.cancel, session.upload_id)
        return Response(status_code=_CANCELLED)
    header = call.request.headers.get("content-range", "")
    start, total = content_range(header) if header else (0, None)
    if session.done is not None:
        return answer(session.done)
    if start is not None:
        await _append(call.request, session, start)
    if header and (total is None or session.received < total):
        return _incomplete(session)
    if total is not None and session.received > total:
        raise InvalidArgument.field("Content-Range", f"{session.received} bytes have arrived, more than {total}.")
    promised = promised_hashes(call.request.headers.get("x-goog-hash", ""))
    return answer(await off_loop(service.finish_upload, session, **promised))


def _incomplete(session: Session) -> Response:
    headers = {"X-GUploader-UploadID": session.upload_id}
    if session.received:
        headers["Range"] = f"bytes=0-{session.received - 1}"
    return _Spelled(status_code=_INCOMPLETE, headers=headers)


async def _append(request: Request, session: Session, start: int) -> None:
    offset = start
    async for data in _chunks(request):
        await off_loop(session.write, offset, data)
        offset += len(data)


async def receive(pieces: AsyncIterator[bytes], staged: Staged) -> None:
    """Write a body to a staged file; nothing is left of it when the body breaks off."""
    try:
        async for data in pieces:
            await off_loop(staged.write, data)
    except BaseException:
        staged.discard()
        raise


async def gathered(request: Request) -> AsyncIterator[bytes]:
    """Gather the body into pieces worth a change of thread."""
    piece = bytearray()
    async for data in request.stream():
        piece += data
        if len(piece) >= CHUNK:
            yield bytes(piece)
            piece.clear()
    if piece:
        yield bytes(piece)


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Answer the pieces of a body, unpacked where it was packed for its way (`gsutil cp -J`)."""
    if request.headers.get("content-encoding", "").lower() != "gzip":
        async for data in gathered(request):
            yield data
        return
    unpacker = zlib.decompressobj(_GZIP_WINDOW)
    async for data in gathered(request):
        left = data
        while left and not unpacker.eof:
            try:
                made = await off_loop(unpacker.decompress, left, CHUNK)
            except zlib.error as error:
                raise InvalidArgument.field("body", "is not packed with gzip, as Content-Encoding says.") from error
            left = unpacker.unconsumed_tail
            yield made
    if not unpacker.eof:
        raise InvalidArgument.field("body", "ends before what is packed in it.")
    yield unpacker.flush()


def _asked(call: Call, document: dict[str, Any], content_type: str) -> Wanted:
    hashes = promised_hashes(call.request.headers.get("x-goog-hash", ""))
    promised = {"crc32c": hashes.get("crc32c"), "md5Hash": hashes.get("md5")}
    given = {**promised, "contentEncoding": call.query.get("contentEncoding")}
    document = {k: v for k, v in given.items() if v} | document
    return wanted(
        call.names[0], document, call.conditions(), name=call.query.get("name", ""), content_type=content_type
    )


def _answer(call: Call, obj: Object) -> Response:
    return call.answer(object_json(obj, call.base))


def _length(text: str) -> int | None:
    if text and not (text.isascii() and text.isdigit() and len(text) < _DIGITS):
        raise InvalidArgument.field("X-Upload-Content-Length", f"{text!r} is not a number of bytes.")
    return int(text) if text else None
