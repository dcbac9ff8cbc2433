"""google.cloud.functions.v1.CloudFunctionsService over the functions feature: the first generation."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from trainshed import functions, names, policies
from trainshed.api import fields
from trainshed.api.descriptors import from_json, message, to_json
from trainshed.api.services import functions_asked as asked
from trainshed.api.services.projects import policy_document, policy_message
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound

_FUNCTION = "google.cloud.functions.v1.CloudFunction"
_SOURCES = ("source_archive_url", "source_upload_url", "source_repository")


class CloudFunctions:
    """All RPCs. Functions of the second generation are not seen by this API, as on Google Cloud."""

    SERVICE = "google.cloud.functions.v1.CloudFunctionsService"

    def __init__(
        self,
        service: functions.Service,
        host: functions.Host,
        rights: policies.Service,
        *,
        read_object: Callable[[str], bytes] | None = None,
    ) -> None:
        """`read_object` reads a `gs://` archive."""
        self._service = service
        self._host = host
        self._rights = rights
        self._archives = asked.Archives(host, read_object)

    def GetFunction(self, request: Any) -> Any:
        """Answer a function."""
        return from_json(_FUNCTION, functions.document(self._get(request.name)))

    def ListFunctions(self, request: Any) -> Any:
        """Answer the functions of a location."""
        found = [f for f in self._service.list(request.parent) if f.generation == 1]
        chosen, token = asked.page(found, request, lambda f: f.name)
        made = [from_json(_FUNCTION, functions.document(f)) for f in chosen]
        return fields.listing("google.cloud.functions.v1.ListFunctionsResponse", "functions", made, token)

    async def CreateFunction(self, request: Any) -> Any:
        """Deploy a function that is not there yet."""
        name = request.function.name
        if not name.startswith(f"{request.location}/functions/"):
            raise InvalidArgument.field("function.name", f"{name!r} is not in {request.location!r}")
        configuration = functions.configuration(name, to_json(request.function))
        archive = await off_loop(self._archives.read, configuration.source_url)
        deployment = await self._host.deploy(name, configuration, archive, verb="create")
        return await off_loop(self.operation, deployment.operation)

    async def UpdateFunction(self, request: Any) -> Any:
        """Deploy a new version of a function."""
        current = await off_loop(self._get, request.function.name)
        before = from_json(_FUNCTION, functions.document(current))
        wanted = fields.update(before, request.function, request.update_mask)
        configuration = functions.configuration(current.name, to_json(wanted))
        has_source = any(getattr(wanted, field) != getattr(before, field) for field in _SOURCES)
        archive = await off_loop(self._archives.read, configuration.source_url) if has_source else None
        deployment = await self._host.deploy(current.name, configuration, archive, verb="update")
        return await off_loop(self.operation, deployment.operation)

    async def DeleteFunction(self, request: Any) -> Any:
        """Remove a function."""
        await off_loop(self._get, request.name)
        return await off_loop(self.operation, await self._host.delete(request.name))

    async def CallFunction(self, request: Any) -> Any:
        """Call a function once, synchronously."""
        data = functions.read_call(request.data)
        await off_loop(self._get, request.name)
        execution, ended = await self._host.call(request.name, functions.Call(data=data))
        answer = {"result": ended.answer.decode("utf-8", "replace")} if ended.ok else {"error": ended.error}
        return message("google.cloud.functions.v1.CallFunctionResponse", execution_id=execution, **answer)

    def GenerateUploadUrl(self, request: Any) -> Any:
        """Answer where to put a source archive."""
        names.parse("projects/{project}/locations/{location}", request.parent, field="parent")
        url, _ = self._archives.upload_url()
        return message("google.cloud.functions.v1.GenerateUploadUrlResponse", upload_url=url)

    def GenerateDownloadUrl(self, request: Any) -> Any:
        """Answer where the source of a version is; without a number, of the one that serves."""
        function = self._get(request.name)
        versions: Sequence[functions.Version] = self._service.versions(request.name)
        number = request.version_id or (function.version.number if function.version else 0)
        found = next((v for v in versions if v.number == number), None)
        if found is None:
            raise NotFound(f"{names.short(request.name)} has no version {number}.")
        url = self._archives.download_url(found)
        return message("google.cloud.functions.v1.GenerateDownloadUrlResponse", download_url=url)

    def GetIamPolicy(self, request: Any) -> Any:
        """Answer the policy that was set."""
        self._get(request.resource)
        return policy_message(self._rights.get(request.resource))

    def SetIamPolicy(self, request: Any) -> Any:
        """Keep a policy; nothing here is decided by it."""
        self._get(request.resource)
        return policy_message(self._rights.set(request.resource, policy_document(request.policy)))

    def TestIamPermissions(self, request: Any) -> Any:
        """Answer all permissions asked for."""
        self._get(request.resource)
        return message("google.iam.v1.TestIamPermissionsResponse", permissions=list(request.permissions))

    def operation(self, name: str) -> Any:
        """Find an operation of this API; None for one of somebody else."""
        found = self._service.operation(name)
        if found is None or found.generation != 1:
            return None
        time = found.end_time or found.create_time
        make = partial(message, "google.cloud.functions.v1.OperationMetadataV1")
        metadata = make(target=found.function, type_=f"{found.verb.upper()}_FUNCTION", update_time=time)
        if found.response is not None:
            metadata.version_id = int(found.response.get("versionId", 0))
        return asked.operation(found, _FUNCTION, metadata)

    def _get(self, name: str) -> functions.Function:
        function = self._service.get(name)
        if function.generation != 1:
            raise NotFound(f"{name!r} is a function of the second generation; the v2 API has it.")
        return function
