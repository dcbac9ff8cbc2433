"""google.cloud.functions.v2.FunctionService over the functions feature: both generations, as the second sees them."""

import sys
from collections.abc import Callable
from typing import Any

from trainshed import functions, names
from trainshed.api import fields, filters
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.api.services import functions_asked as asked
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

_FUNCTION = "google.cloud.functions.v2.Function"
_INTERPRETER = f"{sys.version_info.major}.{sys.version_info.minor}"
_OPERATION_TYPES = {"create": "CREATE_FUNCTION", "update": "UPDATE_FUNCTION", "delete": "DELETE_FUNCTION"}


class FunctionService:
    """All RPCs."""

    SERVICE = "google.cloud.functions.v2.FunctionService"

    def __init__(
        self,
        service: functions.Service,
        host: functions.Host,
        *,
        read_object: Callable[[str], bytes] | None = None,
    ) -> None:
        """`read_object` reads a `gs://` archive."""
        self._service = service
        self._host = host
        self._archives = asked.Archives(host, read_object)

    def GetFunction(self, request: Any) -> Any:
        """Answer a function of either generation."""
        return from_json(_FUNCTION, functions.second_document(self._service.get(request.name)))

    def ListFunctions(self, request: Any) -> Any:
        """Answer the functions of a location, of both generations."""
        chosen = filters.parse(request.filter)
        found = [functions.second_document(f) for f in self._service.list(request.parent)]
        found = [document for document in found if chosen(document)]
        if request.order_by.strip() not in {"", "name", "name asc"}:
            raise InvalidArgument.field("order_by", f"{request.order_by!r} is not served; use 'name'")
        some, token = asked.page(found, request, lambda document: str(document["name"]))
        made = [from_json(_FUNCTION, document) for document in some]
        return fields.listing("google.cloud.functions.v2.ListFunctionsResponse", "functions", made, token)

    async def CreateFunction(self, request: Any) -> Any:
        """Deploy a function that is not there yet."""
        function_id = request.function_id or names.short(request.function.name)
        name = functions.name_within(request.parent, function_id)
        configuration = functions.second_configuration(name, to_json(request.function))
        archive = await off_loop(self._archives.read, configuration.source_url)
        deployment = await self._host.deploy(name, configuration, archive, generation=2, verb="create")
        return await off_loop(self.operation, deployment.operation)

    async def UpdateFunction(self, request: Any) -> Any:
        """Deploy a new version of a function of the second generation."""
        current = await off_loop(self._service.get, request.function.name)
        if current.generation != 2:  # noqa: PLR2004
            raise FailedPrecondition(f"{current.name!r} is of the first generation; the v1 API changes it.")
        before = from_json(_FUNCTION, functions.second_document(current))
        wanted = fields.update(before, request.function, request.update_mask)
        configuration = functions.second_configuration(current.name, to_json(wanted))
        has_source = wanted.build_config.source != before.build_config.source
        has_source = has_source and wanted.build_config.HasField("source")
        archive = await off_loop(self._archives.read, configuration.source_url) if has_source else None
        deployment = await self._host.deploy(current.name, configuration, archive, generation=2, verb="update")
        return await off_loop(self.operation, deployment.operation)

    async def DeleteFunction(self, request: Any) -> Any:
        """Remove a function of either generation."""
        return await off_loop(self.operation, await self._host.delete(request.name, generation=2))

    def GenerateUploadUrl(self, request: Any) -> Any:
        """Answer where to put a source archive, and what it is called afterwards."""
        bucket = functions.uploads(request.parent)
        url, token = self._archives.upload_url()
        source = {"bucket": bucket, "object": f"{token}.zip"}
        full_name = "google.cloud.functions.v2.GenerateUploadUrlResponse"
        return from_json(full_name, {"uploadUrl": url, "storageSource": source})

    def GenerateDownloadUrl(self, request: Any) -> Any:
        """Answer where the source of the version that serves is."""
        function = self._service.get(request.name)
        if function.version is None:
            raise NotFound(f"{names.short(request.name)} was never deployed well and has no source.")
        url = self._archives.download_url(function.version)
        return message("google.cloud.functions.v2.GenerateDownloadUrlResponse", download_url=url)

    def ListRuntimes(self, request: Any) -> Any:
        """Answer the runtimes; a retired one carries the warning of what it means here."""
        names.parse("projects/{project}/locations/{location}", request.parent, field="parent")
        chosen = filters.parse(request.filter)
        found = [runtime for runtime in functions.list_runtimes(_INTERPRETER) if chosen(runtime)]
        full_name = "google.cloud.functions.v2.ListRuntimesResponse"
        return from_json(full_name, {"runtimes": found})

    def operation(self, name: str) -> Any:
        """Find an operation of this API; None for one of somebody else."""
        found = self._service.operation(name)
        return None if found is None or found.generation != 2 else self._message(found)  # noqa: PLR2004

    def operations(self, parent: str) -> list[Any]:
        """Answer the operations of a location, by this API."""
        return [self._message(found) for found in self._service.operations(parent) if found.generation == 2]  # noqa: PLR2004

    def _message(self, found: functions.Operation) -> Any:
        metadata = message(
            "google.cloud.functions.v2.OperationMetadata",
            create_time=found.create_time,
            end_time=found.end_time,
            target=found.function,
            verb=found.verb,
            api_version="v2",
            stages=self._stages(found),
            operation_type=_OPERATION_TYPES[found.verb],
        )
        return asked.operation(found, _FUNCTION, metadata)

    def _stages(self, found: functions.Operation) -> list[dict[str, Any]]:
        deployment = self._host.deployment(found.name)
        if deployment is None:
            return []
        return [
            {
                "name": stage.name,
                "state": "COMPLETE" if found.done and not found.error else stage.state,
                "message": stage.message,
                "state_messages": [
                    {"severity": "WARNING", "type_": "Finding", "message": warning} for warning in stage.warnings
                ],
            }
            for stage in deployment.stages
        ]
