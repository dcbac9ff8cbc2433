"""IAM's service accounts and the policies of projects, as gcloud asks for them. They decide nothing on one machine.

The interfaces have no place in the descriptor set, so the routes are written by hand:
https://cloud.google.com/iam/docs/reference/rest/v1/projects.serviceAccounts.
"""

import base64
import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from trainshed import policies
from trainshed.api import jsonpb, own
from trainshed.api.descriptors import to_json
from trainshed.api.fields import page_size
from trainshed.api.reach import Reach
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, InvalidArgument, NotFound

_DIGITS = 9  # of a page size
_YEARS = timedelta(days=3650)
_TEXTS = ("displayName", "description")


def routes(accounts: policies.Accounts, rights: policies.Service, reach: Reach) -> Sequence[BaseRoute]:
    """Serve service accounts, their keys, and policies of both accounts and projects."""
    served = _Accounts(accounts, reach)
    access = _Access(rights)
    one = "/v1/projects/{project}/serviceAccounts/{email}"
    return [
        Route("/v1/projects/{project}/serviceAccounts", served.listing, methods=["GET"]),
        Route("/v1/projects/{project}/serviceAccounts", served.create, methods=["POST"]),
        *(Route(f"{at}:getIamPolicy", access.get, methods=["GET", "POST"]) for at in (one, "/v1/projects/{project}")),
        *(Route(f"{at}:setIamPolicy", access.set, methods=["POST"]) for at in (one, "/v1/projects/{project}")),
        *(Route(f"{at}:testIamPermissions", access.test, methods=["POST"]) for at in (one, "/v1/projects/{project}")),
        Route(f"{one}:enable", served.enable, methods=["POST"]),
        Route(f"{one}:disable", served.disable, methods=["POST"]),
        Route(f"{one}/keys", served.keys, methods=["GET"]),
        Route(f"{one}/keys", served.create_key, methods=["POST"]),
        Route(f"{one}/keys/{{key}}", served.key, methods=["GET"]),
        Route(f"{one}/keys/{{key}}", served.delete_key, methods=["DELETE"]),
        Route(one, served.describe, methods=["GET"]),
        Route(one, served.update, methods=["PATCH", "PUT"]),
        Route(one, served.delete, methods=["DELETE"]),
    ]


class _Accounts:
    def __init__(self, accounts: policies.Accounts, reach: Reach) -> None:
        self._accounts = accounts
        self._reach = reach

    async def listing(self, request: Request) -> JSONResponse:
        """Answer a page of accounts."""
        query = request.query_params
        asked = query.get("pageSize", "0")
        if not asked.removeprefix("-").isdecimal() or len(asked) > _DIGITS:
            raise InvalidArgument.field("pageSize", f"{asked!r} is not a number")
        size = page_size(int(asked), default=20, maximum=100)
        found, token = await off_loop(
            self._accounts.list, request.path_params["project"], page_size=size, page_token=query.get("pageToken", "")
        )
        more = {"nextPageToken": token} if token else {}
        return JSONResponse({"accounts": [_account(account) for account in found], **more})

    async def create(self, request: Request) -> JSONResponse:
        """Make an account."""
        body = await own.body(request)
        account_id, texts = str(body.get("accountId", "")), _texts(own.mapping(body, "serviceAccount"))
        made = await off_loop(self._accounts.create, request.path_params["project"], account_id, texts)
        return JSONResponse(_account(made))

    async def describe(self, request: Request) -> JSONResponse:
        """Answer an account; those that Google makes by itself are there without having been made."""
        email = request.path_params["email"]
        project = self._reach.settings.project
        if email.endswith(f"@{project}.iam.gserviceaccount.com") and email != self._reach.email("user"):
            return JSONResponse(_account(await off_loop(self._accounts.get, email)))
        return JSONResponse(
            {
                "name": f"projects/{project}/serviceAccounts/{email}",
                "projectId": project,
                "email": email,
                "uniqueId": email,
            }
        )

    async def update(self, request: Request) -> JSONResponse:
        """Change the texts of an account."""
        body = await own.body(request)
        texts = _texts(own.mapping(body, "serviceAccount") or body)
        return JSONResponse(_account(await off_loop(self._accounts.change, request.path_params["email"], texts)))

    async def enable(self, request: Request) -> JSONResponse:
        """Note that an account may be used."""
        await off_loop(self._accounts.change, request.path_params["email"], {}, disabled=False)
        return JSONResponse({})

    async def disable(self, request: Request) -> JSONResponse:
        """Note that an account may not be used; nobody is stopped by it here."""
        await off_loop(self._accounts.change, request.path_params["email"], {}, disabled=True)
        return JSONResponse({})

    async def delete(self, request: Request) -> JSONResponse:
        """Remove an account."""
        await off_loop(self._accounts.delete, request.path_params["email"])
        return JSONResponse({})

    async def keys(self, request: Request) -> JSONResponse:
        """Answer the one key that all accounts of this server share."""
        return JSONResponse({"keys": [self._key(await self._found(request))]})

    async def key(self, request: Request) -> JSONResponse:
        """Answer that key by its name."""
        account = await self._found(request)
        if request.path_params["key"] != self._reach.key.id:
            raise NotFound(f"{account.email} has no key {request.path_params['key']!r}.")
        return JSONResponse(self._key(account))

    async def create_key(self, request: Request) -> JSONResponse:
        """Answer a key file, which works with this server alone."""
        account = await self._found(request)
        file = await off_loop(self._reach.account_file, account.email)
        secret = {"privateKeyType": "TYPE_GOOGLE_CREDENTIALS_FILE", "privateKeyData": base64.b64encode(file).decode()}
        return JSONResponse(self._key(account) | secret)

    async def delete_key(self, request: Request) -> JSONResponse:
        """Refuse: there is one key for all."""
        await self._found(request)
        raise FailedPrecondition("All service accounts of this server share one key, which cannot be deleted alone.")

    async def _found(self, request: Request) -> policies.Account:
        return await off_loop(self._accounts.get, request.path_params["email"])

    def _key(self, account: policies.Account) -> dict[str, Any]:
        return {
            "name": f"{account.name}/keys/{self._reach.key.id}",
            "validAfterTime": rfc3339(account.create_time.replace(microsecond=0)),
            "validBeforeTime": rfc3339(account.create_time.replace(microsecond=0) + _YEARS),
            "keyAlgorithm": "KEY_ALG_RSA_2048",
            "keyOrigin": "GOOGLE_PROVIDED",
            "keyType": "USER_MANAGED",
        }


class _Access:
    """Policies by the path of their resource."""

    def __init__(self, rights: policies.Service) -> None:
        self._rights = rights

    async def get(self, request: Request) -> JSONResponse:
        """Answer a policy."""
        return JSONResponse(await off_loop(self._rights.get, _resource(request)))

    async def set(self, request: Request) -> JSONResponse:
        """Keep a policy."""
        policy = jsonpb.parse(own.mapping(await own.body(request), "policy"), "google.iam.v1.Policy")
        return JSONResponse(await off_loop(self._rights.set, _resource(request), to_json(policy)))

    async def test(self, request: Request) -> JSONResponse:
        """Answer everything that was asked for: nobody is kept from anything."""
        asked = (await own.body(request)).get("permissions") or []
        return JSONResponse({"permissions": asked})


def _resource(request: Request) -> str:
    project, email = request.path_params["project"], request.path_params.get("email")
    return f"projects/{project}" + (f"/serviceAccounts/{email}" if email else "")


def _texts(document: Any) -> dict[str, str]:
    for field in _TEXTS:
        if not isinstance(document.get(field, ""), str):
            raise InvalidArgument.field(f"serviceAccount.{field}", "is not a text")
    return {field: document[field] for field in _TEXTS if field in document}


def _account(account: policies.Account) -> dict[str, Any]:
    number = str(int(hashlib.sha256(account.email.encode()).hexdigest()[:15], 16))
    found = {
        "name": account.name,
        "projectId": account.project,
        "uniqueId": number,
        "email": account.email,
        "displayName": account.display_name,
        "description": account.description,
        "oauth2ClientId": number,
        "etag": "MDEwMjE5MjA=",
        "disabled": account.disabled,
    }
    return {name: value for name, value in found.items() if value}
