"""What Google has no REST method for: deploying a local folder with progress, logs, invocations, versions, metrics."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from trainshed import functions
from trainshed.api import jsonpb, own
from trainshed.api.descriptors import to_json
from trainshed.api.own import functions_web
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument

_DIGITS = 6  # of a number of entries
_OURS = ("generation", "stageBucket")  # what the command line says besides Google's document
_BASE = "/trainshed/v1/projects/{project}/locations/{location}/functions/{function}"


def routes(service: functions.Service, host: functions.Host) -> list[Route]:
    """Serve the functions of a server."""
    own_routes = _Routes(service, host)
    return [
        *functions_web.routes(host),
        Route(f"{_BASE}:deploy", own_routes.deploy, methods=["POST"]),
        Route(f"{_BASE}:redeploy", own_routes.redeploy, methods=["POST"]),
        Route(_BASE.rpartition("/")[0], own_routes.listing),
        Route(f"{_BASE}:call", own_routes.call, methods=["POST"]),
        Route(f"{_BASE}:log", own_routes.log),
        Route(f"{_BASE}:metrics", own_routes.metrics),
        Route(f"{_BASE}/invocations", own_routes.invocations),
        Route(f"{_BASE}/versions", own_routes.versions),
        Route(f"{_BASE}:invoke", own_routes.invoke, methods=functions_web.METHODS),
        Route(f"{_BASE}:invoke/{{path:path}}", own_routes.invoke, methods=functions_web.METHODS),
        Route(_BASE, own_routes.describe, methods=["GET"]),  # after those with a verb, which look like a name
        Route(_BASE, own_routes.delete, methods=["DELETE"]),
    ]


class _Routes:
    def __init__(self, service: functions.Service, host: functions.Host) -> None:
        self._service = service
        self._host = host

    async def deploy(self, request: Request) -> StreamingResponse:
        """Deploy, telling of progress: JSON lines, the last one with `function` or `error`."""
        name, document = _name(request), await own.body(request)
        ours = {field: document.pop(field) for field in _OURS if field in document}
        asked = to_json(jsonpb.parse(document, "google.cloud.functions.v1.CloudFunction"))
        configuration = functions.configuration(name, asked | ours)
        url = document.get("sourceUploadUrl", "")
        archive = await off_loop(self._host.sources.held, url) if url else None
        deployment = await self._host.deploy(name, configuration, archive)
        return StreamingResponse(_progress(deployment), media_type="application/x-ndjson")

    async def redeploy(self, request: Request) -> JSONResponse:
        """Deploy a version once more, with its source and configuration, as a new one: also the way back to an old one."""
        name, wanted = _name(request), (await own.body(request)).get("version")
        versions = await off_loop(self._service.versions, name)
        found = next((v for v in versions if v.number == wanted), None)
        if found is None:
            raise InvalidArgument.field("version", f"{wanted!r} is the number of no version of this function")
        archive = await off_loop(self._host.sources.archive, found.source)
        generation = found.configuration.generation
        deployment = await self._host.deploy(name, found.configuration, archive, generation=generation, verb="update")
        return JSONResponse({"operation": deployment.operation})

    async def listing(self, request: Request) -> JSONResponse:
        """Answer the functions of both generations in the form of the first."""
        parts = request.path_params
        found = await off_loop(self._service.list, f"projects/{parts['project']}/locations/{parts['location']}")
        return JSONResponse({"functions": [_document(function) for function in found]})

    async def describe(self, request: Request) -> JSONResponse:
        """Answer a function of either generation in the form of the first."""
        return JSONResponse(_document(await off_loop(self._service.get, _name(request))))

    async def delete(self, request: Request) -> JSONResponse:
        """Remove a function of either generation."""
        return JSONResponse({"operation": await self._host.delete(_name(request))})

    async def call(self, request: Request) -> JSONResponse:
        """Call a function of either generation with data: JSON in a text, or what is no text as it is."""
        given = (await own.body(request)).get("data", "")
        data = functions.read_call(given) if isinstance(given, str) else given
        execution, ended = await self._host.call(_name(request), functions.Call(data=data))
        answer = {"result": ended.answer.decode("utf-8", "replace")} if ended.ok else {"error": ended.error}
        found = await off_loop(self._service.invocation, execution)
        return JSONResponse({"executionId": execution, **answer, "invocation": _invocation(found)})

    async def log(self, request: Request) -> JSONResponse:
        """Answer the newest log entries, oldest first."""
        name, wanted = _name(request), request.query_params
        await off_loop(self._service.get, name)
        if (least := wanted.get("severity", "").upper()) not in {"", *functions.SEVERITIES}:
            raise InvalidArgument.field("severity", f"is none of {', '.join(functions.SEVERITIES)}")
        entries = await off_loop(
            self._host.log_of(name).read,
            limit=_number(wanted.get("limit", "20"), "limit"),
            execution_id=wanted.get("executionId", ""),
            least=least,
            since=wanted.get("since", ""),
        )
        return JSONResponse({"entries": entries})

    async def invocations(self, request: Request) -> JSONResponse:
        """Answer the newest invocations."""
        limit = _number(request.query_params.get("limit", "50"), "limit")
        found = await off_loop(self._service.invocations, _name(request), limit=limit)
        return JSONResponse({"invocations": [_invocation(i) for i in found]})

    async def versions(self, request: Request) -> JSONResponse:
        """Answer the versions with their deployment times."""
        found = await off_loop(self._service.versions, _name(request))
        return JSONResponse({"versions": [_version(v) for v in found]})

    async def metrics(self, request: Request) -> JSONResponse:
        """Answer the figures of the last minutes, of one version or all, in whole steps that hold the present one."""
        wanted, name = request.query_params, _name(request)
        window = timedelta(minutes=_number(wanted.get("minutes", "60"), "minutes"))
        version = _number(wanted["version"], "version") if "version" in wanted else None
        found = await off_loop(self._service.metrics, name, window=window, version=version)
        series = [{**point, "time": rfc3339(point["time"])} for point in found["series"]]
        times = {"since": rfc3339(found["since"]), "until": rfc3339(found["until"])}
        return JSONResponse({**found, **times, "series": series, "instances": self._host.instances(name)})

    async def invoke(self, request: Request) -> Response:
        """Pass a web request on to an HTTP function."""
        name = _name(request)
        function = await off_loop(self._service.get, name)
        if not function.answers_requests:
            raise InvalidArgument.field("name", "this function is triggered by events; use `trainshed functions call`")
        return await functions_web.pass_on(self._host, request, name, request.path_params.get("path", ""))


async def _progress(deployment: functions.Deployment) -> AsyncIterator[str]:
    async for line in deployment.follow():
        yield json.dumps({"line": line}) + "\n"
    if deployment.error is not None:
        error = {
            "status": deployment.error.code,
            "reason": deployment.error.reason,
            "message": deployment.error.message,
        }
        yield json.dumps({"error": error}) + "\n"
    elif deployment.function is not None:
        yield json.dumps({"function": _document(deployment.function)}) + "\n"


def _document(function: functions.Function) -> dict[str, Any]:
    return functions.document(function) | ({} if function.generation == 1 else {"generation": function.generation})


def _name(request: Request) -> str:
    parts = request.path_params
    return f"projects/{parts['project']}/locations/{parts['location']}/functions/{parts['function']}"


def _number(text: str, field: str) -> int:
    if not text.isdecimal() or len(text) > _DIGITS or not 0 < int(text) <= 100_000:  # noqa: PLR2004
        raise InvalidArgument.field(field, f"{text!r} is not a number from 1 to 100000")
    return int(text)


def _invocation(found: functions.Invocation) -> dict[str, Any]:
    return {
        "executionId": found.id,
        "state": found.state,
        "kind": found.kind,
        "version": found.version,
        "startTime": rfc3339(found.start_time),
        "durationMillis": None if found.duration_seconds is None else round(1000 * found.duration_seconds, 3),
        "memoryBytes": found.memory_bytes,
        "instance": found.instance,
        "deliveryAttempt": found.attempt,
        "receipt": found.receipt_id,
        "error": found.error,
    }


def _version(found: functions.Version) -> dict[str, Any]:
    return {
        "version": found.number,
        "deployTime": rfc3339(found.deploy_time),
        "source": found.source,
        "environment": found.environment,
        "runtime": found.configuration.runtime,
        "signature": found.signature,
    }
