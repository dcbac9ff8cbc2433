"""Cloud Storage's XML API: objects by their plain address, which is how TensorFlow, build logs and signed addresses are.

Served on `storage.googleapis.com/BUCKET/OBJECT` and `BUCKET.storage.googleapis.com/OBJECT`. On this server's own address
only what cannot be anything else is: uploads in parts and signed requests, which clients send to the endpoint they know.
"""

import re
from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Host, Match, Route, Router
from starlette.types import Scope

from trainshed import names
from trainshed.api.services import storage_parts, storage_signed, storage_xml_text
from trainshed.api.services.storage_download import find, headers_of, plain, send
from trainshed.api.services.storage_request import read_all, segments
from trainshed.api.services.storage_signed import Signed, Verify
from trainshed.api.services.storage_upload import begun, gathered, go_on, receive
from trainshed.api.services.storage_xml_request import Handler, XmlCall, xml
from trainshed.blobs import Object
from trainshed.buckets import Service, Source, properties
from trainshed.clock import SystemClock
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, TrainshedError, Unimplemented

_METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"]
_HOSTS = ("storage.googleapis.com", "storage.mtls.googleapis.com", "commondatastorage.googleapis.com")
_NOT_SERVED = frozenset(
    (
        "acl",
        "billing",
        "compose",
        "cors",
        "defaultObjectAcl",
        "encryption",
        "lifecycle",
        "logging",
        "policy",
        "retention",
        "storageClass",
        "tagging",
        "website",
    )
)
_CREATED, _GONE = 201, 204
_BY_QUERY = re.compile(
    rb"(?:^|&)(?:uploads|uploadId|upload_id|X-Goog-Signature|GoogleAccessId)(?:[=&]|$)", re.IGNORECASE
)
_LARGEST_PAGE = 1000


def routes(service: Service, verify: Verify | None) -> list[BaseRoute]:
    """Serve the hosts of the XML API, and on every host what its query shows to be of it."""
    xml = _Xml(service, verify)
    everything = Router([Route("/{rest:path}", xml.by_path, methods=_METHODS)])
    by_host = Router([Route("/{rest:path}", xml.by_host, methods=_METHODS)])
    hosts: list[BaseRoute] = [Host(host, everything) for host in _HOSTS]
    return [
        *hosts,
        Host("{bucket}.storage.googleapis.com", by_host),
        _ByQuery("/{rest:path}", xml.by_path, methods=_METHODS),
    ]


class _ByQuery(Route):
    """Matches requests whose query is one of the XML API and whose path has a bucket and an object."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Answer whether this route serves a request."""
        if scope["type"] == "http" and _BY_QUERY.search(scope["query_string"]) and scope["path"].count("/") > 1:
            return super().matches(scope)
        return Match.NONE, {}


class _Xml:
    def __init__(self, service: Service, verify: Verify | None) -> None:
        self._service = service
        self._verify = verify

    async def by_path(self, request: Request) -> Response:
        bucket, *name = segments(request, "/")
        return await self._answer(XmlCall(request, (bucket, "/".join(name))))

    async def by_host(self, request: Request) -> Response:
        name = "/".join(segments(request, "/"))
        return await self._answer(XmlCall(request, (request.path_params["bucket"], name)), in_host=True)

    async def _answer(self, call: XmlCall, *, in_host: bool = False) -> Response:
        try:
            self._check_signature(call, in_host=in_host)
            return await self._handler(call)(call)
        except TrainshedError as error:
            content = b"" if call.request.method == "HEAD" else storage_xml_text.error(error)
            return xml(content, error.http_status)

    def _check_signature(self, call: XmlCall, *, in_host: bool) -> None:
        scope = call.request.scope
        query = scope["query_string"].decode("latin-1")
        if not storage_signed.is_signed(query):
            return
        headers = {name.lower(): call.request.headers.getlist(name) for name in call.request.headers}
        path = (scope.get("raw_path") or b"").partition(b"?")[0].decode("latin-1")
        bucket = call.bucket if in_host else ""
        signed = Signed(method=call.request.method, path=path, query=query, headers=headers, bucket=bucket)
        storage_signed.check(signed, self._verify, SystemClock().now())

    def _handler(self, call: XmlCall) -> Handler:
        refused = _NOT_SERVED & set(call.query)
        if refused:
            raise Unimplemented(f"The XML API's ?{min(refused)} is not served here; use the JSON API.")
        kind = "object" if call.name else "bucket" if call.bucket else "service"
        method = "GET" if call.request.method == "HEAD" else call.request.method
        if call.name and ("uploads" in call.query or "uploadId" in call.query):
            return storage_parts.handler(self._service, call)
        handlers: dict[tuple[str, str], Handler] = {
            ("service", "GET"): self.list_buckets,
            ("bucket", "GET"): self.describe if call.query.keys() & {"location", "versioning"} else self.list_objects,
            ("bucket", "PUT"): self.create_bucket,
            ("bucket", "DELETE"): self.delete_bucket,
            ("object", "GET"): self.get,
            ("object", "PUT"): self.put,
            ("object", "POST"): self.post,
            ("object", "DELETE"): self.delete,
        }
        handler = handlers.get((kind, method))
        if handler is None:
            raise Unimplemented(f"The XML API's {method} of a {kind} is not served here; use the JSON API.")
        return handler

    # Buckets

    async def list_buckets(self, call: XmlCall) -> Response:  # noqa: ARG002  (a handler's signature)
        return xml(storage_xml_text.buckets(await off_loop(self._service.list_buckets, limit=_LARGEST_PAGE)))

    async def list_objects(self, call: XmlCall) -> Response:
        if call.request.method == "HEAD":
            await off_loop(self._service.get_bucket, call.bucket)
            return Response()
        if "uploads" in call.query:
            await off_loop(self._service.get_bucket, call.bucket)
            return xml(storage_xml_text.uploads(call.bucket, self._service.parted.of(call.bucket)))
        asked = dict(call.query)
        limit = min(call.number("max-keys") or _LARGEST_PAGE, _LARGEST_PAGE)
        position = names.read_page_token(asked.get("continuation-token", ""))
        marker = str(position.get("name", "")) or asked.get("start-after") or asked.get("marker", "")
        page = await off_loop(
            self._service.list,
            call.bucket,
            prefix=asked.get("prefix", ""),
            delimiter=asked.get("delimiter", ""),
            limit=limit,
            after=(marker, 1 << 62) if marker else None,
            versions="versions" in asked,
        )
        second = asked.get("list-type") == "2"
        token = "" if page.after is None else names.page_token(name=page.after[0]) if second else page.after[0]
        return xml(storage_xml_text.objects(call.bucket, page, asked, limit=limit, token=token))

    async def describe(self, call: XmlCall) -> Response:
        found = properties.bucket_json(await off_loop(self._service.get_bucket, call.bucket), call.base)
        if "location" in call.query:
            return xml(storage_xml_text.write("LocationConstraint", [("LocationConstraint", found["location"])]))
        enabled = (found.get("versioning") or {}).get("enabled")
        state: list[storage_xml_text.Node] = [("Status", "Enabled" if enabled else "Suspended")]
        return xml(storage_xml_text.write("VersioningConfiguration", state))

    async def create_bucket(self, call: XmlCall) -> Response:
        if call.query.keys() & {"versioning"}:
            raise Unimplemented("The XML API's ?versioning cannot be set here; use the JSON API.")
        wanted = properties.changes(storage_xml_text.read_settings(await read_all(call.request)))
        await off_loop(self._service.create_bucket, call.bucket, wanted)
        return Response()

    async def delete_bucket(self, call: XmlCall) -> Response:
        await off_loop(self._service.delete_bucket, call.bucket)
        return Response(status_code=_GONE)

    # Objects

    async def get(self, call: XmlCall) -> Response:
        obj = await find(self._service, call)
        if isinstance(obj, Response):
            return obj
        headers = headers_of(obj) | {"ETag": storage_xml_text.etag(obj)}
        headers |= {f"X-Goog-Meta-{_token(name)}": plain(value) for name, value in obj.metadata.items()}
        if obj.component_count:
            headers["X-Goog-Component-Count"] = str(obj.component_count)
        for parameter, header in (
            ("response-content-type", "Content-Type"),
            ("response-content-disposition", "Content-Disposition"),
        ):
            if parameter in call.query:
                headers[header] = plain(call.query[parameter])
        answer = await send(self._service, call, obj, headers)
        if answer.status_code == 416:  # noqa: PLR2004  (what this API says of it)
            content = storage_xml_text.write(
                "Error", [("Code", "InvalidRange"), ("Message", "Range: nothing is there.")]
            )
            answer = Response(
                content, 416, dict(answer.headers) | {"content-length": str(len(content))}, "application/xml"
            )
        return answer

    async def put(self, call: XmlCall) -> Response:
        if upload_id := call.query.get("upload_id"):
            return await go_on(self._service, call, self._service.uploads.get(upload_id), _stored)
        if call.request.headers.get("x-goog-copy-source"):
            return await self._copy(call)
        wanted = call.wanted()
        await off_loop(self._service.get_bucket, call.bucket)
        staged = self._service.blobs.stage(call.bucket)
        await receive(gathered(call.request), staged)
        return _stored(await off_loop(self._service.put, staged, wanted))

    async def _copy(self, call: XmlCall) -> Response:
        address = call.request.headers["x-goog-copy-source"].partition("#")[0].lstrip("/")
        bucket, _, name = (unquote(part) for part in address.partition("/"))
        given = call.request.headers.get("x-goog-copy-source-generation", "")
        if given and not re.fullmatch(r"\d{1,18}", given, re.ASCII):
            raise InvalidArgument.field("x-goog-copy-source-generation", f"{given!r} is not a number.")
        source = Source(
            bucket=bucket,
            name=name,
            generation=int(given) if given else None,
            conditions=call.conditions("x-goog-copy-source-if"),
        )
        keep = call.request.headers.get("x-goog-metadata-directive", "COPY").upper() != "REPLACE"
        made = await off_loop(self._service.copies.copy, source, call.wanted(), keep_metadata=keep)
        return xml(storage_xml_text.copied(made))

    async def post(self, call: XmlCall) -> Response:
        if call.request.headers.get("x-goog-resumable", "").lower() != "start":
            raise Unimplemented("Forms with a policy document are not served here; upload with a signed PUT.")
        await read_all(call.request)
        session = await off_loop(self._service.begin_upload, call.wanted())
        path = call.request.scope["raw_path"].partition(b"?")[0].decode("latin-1")
        return begun(session, f"{call.base}{path}?upload_id={session.upload_id}", _CREATED)

    async def delete(self, call: XmlCall) -> Response:
        if upload_id := call.query.get("upload_id"):
            await off_loop(self._service.uploads.cancel, upload_id)
        else:
            await off_loop(self._service.delete, call.bucket, call.name, call.generation, **call.conditions())
        return Response(status_code=_GONE)


def _stored(obj: Object) -> Response:
    wanted = {"X-Goog-Generation", "X-Goog-Metageneration", "X-Goog-Hash", "X-Goog-Stored-Content-Length"}
    headers: dict[str, Any] = {name: value for name, value in headers_of(obj).items() if name in wanted}
    return Response(headers={**headers, "ETag": storage_xml_text.etag(obj)})


def _token(name: str) -> str:
    """Answer a name that a header can have."""
    return re.sub(r"[^A-Za-z0-9!#$%&'*+.^_`|~-]", "_", name)
