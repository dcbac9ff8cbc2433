"""Buckets and their notifications in the JSON API."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from trainshed import names
from trainshed.api.services.storage_request import Call
from trainshed.blobs import Bucket
from trainshed.buckets import Service, properties, resource
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound

_GONE = 204
Handler = Callable[[Call], Awaitable[Response]]


def table(service: Service) -> dict[tuple[str, str], Handler]:
    """Answer method and path pattern → handler."""
    return _Buckets(service).table()


class _Buckets:
    """The methods below `b`, without those of objects and of access."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> dict[tuple[str, str], Handler]:
        """Answer method and path pattern → handler."""
        return {
            ("GET", "b"): self.listing,
            ("POST", "b"): self.create,
            ("GET", "b/*"): self.get,
            ("PATCH", "b/*"): self.patch,
            ("PUT", "b/*"): self.replace,
            ("DELETE", "b/*"): self.delete,
            ("GET", "b/*/storageLayout"): self.layout,
            ("POST", "b/*/notificationConfigs"): self.create_notification,
            ("GET", "b/*/notificationConfigs"): self.list_notifications,
            ("GET", "b/*/notificationConfigs/*"): self.get_notification,
            ("DELETE", "b/*/notificationConfigs/*"): self.delete_notification,
        }

    async def listing(self, call: Call) -> Response:
        after = str(names.read_page_token(call.query.get("pageToken", "")).get("after", ""))
        size = call.page_size
        if call.flag("softDeleted"):  # a removed bucket was empty: nothing is kept of it
            return call.answer({"kind": "storage#buckets"})
        found = await off_loop(
            self._service.list_buckets, prefix=call.query.get("prefix", ""), after=after, limit=size + 1
        )
        document: dict[str, Any] = {"kind": "storage#buckets"}
        document["items"] = [properties.bucket_json(b, call.base) for b in found[:size]]
        if len(found) > size:
            document["nextPageToken"] = names.page_token(after=found[size - 1].name)
        return call.answer(document)

    async def create(self, call: Call) -> Response:
        document = await call.body()
        name = document.get("name")
        if not isinstance(name, str):
            raise InvalidArgument.field("name", "is missing: name the bucket.")
        wanted = {k: v for k, v in properties.changes(document).items() if v is not None}
        return self._answer(call, await off_loop(self._service.create_bucket, name, wanted))

    async def get(self, call: Call) -> Response:
        if call.flag("softDeleted"):
            raise NotFound(f"There is no removed bucket {call.names[0]!r}.", reason="BUCKET_NOT_FOUND")
        conditions: dict[str, Any] = call.metageneration()
        return self._answer(call, await off_loop(self._service.get_bucket, call.names[0], **conditions))

    async def patch(self, call: Call) -> Response:
        return await self._update(call, merge=True)

    async def replace(self, call: Call) -> Response:
        return await self._update(call, merge=False)

    async def _update(self, call: Call, *, merge: bool) -> Response:
        changes = properties.changes(await call.body())
        conditions: dict[str, Any] = call.metageneration()
        verb = self._service.update_bucket
        return self._answer(call, await off_loop(verb, call.names[0], changes, merge=merge, **conditions))

    async def delete(self, call: Call) -> Response:
        conditions: dict[str, Any] = call.metageneration()
        await off_loop(self._service.delete_bucket, call.names[0], **conditions)
        return Response(status_code=_GONE)

    async def layout(self, call: Call) -> Response:
        found = properties.bucket_json(await off_loop(self._service.get_bucket, *call.names), call.base)
        document = {"kind": "storage#storageLayout", "bucket": found["name"], "location": found["location"]}
        hierarchical = {"enabled": bool((found.get("hierarchicalNamespace") or {}).get("enabled"))}
        return call.answer(document | {"locationType": found["locationType"], "hierarchicalNamespace": hierarchical})

    def _answer(self, call: Call, bucket: Bucket) -> Response:
        return call.answer(properties.bucket_json(bucket, call.base))

    # Notifications

    async def create_notification(self, call: Call) -> Response:
        made = await off_loop(self._service.create_notification, call.names[0], await call.body())
        return call.answer(resource.notification_json(made, call.base))

    async def list_notifications(self, call: Call) -> Response:
        found = await off_loop(self._service.list_notifications, *call.names)
        document: dict[str, Any] = {"kind": "storage#notifications"}
        if found:
            document["items"] = [resource.notification_json(n, call.base) for n in found]
        return call.answer(document)

    async def get_notification(self, call: Call) -> Response:
        found = await off_loop(self._service.get_notification, *call.names)
        return call.answer(resource.notification_json(found, call.base))

    async def delete_notification(self, call: Call) -> Response:
        await off_loop(self._service.delete_notification, *call.names)
        return Response(status_code=_GONE)
