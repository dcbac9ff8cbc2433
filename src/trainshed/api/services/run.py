"""Cloud Run and Eventarc as far as gcloud asks them about functions: the service behind one, its policy, event types.

The interfaces have no place in the descriptor set, so the routes are written by hand:
https://cloud.google.com/run/docs/reference/rest and https://cloud.google.com/eventarc/docs/reference/rest.
"""

from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Route

from trainshed import functions, names, policies
from trainshed.api import own
from trainshed.api.descriptors import to_json
from trainshed.api.jsonpb import parse
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import NotFound

_SERVICE = "/v1/projects/{project}/locations/{location}/services/{service}"
_KNATIVE = "/apis/serving.knative.dev/v1/namespaces/{project}/services"
_POLICY = "google.iam.v1.Policy"


def routes(service: functions.Service, rights: policies.Service) -> Sequence[BaseRoute]:
    """Serve the services behind functions of the second generation, and the types of events."""
    services = _Services(service, rights)
    return [
        Route(f"{_SERVICE}:getIamPolicy", services.policy),
        Route(f"{_SERVICE}:setIamPolicy", services.set_policy, methods=["POST"]),
        Route(f"{_SERVICE}:testIamPermissions", services.test, methods=["POST"]),
        Route(_KNATIVE, services.listing),
        Route(f"{_KNATIVE}/{{service}}", services.describe),
        Route("/v1/projects/{project}/locations/{location}/providers", _providers),
    ]


class _Services:
    def __init__(self, service: functions.Service, rights: policies.Service) -> None:
        self._service = service
        self._rights = rights

    async def policy(self, request: Request) -> JSONResponse:
        """Answer who may call a service, as far as somebody said so."""
        name = await off_loop(self._require, request)
        return JSONResponse(await off_loop(self._rights.get, name))

    async def set_policy(self, request: Request) -> JSONResponse:
        """Keep who may call a service; here everybody may."""
        name = await off_loop(self._require, request)
        policy = to_json(parse(own.mapping(await own.body(request), "policy"), _POLICY))
        return JSONResponse(await off_loop(self._rights.set, name, policy))

    async def test(self, request: Request) -> JSONResponse:
        """Answer all permissions asked for."""
        await off_loop(self._require, request)
        return JSONResponse({"permissions": (await own.body(request)).get("permissions") or []})

    async def listing(self, request: Request) -> JSONResponse:
        """Answer the services of a project."""
        found = await off_loop(self._of_project, request.path_params["project"])
        items = [_knative(function) for function in found]
        return JSONResponse({"apiVersion": "serving.knative.dev/v1", "kind": "ServiceList", "items": items})

    async def describe(self, request: Request) -> JSONResponse:
        """Answer one service."""
        project, wanted = request.path_params["project"], request.path_params["service"]
        for function in await off_loop(self._of_project, project):
            if functions.service_of(function.name) == wanted:
                return JSONResponse(_knative(function))
        raise NotFound(f"There is no service {wanted!r}; services come with functions of the second generation.")

    def _of_project(self, project: str) -> list[functions.Function]:
        return [f for f in self._service.list(f"projects/{project}/locations/-") if f.generation > 1]

    def _require(self, request: Request) -> str:
        parts = request.path_params
        parent = f"projects/{parts['project']}/locations/{parts['location']}"
        name = f"{parent}/services/{parts['service']}"
        if not any(functions.service_name(f.name) == name for f in self._service.list(parent) if f.generation > 1):
            raise NotFound(f"There is no service {name!r}; services come with functions of the second generation.")
        return name


def _knative(function: functions.Function) -> dict[str, Any]:
    document = functions.second_document(function)
    config, service = document["serviceConfig"], functions.service_of(function.name)
    project, location = function.name.split("/")[1::2][:2]
    ready = {"type": "Ready", "status": "True" if document["state"] == "ACTIVE" else "False"}
    revision = config.get("revision", "")
    return {
        "apiVersion": "serving.knative.dev/v1",
        "kind": "Service",
        "metadata": {
            "name": service,
            "namespace": names.PROJECT_NUMBER,
            "generation": function.version.number if function.version else 0,
            "creationTimestamp": rfc3339(function.create_time),
            "labels": {"goog-managed-by": "cloudfunctions", "cloud.googleapis.com/location": location},
            "annotations": {"cloudfunctions.googleapis.com/function-id": names.short(function.name)},
            "selfLink": f"/apis/serving.knative.dev/v1/namespaces/{project}/services/{service}",
        },
        "spec": {
            "template": {
                "metadata": {"name": revision},
                "spec": {"serviceAccountName": config["serviceAccountEmail"], "containers": [{}]},
            },
            "traffic": [{"percent": 100, "latestRevision": True}],
        },
        "status": {
            "conditions": [ready],
            "latestReadyRevisionName": revision,
            "traffic": [{"percent": 100, "revisionName": revision, "latestRevision": True}],
            "url": config["uri"],
            "address": {"url": config["uri"]},
        },
    }


async def _providers(request: Request) -> JSONResponse:
    """Answer the types of events that functions of the second generation are told of."""
    parent = f"projects/{request.path_params['project']}/locations/{request.path_params['location']}"
    found = [
        {"name": f"{parent}/providers/{name}", **provider, "eventTypes": [*provider["eventTypes"]]}
        for name, provider in functions.event_providers().items()
    ]
    return JSONResponse({"providers": found})
