"""Objects in the JSON API."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from trainshed import names
from trainshed.api.services.storage_download import download, find
from trainshed.api.services.storage_request import Call, as_object
from trainshed.api.services.storage_upload import upload
from trainshed.blobs import Object
from trainshed.buckets import Service, Source, resource
from trainshed.buckets.listing import Page
from trainshed.buckets.model import Wanted
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument

_GONE = 204
Handler = Callable[[Call], Awaitable[Response]]


def table(service: Service) -> dict[tuple[str, str], Handler]:
    """Answer method and path pattern → handler."""
    return _Objects(service).table()


def uploads(service: Service) -> dict[tuple[str, str], Handler]:
    """Answer the same of /upload."""
    return {(method, "b/*/o"): _Objects(service).upload for method in ("POST", "PUT", "DELETE")}


def downloads(service: Service) -> dict[tuple[str, str], Handler]:
    """Answer the same of /download."""
    return {("GET", "b/*/o/*"): _Objects(service).media}


class _Objects:
    """The methods below `b/*/o`, without those of access."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> dict[tuple[str, str], Handler]:
        """Answer method and path pattern → handler."""
        return {
            ("GET", "b/*/o"): self.listing,
            ("GET", "b/*/o/*"): self.get,
            ("PATCH", "b/*/o/*"): self.patch,
            ("PUT", "b/*/o/*"): self.replace,
            ("DELETE", "b/*/o/*"): self.delete,
            ("POST", "b/*/o/*/compose"): self.compose,
            ("POST", "b/*/o/*/rewriteTo/b/*/o/*"): self.rewrite,
            ("POST", "b/*/o/*/copyTo/b/*/o/*"): self.copy,
            ("POST", "b/*/o/*/moveTo/o/*"): self.move,
            ("POST", "b/*/o/*/restore"): self.restore,
        }

    async def listing(self, call: Call) -> Response:
        if call.flag("softDeleted") and call.flag("versions"):
            raise InvalidArgument.field("softDeleted", "cannot be asked for together with versions.")
        page = await off_loop(
            self._service.list,
            call.names[0],
            prefix=call.query.get("prefix", ""),
            delimiter=call.query.get("delimiter", ""),
            limit=call.page_size,
            after=_position(call.query.get("pageToken", "")),
            with_trailing_delimiter=call.flag("includeTrailingDelimiter"),
            glob=call.query.get("matchGlob", ""),
            start=call.query.get("startOffset", ""),
            end=call.query.get("endOffset", ""),
            versions=call.flag("versions"),
            soft_deleted=call.flag("softDeleted"),
        )
        return call.answer(await self._page(call, page))

    async def _page(self, call: Call, page: Page) -> dict[str, Any]:
        document: dict[str, Any] = {"kind": "storage#objects"}
        if page.items:
            bucket = await off_loop(self._service.get_bucket, call.names[0])
            kept = bucket.soft_delete_seconds
            document["items"] = [resource.object_json(o, call.base, kept_seconds=kept) for o in page.items]
        if page.prefixes:
            document["prefixes"] = page.prefixes
        if page.after:
            document["nextPageToken"] = names.page_token(name=page.after[0], generation=page.after[1])
        return document

    async def get(self, call: Call) -> Response:
        if call.query.get("alt") == "media":
            return await self.media(call)
        found = await find(self._service, call)
        if isinstance(found, Response):
            return found
        bucket = await off_loop(self._service.get_bucket, call.names[0])
        return call.answer(resource.object_json(found, call.base, kept_seconds=bucket.soft_delete_seconds))

    async def media(self, call: Call) -> Response:
        return await download(self._service, call)

    async def upload(self, call: Call) -> Response:
        return await upload(self._service, call)

    async def patch(self, call: Call) -> Response:
        return await self._update(call, merge=True)

    async def replace(self, call: Call) -> Response:
        return await self._update(call, merge=False)

    async def _update(self, call: Call, *, merge: bool) -> Response:
        bucket, name = call.names
        document = await call.body()
        changed = await off_loop(
            self._service.update,
            bucket,
            name,
            document,
            merge=merge,
            generation=call.generation,
            **call.conditions(),
        )
        return _answer(call, changed)

    async def delete(self, call: Call) -> Response:
        bucket, name = call.names
        await off_loop(self._service.delete, bucket, name, call.generation, **call.conditions())
        return Response(status_code=_GONE)

    async def compose(self, call: Call) -> Response:
        bucket, name = call.names
        document = await call.body()
        given = document.get("sourceObjects") or []
        if not isinstance(given, list):
            raise InvalidArgument.field("sourceObjects", "is not a list.")
        sources = [_component(bucket, as_object(source, "sourceObjects")) for source in given]
        target = as_object(document.get("destination"), "destination")
        wanted = resource.wanted(bucket, target, call.conditions(), name=name)
        delete_sources = document.get("deleteSourceObjects") is True
        made = await off_loop(self._service.copies.compose, sources, wanted, delete_sources=delete_sources)
        return _answer(call, made)

    async def rewrite(self, call: Call) -> Response:
        source, wanted, keep = await self._copying(call)
        done = await off_loop(
            self._service.copies.rewrite,
            source,
            wanted,
            keep_metadata=keep,
            token=call.query.get("rewriteToken", ""),
            limit=call.number("maxBytesRewrittenPerCall"),
        )
        document: dict[str, Any] = {
            "kind": "storage#rewriteResponse",
            "totalBytesRewritten": str(done.written),
            "objectSize": str(done.size),
            "done": done.made is not None,
        }
        if done.made is not None:
            document["resource"] = resource.object_json(done.made, call.base)
        else:
            document["rewriteToken"] = done.token
        return call.answer(document)

    async def copy(self, call: Call) -> Response:
        source, wanted, keep = await self._copying(call)
        return _answer(call, await off_loop(self._service.copies.copy, source, wanted, keep_metadata=keep))

    async def _copying(self, call: Call) -> tuple[Source, Wanted, bool]:
        from_bucket, from_name, bucket, name = call.names
        wanted = resource.wanted(bucket, await call.body(), call.conditions(), name=name)
        keep = not (wanted.content_type or wanted.metadata or wanted.properties)
        return _source(call, from_bucket, from_name, "sourceGeneration"), wanted, keep

    async def move(self, call: Call) -> Response:
        bucket, name, new_name = call.names
        wanted = Wanted(bucket=bucket, name=new_name, conditions=call.conditions())
        return _answer(call, await off_loop(self._service.copies.move, _source(call, bucket, name), wanted))

    async def restore(self, call: Call) -> Response:
        bucket, name = call.names
        if call.generation is None:
            raise InvalidArgument.field("generation", "is missing: say which generation to bring back.")
        source = Source(bucket=bucket, name=name, generation=call.generation)
        wanted = Wanted(bucket=bucket, name=name, conditions=call.conditions())
        return _answer(call, await off_loop(self._service.copies.restore, source, wanted))


def _position(token: str) -> tuple[str, int] | None:
    position = names.read_page_token(token)
    if not position:
        return None
    name, generation = position.get("name"), position.get("generation")
    if not isinstance(name, str) or not isinstance(generation, int):
        raise InvalidArgument.field("pageToken", "not a token that this server returned")
    return name, generation


def _answer(call: Call, obj: Object) -> Response:
    return call.answer(resource.object_json(obj, call.base))


def _source(call: Call, bucket: str, name: str, generation: str = "") -> Source:
    return Source(
        bucket=bucket,
        name=name,
        generation=call.number(generation) if generation else None,
        conditions=call.conditions("ifSource"),
    )


def _component(bucket: str, document: Any) -> Source:
    name = document.get("name")
    if not isinstance(name, str):
        raise InvalidArgument.field("sourceObjects.name", "is missing: name each object.")
    conditions = as_object(document.get("objectPreconditions"), "objectPreconditions")
    generation = document.get("generation")
    wanted = conditions.get("ifGenerationMatch")
    try:
        return Source(
            bucket=bucket,
            name=name,
            generation=None if generation is None else int(generation),
            conditions={} if wanted is None else {"if_generation_match": int(wanted)},
        )
    except (TypeError, ValueError) as error:
        raise InvalidArgument.field("sourceObjects.generation", "is not a number.") from error
