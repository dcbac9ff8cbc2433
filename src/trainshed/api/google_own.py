"""What Google's clients ask around the APIs themselves: tokens, account details, projects, enabled services.

There is no access control on one machine: whoever reaches the server may act as any of its accounts.
"""

import base64
from collections.abc import Sequence
from datetime import timedelta
from time import time
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route

from trainshed.api import bodies, caller, deliveries, own
from trainshed.api.reach import Reach
from trainshed.api.tokens import GOOGLE, ISSUER, LIFETIME_SECONDS
from trainshed.clock import SystemClock, rfc3339
from trainshed.errors import InvalidArgument, NotFound, Unauthenticated
from trainshed.names import PROJECT_NUMBER

_JWT_BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"


def routes(near: Reach) -> Sequence[BaseRoute]:
    """Serve all of it; the paths are Google's, whatever the host was."""
    account = _Accounts(near)
    project = _Projects(near)
    metadata = _Metadata(near)
    return [
        *(Route(path, account.token, methods=["POST"]) for path in deliveries.TOKEN_PATHS),
        Route("/tokeninfo", account.token_info, methods=["GET", "POST"]),
        Route("/oauth2/v3/tokeninfo", account.token_info, methods=["GET", "POST"]),
        Route("/oauth2/v1/certs", account.certificates),
        Route("/oauth2/v3/certs", account.keys),
        Route("/v1/userinfo", account.user_info),
        Route("/oauth2/v2/userinfo", account.user_info),
        Route("/v1/projects/{project}/serviceAccounts/{email}/allowedLocations", account.locations),
        Route("/v1/projects/{project}/serviceAccounts/{email}:{verb}", account.act, methods=["POST"]),
        Route("/v1/projects", project.listing),
        Route("/v1/projects/{project}", project.describe),
        Route("/v1/apps/{project}", project.app),
        Route("/v1/projects/{project}/services", project.services),
        Route("/v1/projects/{project}/services:batchEnable", project.enable, methods=["POST"]),
        Route("/v1/projects/{project}/services/{service}:enable", project.enable, methods=["POST"]),
        Route("/v1/projects/{project}/services/{service}", project.service),
        Route("/computeMetadata/v1/{path:path}", metadata.answer),
    ]


class _Accounts:
    """Tokens of service accounts, and what tokens say."""

    def __init__(self, near: Reach) -> None:
        self._near = near

    async def token(self, request: Request) -> JSONResponse:
        """Exchange a signed assertion (or a refresh token, which stands for the user) for an access token."""
        form = dict(await _form(request))
        target = ""
        if form.get("grant_type") == _JWT_BEARER:
            claims = self._near.key.read(form.get("assertion", ""))
            if claims is None or claims.get("iss") in {ISSUER, GOOGLE}:  # a token is no request for another one
                raise Unauthenticated("assertion: is not one that a service account has signed with this server's key")
            email, target = str(claims.get("sub") or claims["iss"]), str(claims.get("target_audience", ""))
        elif self._near.needs_token:
            raise Unauthenticated("grant_type: this server gives tokens only to who signs with a key of its own")
        else:
            email = self._near.email(caller.USER)
        answer: dict[str, Any] = {
            "access_token": self._near.key.access_token(email),
            "expires_in": LIFETIME_SECONDS,
            "token_type": "Bearer",
            "scope": "https://www.googleapis.com/auth/cloud-platform",
            "id_token": self._near.key.identity_token(email, target or self._near.address),
        }
        return JSONResponse(answer)

    async def token_info(self, request: Request) -> JSONResponse:
        """Say whose a token is."""
        given = {**request.query_params, **await _form(request)}
        claims = self._near.key.read(given.get("access_token") or given.get("id_token") or "")
        if claims is None:
            raise InvalidArgument.field("access_token", "is no token of this server")
        left = max(0, int(claims["exp"] - time()))
        return JSONResponse({"email": claims["sub"], "email_verified": "true", "expires_in": str(left)})

    async def user_info(self, request: Request) -> JSONResponse:  # noqa: ARG002  (Starlette's signature)
        """Say who asks."""
        email = self._near.email(caller.current().principal)
        return JSONResponse({"email": email, "email_verified": True, "sub": email})

    async def certificates(self, request: Request) -> JSONResponse:  # noqa: ARG002
        """Publish what verifies identity tokens, as certificates."""
        return JSONResponse({self._near.key.id: self._near.key.certificate})

    async def keys(self, request: Request) -> JSONResponse:  # noqa: ARG002
        """Publish what verifies identity tokens, as JSON web keys."""
        return JSONResponse({"keys": [self._near.key.jwk]})

    async def locations(self, request: Request) -> JSONResponse:  # noqa: ARG002
        """No account is bound to a region."""
        return JSONResponse({"locations": [], "encodedLocations": "0x0"})

    async def act(self, request: Request) -> JSONResponse:
        """iamcredentials: make tokens and signatures for a service account."""
        email, verb = request.path_params["email"], request.path_params["verb"]
        body = await own.body(request)
        if verb == "generateAccessToken":
            expires = (SystemClock().now() + timedelta(seconds=LIFETIME_SECONDS)).replace(microsecond=0)
            return JSONResponse({"accessToken": self._near.key.access_token(email), "expireTime": rfc3339(expires)})
        if verb == "generateIdToken":
            return JSONResponse({"token": self._near.key.identity_token(email, str(body.get("audience", "")))})
        if verb == "signBlob":
            signed = self._near.key.sign(_unpacked(body.get("payload")))
            return JSONResponse({"keyId": self._near.key.id, "signedBlob": base64.b64encode(signed).decode()})
        raise NotFound(f"Service accounts have no method {verb!r} here.")


class _Projects:
    """Resource Manager v1 and Service Usage, as far as gcloud asks them: every project exists, every API is on."""

    def __init__(self, near: Reach) -> None:
        self._near = near

    async def listing(self, request: Request) -> JSONResponse:  # noqa: ARG002  (Starlette's signature)
        return JSONResponse({"projects": [_project(self._near.settings.project)]})

    async def describe(self, request: Request) -> JSONResponse:
        return JSONResponse(_project(request.path_params["project"]))

    async def app(self, request: Request) -> JSONResponse:
        """Answer the App Engine application, whose place is where gcloud puts schedules that name none."""
        project = request.path_params["project"]
        place = {"locationId": self._near.settings.region, "servingStatus": "SERVING"}
        return JSONResponse({"name": f"apps/{project}", "id": project, **place})

    async def services(self, request: Request) -> JSONResponse:
        names = ("pubsub", "cloudscheduler", "cloudbuild", "cloudfunctions", "storage", "aiplatform")
        project = request.path_params["project"]
        return JSONResponse({"services": [_service(project, f"{name}.googleapis.com") for name in names]})

    async def service(self, request: Request) -> JSONResponse:
        return JSONResponse(_service(request.path_params["project"], request.path_params["service"]))

    async def enable(self, request: Request) -> JSONResponse:
        service = _service(request.path_params["project"], request.path_params.get("service", ""))
        response = {"@type": "type.googleapis.com/google.api.serviceusage.v1.EnableServiceResponse", "service": service}
        return JSONResponse({"name": "operations/noop.DONE_OPERATION", "done": True, "response": response})


class _Metadata:
    """The metadata server, for code that asks it although it was told that there is none."""

    def __init__(self, near: Reach) -> None:
        self._near = near

    async def answer(self, request: Request) -> Response:
        path = request.path_params["path"].strip("/")
        headers = {"Metadata-Flavor": "Google"}
        email = self._near.email(caller.current().principal)
        texts = {
            "project/project-id": self._near.settings.project,
            "project/numeric-project-id": PROJECT_NUMBER,
            "instance/region": f"projects/{PROJECT_NUMBER}/regions/{self._near.settings.region}",
            "instance/zone": f"projects/{PROJECT_NUMBER}/zones/{self._near.settings.region}-a",
            "instance/service-accounts/default/email": email,
        }
        if path in texts:
            return PlainTextResponse(texts[path], headers=headers)
        if path == "instance/service-accounts/default/token":
            token = self._near.key.access_token(email)
            document = {"access_token": token, "expires_in": LIFETIME_SECONDS, "token_type": "Bearer"}
            return JSONResponse(document, headers=headers)
        raise NotFound(f"The metadata server has no {path!r} here.")


def _unpacked(payload: Any) -> bytes:
    try:
        return base64.b64decode(str(payload or ""), validate=True)
    except ValueError as error:
        raise InvalidArgument.field("payload", "is not base64") from error


async def _form(request: Request) -> dict[str, str]:
    return dict(parse_qsl((await bodies.read(request, bodies.FORM)).decode("utf-8", "replace")))


def _project(project: str) -> dict[str, Any]:
    return {
        "projectId": project,
        "projectNumber": PROJECT_NUMBER,
        "name": project,
        "lifecycleState": "ACTIVE",
        "createTime": "2026-01-01T00:00:00Z",
    }


def _service(project: str, service: str) -> dict[str, Any]:
    return {"name": f"projects/{project}/services/{service}", "state": "ENABLED", "config": {"name": service}}
