"""The Cloud Storage JSON API. It has no published protos, so its routes are written by hand.

Paths are matched by their escaped segments: an object's name may hold anything, slashes included.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Host, Route, Router

from trainshed import names
from trainshed.api import own
from trainshed.api.services.storage_download import download, find
from trainshed.api.services.storage_request import Call, as_object, segments
from trainshed.api.services.storage_upload import upload
from trainshed.buckets import Service, resource
from trainshed.buckets.service import Source
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound

_METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]
_GONE = 204
_HOST = "storage.googleapis.com"


def routes(service: Service) -> list[BaseRoute]:
    """Serve /storage/v1, /upload/storage/v1 and /download/storage/v1; on its own host also /BUCKET/OBJECT."""
    storage = _Storage(service)
    table = storage.table()
    return [
        _route("/storage/v1/", table),
        _route("/upload/storage/v1/", {(method, "b/*/o"): storage.upload for method in _METHODS}),
        _route("/resumable/upload/storage/v1/", {(method, "b/*/o"): storage.upload for method in _METHODS}),
        _route("/download/storage/v1/", {("GET", "b/*/o/*"): storage.media}),
        Host(_HOST, Router([Route("/{rest:path}", _by_address(storage), methods=["GET"])])),
    ]


Handler = Callable[[Call], Awaitable[Response]]


def _by_address(storage: "_Storage") -> Callable[[Request], Awaitable[Response]]:
    """Serve an object by its plain address, which is how TensorFlow reads."""

    async def endpoint(request: Request) -> Response:
        bucket, *name = segments(request, "/")
        if not bucket or not name:
            raise NotFound(f"There is no object at {request.url.path}.", reason="NO_SUCH_METHOD")
        return await storage.media(Call(request, (bucket, "/".join(name))))

    return endpoint


def _route(prefix: str, table: dict[tuple[str, str], Handler]) -> Route:
    async def endpoint(request: Request) -> Response:
        path = segments(request, prefix)
        method = request.headers.get("x-http-method-override", request.method)
        for (wanted_method, pattern), handler in table.items():
            found = _match(pattern.split("/"), path)
            if found is not None and wanted_method == method:
                return await handler(Call(request, found))
        raise NotFound(f"Cloud Storage's JSON API has no {method} {request.url.path} here.", reason="NO_SUCH_METHOD")

    return Route(f"{prefix}{{rest:path}}", endpoint, methods=_METHODS)


def _match(pattern: list[str], path: tuple[str, ...]) -> tuple[str, ...] | None:
    if len(pattern) != len(path):
        return None
    if any(wanted not in {"*", part} for wanted, part in zip(pattern, path, strict=True)):
        return None
    return tuple(part for wanted, part in zip(pattern, path, strict=True) if wanted == "*")


class _Storage:
    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> dict[tuple[str, str], Handler]:
        """Answer method and path pattern → handler."""
        return {
            ("GET", "b"): self.list_buckets,
            ("POST", "b"): self.create_bucket,
            ("GET", "b/*"): self.get_bucket,
            ("PATCH", "b/*"): self.update_bucket,
            ("PUT", "b/*"): self.update_bucket,
            ("DELETE", "b/*"): self.delete_bucket,
            ("GET", "b/*/iam"): self.get_policy,
            ("GET", "b/*/iam/testPermissions"): self.test_permissions,
            ("GET", "b/*/o"): self.list_objects,
            ("GET", "b/*/o/*"): self.get_object,
            ("PATCH", "b/*/o/*"): self.patch_object,
            ("PUT", "b/*/o/*"): self.replace_object,
            ("DELETE", "b/*/o/*"): self.delete_object,
            ("POST", "b/*/o/*/compose"): self.compose,
            ("POST", "b/*/o/*/rewriteTo/b/*/o/*"): self.rewrite,
            ("POST", "b/*/o/*/copyTo/b/*/o/*"): self.copy,
            ("POST", "b/*/notificationConfigs"): self.create_notification,
            ("GET", "b/*/notificationConfigs"): self.list_notifications,
            ("GET", "b/*/notificationConfigs/*"): self.get_notification,
            ("DELETE", "b/*/notificationConfigs/*"): self.delete_notification,
            ("GET", "projects/*/serviceAccount"): self.get_service_account,
        }

    # Buckets

    async def list_buckets(self, call: Call) -> Response:
        after = str(names.read_page_token(call.query.get("pageToken", "")).get("after", ""))
        size = call.page_size
        found = await off_loop(
            self._service.list_buckets, prefix=call.query.get("prefix", ""), after=after, limit=size + 1
        )
        document: dict[str, Any] = {"kind": "storage#buckets"}
        document["items"] = [resource.bucket_json(b, call.base) for b in found[:size]]
        if len(found) > size:
            document["nextPageToken"] = names.page_token(after=found[size - 1].name)
        return JSONResponse(document)

    async def create_bucket(self, call: Call) -> Response:
        document = await own.body(call.request)
        name = document.get("name")
        if not isinstance(name, str):
            raise InvalidArgument.field("name", "is missing: name the bucket.")
        made = await off_loop(self._service.create_bucket, name, resource.bucket_changes(document))
        return JSONResponse(resource.bucket_json(made, call.base))

    async def get_bucket(self, call: Call) -> Response:
        return JSONResponse(resource.bucket_json(await off_loop(self._service.get_bucket, *call.names), call.base))

    async def update_bucket(self, call: Call) -> Response:
        changes = resource.bucket_changes(await own.body(call.request))
        changed = await off_loop(self._service.update_bucket, call.names[0], changes)
        return JSONResponse(resource.bucket_json(changed, call.base))

    async def delete_bucket(self, call: Call) -> Response:
        await off_loop(self._service.delete_bucket, *call.names)
        return Response(status_code=_GONE)

    async def get_policy(self, call: Call) -> Response:
        await off_loop(self._service.get_bucket, *call.names)
        resource_id = f"projects/_/buckets/{call.names[0]}"
        return JSONResponse({"kind": "storage#policy", "resourceId": resource_id, "version": 1, "bindings": []})

    async def test_permissions(self, call: Call) -> Response:
        await off_loop(self._service.get_bucket, *call.names)
        asked = call.request.query_params.getlist("permissions")
        return JSONResponse({"kind": "storage#testIamPermissionsResponse", "permissions": asked})

    async def get_service_account(self, call: Call) -> Response:
        email = f"service-{names.PROJECT_NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
        return JSONResponse({"kind": "storage#serviceAccount", "email_address": email, "project": call.names[0]})

    # Objects

    async def list_objects(self, call: Call) -> Response:
        position = names.read_page_token(call.query.get("pageToken", ""))
        page = await off_loop(
            self._service.list,
            call.names[0],
            prefix=call.query.get("prefix", ""),
            delimiter=call.query.get("delimiter", ""),
            limit=call.page_size,
            after=(str(position.get("name")), int(position.get("generation", 0))) if position else None,
            with_trailing_delimiter=call.flag("includeTrailingDelimiter"),
            start=call.query.get("startOffset", ""),
            end=call.query.get("endOffset", ""),
            versions=call.flag("versions"),
        )
        document: dict[str, Any] = {"kind": "storage#objects"}
        if page.items:
            document["items"] = [resource.object_json(o, call.base) for o in page.items]
        if page.prefixes:
            document["prefixes"] = page.prefixes
        if page.after:
            document["nextPageToken"] = names.page_token(name=page.after[0], generation=page.after[1])
        return JSONResponse(document)

    async def get_object(self, call: Call) -> Response:
        if call.query.get("alt") == "media":
            return await self.media(call)
        found = await find(self._service, call)
        return found if isinstance(found, Response) else JSONResponse(resource.object_json(found, call.base))

    async def media(self, call: Call) -> Response:
        return await download(self._service, call)

    async def upload(self, call: Call) -> Response:
        return await upload(self._service, call)

    async def patch_object(self, call: Call) -> Response:
        return await self._update(call, merge=True)

    async def replace_object(self, call: Call) -> Response:
        return await self._update(call, merge=False)

    async def _update(self, call: Call, *, merge: bool) -> Response:
        bucket, name = call.names
        document = await own.body(call.request)
        changed = await off_loop(self._service.update, bucket, name, document, merge=merge, **call.conditions())
        return JSONResponse(resource.object_json(changed, call.base))

    async def delete_object(self, call: Call) -> Response:
        bucket, name = call.names
        await off_loop(self._service.delete, bucket, name, call.generation, **call.conditions())
        return Response(status_code=_GONE)

    async def compose(self, call: Call) -> Response:
        bucket, name = call.names
        document = await own.body(call.request)
        sources = [_source(bucket, as_object(s, "sourceObjects")) for s in document.get("sourceObjects") or []]
        target = as_object(document.get("destination"), "destination")
        wanted = resource.wanted(bucket, target, call.conditions(), name=name)
        made = await off_loop(self._service.compose, sources, wanted)
        return JSONResponse(resource.object_json(made, call.base))

    async def rewrite(self, call: Call) -> Response:
        made = await self._copy(call)
        size = made["size"]
        document = {"kind": "storage#rewriteResponse", "totalBytesRewritten": size, "objectSize": size, "done": True}
        return JSONResponse(document | {"resource": made})

    async def copy(self, call: Call) -> Response:
        return JSONResponse(await self._copy(call))

    async def _copy(self, call: Call) -> dict[str, Any]:
        from_bucket, from_name, bucket, name = call.names
        document = await own.body(call.request)
        wanted = resource.wanted(bucket, document, call.conditions(), name=name)
        source = Source(
            bucket=from_bucket,
            name=from_name,
            generation=call.number("sourceGeneration"),
            conditions=call.conditions("ifSource"),
        )
        keep = not (wanted.content_type or wanted.metadata or wanted.properties)
        return resource.object_json(await off_loop(self._service.copy, source, wanted, keep_metadata=keep), call.base)

    # Notifications

    async def create_notification(self, call: Call) -> Response:
        document = await own.body(call.request)
        made = await off_loop(self._service.create_notification, call.names[0], document)
        return JSONResponse(resource.notification_json(made, call.base))

    async def list_notifications(self, call: Call) -> Response:
        found = await off_loop(self._service.list_notifications, *call.names)
        document: dict[str, Any] = {"kind": "storage#notifications"}
        if found:
            document["items"] = [resource.notification_json(n, call.base) for n in found]
        return JSONResponse(document)

    async def get_notification(self, call: Call) -> Response:
        found = await off_loop(self._service.get_notification, *call.names)
        return JSONResponse(resource.notification_json(found, call.base))

    async def delete_notification(self, call: Call) -> Response:
        await off_loop(self._service.delete_notification, *call.names)
        return Response(status_code=_GONE)


def _source(bucket: str, document: Any) -> Source:
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
