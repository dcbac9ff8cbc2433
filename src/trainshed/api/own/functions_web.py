"""Functions by their web addresses: REGION-PROJECT.cloudfunctions.net/NAME and NAME-….a.run.app, and their sources."""

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Host, Route, Router

from trainshed import functions
from trainshed.api import bodies
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument, NotFound

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]
_HOP = {"connection", "transfer-encoding", "content-length", "host", "content-encoding", "keep-alive", "upgrade"}
_UPLOADS = "/trainshed/v1/functions/uploads"


def hosts(service: functions.Service, host: functions.Host) -> list[BaseRoute]:
    """Serve the hosts of functions; asked before every other route, because all paths on them are the users'."""
    web = Web(service, host)
    every = [Route("/{path:path}", web.at_service, methods=METHODS)]
    placed = [
        Route("/{function}", web.at_place, methods=METHODS),
        Route("/{function}/{path:path}", web.at_place, methods=METHODS),
        Route("/{path:path}", web.nothing, methods=METHODS),
    ]
    return [Host("{place}.cloudfunctions.net", Router(placed)), Host("{service}.run.app", Router(every))]


def routes(host: functions.Host) -> list[Route]:
    """Serve the archives of source: those to come, and those of deployed versions."""
    archives = _Archives(host)
    return [
        Route(_UPLOADS, archives.upload, methods=["POST"]),
        Route(f"{_UPLOADS}/{{token}}", archives.upload, methods=["PUT"]),
        Route("/trainshed/v1/functions/downloads/{digest}.zip", archives.download),
    ]


class Web:
    """Passes web requests on to functions."""

    def __init__(self, service: functions.Service, host: functions.Host) -> None:
        self._service = service
        self._host = host

    async def at_place(self, request: Request) -> Response:
        """Answer `https://REGION-PROJECT.cloudfunctions.net/NAME/…`."""
        parts = request.path_params
        name = functions.at_place(parts["place"], parts["function"])
        return await self._answer(request, name, parts.get("path", ""))

    async def at_service(self, request: Request) -> Response:
        """Answer `https://NAME-….a.run.app/…`."""
        name = await off_loop(self._service.at_service, f"{request.path_params['service']}.run.app".lower())
        return await self._answer(request, name, request.path_params["path"])

    async def nothing(self, request: Request) -> Response:
        """Answer an address without a function in it."""
        raise NotFound(
            f"No function is named in {request.url.path!r}; ask for https://{request.url.hostname}/FUNCTION."
        )

    async def _answer(self, request: Request, name: str, path: str) -> Response:
        function = await off_loop(self._find, name, request.url.hostname or "")
        if function.generation == 1 and not function.answers_requests:
            raise NotFound(f"{name.rpartition('/')[2]} is triggered by events and has no address.")
        return await pass_on(self._host, request, function.name, path)

    def _find(self, name: str, host: str) -> functions.Function:
        try:
            return self._service.get(name)
        except (InvalidArgument, NotFound) as error:
            raise NotFound(
                f"No function of that name answers at {host}; `trainshed functions list` shows them."
            ) from error


async def pass_on(host: functions.Host, request: Request, name: str, path: str) -> Response:
    """Hand a web request to a function; answer what it answers."""
    headers = {k: v for k, v in request.headers.items() if k not in _HOP}
    query = f"?{request.url.query}" if request.url.query else ""
    body = await bodies.read(request, functions.LARGEST_REQUEST, what="the request")
    carried = functions.Request(headers, body, method=request.method, path=f"/{path}{query}")
    _, ended = await host.call(name, functions.Call(request=carried))
    if not ended.ok and not ended.answer:
        return Response(ended.error, status_code=500, media_type="text/plain")
    response = Response(ended.answer, status_code=ended.status)
    response.raw_headers = [
        *((k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in ended.headers if k.lower() not in _HOP),
        (b"content-length", str(len(ended.answer)).encode()),
    ]
    return response


class _Archives:
    def __init__(self, host: functions.Host) -> None:
        self._sources = host.sources

    async def upload(self, request: Request) -> Response:
        """Keep an archive of source until it is deployed."""
        archive = await bodies.read(request, functions.LARGEST_ARCHIVE, what="the archive")
        token = await off_loop(self._sources.hold, archive, request.path_params.get("token", ""))
        return JSONResponse({"sourceUploadUrl": token})

    async def download(self, request: Request) -> Response:
        """Answer the source of a version as a zip archive; its digest is what lets somebody have it."""
        archive = await off_loop(self._sources.archive, request.path_params["digest"])
        return Response(archive, media_type="application/zip")
