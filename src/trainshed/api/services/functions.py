"""google.cloud.functions.v1.CloudFunctionsService over the functions feature."""

import json
from collections.abc import Callable
from typing import Any

from trainshed import functions, names
from trainshed.api import fields
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.duty import off_loop
from trainshed.errors import AlreadyExists, InvalidArgument, NotFound, TrainshedError

_FUNCTION = "google.cloud.functions.v1.CloudFunction"
_UPLOADS = "https://cloudfunctions.googleapis.com/trainshed/v1/functions/uploads"


class CloudFunctions:
    """Create, Get, List, Update, Delete, Call, GenerateUploadUrl."""

    SERVICE = "google.cloud.functions.v1.CloudFunctionsService"

    def __init__(
        self, service: functions.Service, host: functions.Host, *, read_object: Callable[[str], bytes] | None = None
    ) -> None:
        """`read_object` reads a `gs://` archive."""
        self._service = service
        self._host = host
        self._read_object = read_object

    def GetFunction(self, request: Any) -> Any:
        """Answer a function."""
        return _message(self._service.get(request.name))

    def ListFunctions(self, request: Any) -> Any:
        """Answer the functions of a location."""
        found = self._service.list(request.parent)
        size = fields.page_size(request.page_size)
        after = names.read_page_token(request.page_token).get("after", "")
        rest = [f for f in found if f.name > after]
        token = names.page_token(after=rest[size - 1].name) if len(rest) > size else ""
        made = [_message(f) for f in rest[:size]]
        return fields.listing("google.cloud.functions.v1.ListFunctionsResponse", "functions", made, token)

    async def CreateFunction(self, request: Any) -> Any:
        """Deploy a function that is not there yet."""
        if await self._find(request.function.name) is not None:
            raise AlreadyExists(f"There is a function {request.function.name!r} already.")
        return await self._deploy(to_json(request.function))

    async def UpdateFunction(self, request: Any) -> Any:
        """Deploy a new version of a function."""
        current = await off_loop(self._service.get, request.function.name)
        paths = list(request.update_mask.paths)
        merged = functions.merge(functions.document(current), to_json(request.function), paths)
        has_source = bool(request.function.source_upload_url or request.function.source_archive_url)
        return await self._deploy(merged, with_source=has_source)

    async def DeleteFunction(self, request: Any) -> Any:
        """Remove a function."""
        await self._host.delete(request.name)
        return fields.operation(f"operations/deleted-{names.short_id()}", done=True)

    async def CallFunction(self, request: Any) -> Any:
        """Call a function once, synchronously."""
        try:
            data = json.loads(request.data) if request.data.strip() else {}
        except ValueError as error:
            raise InvalidArgument.field("data", f"is not JSON ({error}); pass a JSON object in quotes") from error
        execution, ended = await self._host.call(request.name, data)
        answer = {"result": ended.answer.decode("utf-8", "replace")} if ended.ok else {"error": ended.error}
        return message("google.cloud.functions.v1.CallFunctionResponse", execution_id=execution, **answer)

    def GenerateUploadUrl(self, request: Any) -> Any:  # noqa: ARG002  (the same for every location)
        """Answer where to put a source archive."""
        url = f"{_UPLOADS}/{self._host.sources.hold(b'')}"
        return message("google.cloud.functions.v1.GenerateUploadUrlResponse", upload_url=url)

    def operation(self, name: str) -> Any:
        """Find an operation for google.longrunning.Operations; None for one of somebody else."""
        try:
            return _operation(self._host.deployment(name))
        except NotFound:
            if name.startswith("operations/deleted-"):
                return fields.operation(name, done=True)
            return None

    async def _deploy(self, document: dict[str, Any], *, with_source: bool = True) -> Any:
        name = document.get("name", "")
        configuration = functions.configuration(name, document)
        archive = await off_loop(self._archive, configuration.source_url) if with_source else None
        return _operation(await self._host.deploy(name, configuration, archive))

    def _archive(self, url: str) -> bytes:
        if url.startswith("gs://"):
            if self._read_object is None:
                raise InvalidArgument.field("sourceArchiveUrl", "cannot be read here; upload the archive instead")
            return self._read_object(url)
        return self._host.sources.held(url)

    async def _find(self, name: str) -> functions.Function | None:
        try:
            return await off_loop(self._service.get, name)
        except NotFound:
            return None


def _message(function: functions.Function) -> Any:
    return from_json(_FUNCTION, functions.document(function))


def _operation(deployment: functions.Deployment) -> Any:
    error: TrainshedError | None = deployment.error
    made = _message(deployment.function) if deployment.function else None
    return fields.operation(deployment.operation, done=deployment.done, response=made, error=error)
