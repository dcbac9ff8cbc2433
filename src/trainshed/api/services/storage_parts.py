"""Uploads in parts of the XML API: opened, filled in any order, completed or given up."""

from dataclasses import replace

from starlette.responses import Response

from trainshed.api.services import storage_xml_text
from trainshed.api.services.storage_request import promised_hashes, read_all
from trainshed.api.services.storage_upload import gathered, receive
from trainshed.api.services.storage_xml_request import Handler, XmlCall, xml
from trainshed.blobs import Object, check_object
from trainshed.buckets import Service
from trainshed.buckets.parts import PartedUpload, join, part_number
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, Unimplemented

_GONE = 204


def handler(service: Service, call: XmlCall) -> Handler:
    """Answer what serves a request that names `uploads` or an `uploadId`. Raises Unimplemented."""
    return _Parts(service).handler(call)


class _Parts:
    """The requests that name `uploads` or an `uploadId`."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handler(self, call: XmlCall) -> Handler:
        """Answer what serves a request. Raises Unimplemented."""
        handlers = {
            ("POST", False): self.begin,
            ("POST", True): self.complete,
            ("PUT", True): self.take,
            ("GET", True): self.listing,
            ("DELETE", True): self.abort,
        }
        found = handlers.get((call.request.method, "uploadId" in call.query))
        if found is None:
            raise Unimplemented(f"An upload in parts has no {call.request.method}.")
        return found

    async def begin(self, call: XmlCall) -> Response:
        await read_all(call.request)
        check_object(call.name)
        await off_loop(self._service.get_bucket, call.bucket)
        wanted = replace(call.wanted(), crc32c="", md5="")  # a hash here would be of nothing
        return xml(storage_xml_text.initiated(self._service.parted.begin(wanted)))

    async def take(self, call: XmlCall) -> Response:
        upload = self._upload(call)
        number = part_number(call.query.get("partNumber", ""))
        staged = self._service.blobs.stage(call.bucket)
        await receive(gathered(call.request), staged)
        hashes = promised_hashes(call.request.headers.get("x-goog-hash", ""))
        hashes.setdefault("md5", call.request.headers.get("content-md5", ""))
        found = {"crc32c": staged.checksums.crc32c, "md5": staged.checksums.md5}
        wrong = [name for name, value in hashes.items() if value and value != found[name]]
        if wrong:
            staged.discard()
            raise InvalidArgument.field(
                wrong[0], "is not that of what arrived: send the part again.", reason="BadDigest"
            )
        part = await off_loop(upload.take, number, staged, self._service.clock.now())
        tags = {"ETag": f'"{part.etag}"', "X-Goog-Hash": f"crc32c={found['crc32c']},md5={found['md5']}"}
        return Response(headers=tags)

    async def complete(self, call: XmlCall) -> Response:
        upload = self._upload(call)
        listed = storage_xml_text.read_parts(await read_all(call.request))
        promised = promised_hashes(call.request.headers.get("x-goog-hash", ""))
        made, tag = await off_loop(self._complete, upload, listed, promised)
        return xml(storage_xml_text.completed(made, tag, f"{call.base}{call.request.url.path}"))

    def _complete(
        self, upload: PartedUpload, listed: list[tuple[int, str]], promised: dict[str, str]
    ) -> tuple[Object, str]:
        chosen = upload.chosen(listed)
        with self._service.blobs.stage(upload.wanted.bucket) as staged:
            tag = join(chosen, staged)
        wanted = replace(upload.wanted, crc32c=promised.get("crc32c", ""), md5=promised.get("md5", ""))
        made = self._service.put(staged, wanted)
        self._service.parted.end(upload)
        return made, tag

    async def listing(self, call: XmlCall) -> Response:
        return xml(storage_xml_text.parts(self._upload(call)))

    async def abort(self, call: XmlCall) -> Response:
        await off_loop(self._service.parted.end, self._upload(call))
        return Response(status_code=_GONE)

    def _upload(self, call: XmlCall) -> PartedUpload:
        return self._service.parted.get(call.query.get("uploadId", ""), bucket=call.bucket, name=call.name)
