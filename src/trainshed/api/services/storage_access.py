"""Who may do what, in the JSON API: policies are kept and answered, nothing is enforced on one machine."""

from collections.abc import Awaitable, Callable

from starlette.responses import Response

from trainshed import names
from trainshed.api.services.storage_request import Call
from trainshed.buckets import Service, properties
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound, Unimplemented

Handler = Callable[[Call], Awaitable[Response]]
_LISTS = {
    "b/*/acl": "storage#bucketAccessControl",
    "b/*/defaultObjectAcl": "storage#objectAccessControl",
    "b/*/o/*/acl": "storage#objectAccessControl",
}
_OWNERS = f"project-owners-{names.PROJECT_NUMBER}"


def table(service: Service) -> dict[tuple[str, str], Handler]:
    """Answer method and path pattern → handler."""
    return _Access(service).table()


class NotOffered(Unimplemented):
    """Something of Cloud Storage that is not offered here, said so that gcloud does not ask again and again."""

    http_status = 400


class _Access:
    """Policies, access control lists, keys."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def table(self) -> dict[tuple[str, str], Handler]:
        """Answer method and path pattern → handler."""
        table: dict[tuple[str, str], Handler] = {
            ("GET", "b/*/iam"): self.get_policy,
            ("PUT", "b/*/iam"): self.set_policy,
            ("GET", "b/*/iam/testPermissions"): self.test_permissions,
            ("GET", "b/*/o/*/iam/testPermissions"): self.test_permissions,
            ("GET", "b/*/managedFolders"): self.no_folders,
            ("GET", "b/*/folders"): self.no_folders,
            ("GET", "projects/*/serviceAccount"): self.service_account,
            ("GET", "projects/*/hmacKeys"): self.list_keys,
            ("POST", "projects/*/hmacKeys"): self.no_keys,
            ("GET", "projects/*/hmacKeys/*"): self.no_keys,
        }
        for path, kind in _LISTS.items():
            table[("GET", path)] = self._reading(kind)
            table[("GET", f"{path}/*")] = self._reading(kind)
            table[("POST", path)] = self._writing
            table |= {(method, f"{path}/*"): self._writing for method in ("PUT", "PATCH", "DELETE")}
        return table

    async def get_policy(self, call: Call) -> Response:
        return call.answer(properties.policy_json(await off_loop(self._service.get_bucket, call.names[0])))

    async def set_policy(self, call: Call) -> Response:
        document = await call.body()
        return call.answer(properties.policy_json(await off_loop(self._service.set_policy, call.names[0], document)))

    async def test_permissions(self, call: Call) -> Response:
        await off_loop(self._service.get_bucket, call.names[0])
        asked = call.request.query_params.getlist("permissions")
        return call.answer({"kind": "storage#testIamPermissionsResponse", "permissions": asked})

    async def no_folders(self, call: Call) -> Response:
        """Answer managed folders and those of hierarchical namespaces: there are none."""
        await off_loop(self._service.get_bucket, call.names[0])
        return call.answer({"kind": "storage#folders"})

    async def service_account(self, call: Call) -> Response:
        email = f"service-{names.PROJECT_NUMBER}@gs-project-accounts.iam.gserviceaccount.com"
        return call.answer({"kind": "storage#serviceAccount", "email_address": email, "project": call.names[0]})

    async def list_keys(self, call: Call) -> Response:
        return call.answer({"kind": "storage#hmacKeysMetadata"})

    async def no_keys(self, call: Call) -> Response:  # noqa: ARG002  (a handler's signature)
        raise NotOffered(
            "HMAC keys are not made here; sign with the service account's key that `trainshed exec` names in "
            "GOOGLE_APPLICATION_CREDENTIALS."
        )

    def _reading(self, kind: str) -> Handler:
        async def read(call: Call) -> Response:
            await self._require_lists(call)
            entry = {
                "kind": kind,
                "entity": _OWNERS,
                "role": "OWNER",
                "bucket": call.names[0],
                "projectTeam": {"projectNumber": names.PROJECT_NUMBER, "team": "owners"},
            }
            path = call.request.url.path
            if path.rstrip("/").endswith(("/acl", "/defaultObjectAcl")):
                return call.answer({"kind": f"{kind}s", "items": [entry]})
            if call.names[-1] != _OWNERS:
                raise NotFound(f"{call.names[-1]!r} is not in the access control list.")
            return call.answer(entry)

        return read

    async def _writing(self, call: Call) -> Response:
        await self._require_lists(call)
        raise NotOffered("Access control lists are not kept here: whoever reaches the server may do everything.")

    async def _require_lists(self, call: Call) -> None:
        bucket = await off_loop(self._service.get_bucket, call.names[0])
        if properties.has_uniform_access(bucket):
            raise InvalidArgument(
                f"Bucket {bucket.name!r} has uniform bucket-level access, so there are no access control lists in it; "
                "read or change its IAM policy.",
                reason="UNIFORM_ACCESS",
            )
