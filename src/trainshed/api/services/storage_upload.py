"""Uploads of the Cloud Storage JSON API: simple, multipart and resumable."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from trainshed.api import own
from trainshed.api.services.multipart import Related
from trainshed.api.services.storage_request import Call, content_range, promised_hashes
from trainshed.blobs import CHUNK, Object, Staged
from trainshed.buckets import Service, Session, Wanted
from trainshed.buckets.resource import object_json, wanted
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument

_INCOMPLETE = 308
_CANCELLED = 499


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
        return await _continue(service, call, service.uploads.get(upload_id))
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
    await _receive(call.request, staged)
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
    document = await own.body(call.request)
    session = await off_loop(service.begin_upload, _asked(call, document, headers.get("x-upload-content-type", "")))
    place = f"{call.base}/upload/storage/v1/b/{call.names[0]}/o?uploadType=resumable&upload_id={session.upload_id}"
    return _Spelled(headers={"Location": place, "X-GUploader-UploadID": session.upload_id})


async def _continue(service: Service, call: Call, session: Session) -> Response:
    if call.request.method == "DELETE":
        await off_loop(service.uploads.cancel, session.upload_id)
        return Response(status_code=_CANCELLED)
    header = call.request.headers.get("content-range", "")
    start, total = content_range(header) if header else (0, None)
    if session.done is not None:
        return _answer(call, session.done)
    if start is not None:
        await _append(call.request, session, start)
    if header and (total is None or session.received < total):
        return _incomplete(session)
    if total is not None and session.received > total:
        raise InvalidArgument.field("Content-Range", f"{session.received} bytes have arrived, more than {total}.")
    promised = promised_hashes(call.request.headers.get("x-goog-hash", ""))
    return _answer(call, await off_loop(service.finish_upload, session, **promised))


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


async def _receive(request: Request, staged: Staged) -> None:
    try:
        async for data in _chunks(request):
            await off_loop(staged.write, data)
    except BaseException:
        staged.discard()
        raise


async def _chunks(request: Request) -> AsyncIterator[bytes]:
    """Gather the body into pieces worth a change of thread."""
    gathered = bytearray()
    async for data in request.stream():
        gathered += data
        if len(gathered) >= CHUNK:
            yield bytes(gathered)
            gathered.clear()
    if gathered:
        yield bytes(gathered)


def _asked(call: Call, document: dict[str, Any], content_type: str) -> Wanted:
    hashes = promised_hashes(call.request.headers.get("x-goog-hash", ""))
    promised = {"crc32c": hashes.get("crc32c"), "md5Hash": hashes.get("md5")}
    document = {k: v for k, v in promised.items() if v} | document
    return wanted(
        call.names[0], document, call.conditions(), name=call.query.get("name", ""), content_type=content_type
    )


def _answer(call: Call, obj: Object) -> Response:
    return JSONResponse(object_json(obj, call.base))
