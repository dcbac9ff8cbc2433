"""Accounts: why a run, a build, a receipt, a schedule is as it is."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed import explain
from trainshed.duty import off_loop


def routes(service: explain.Service) -> list[Route]:
    """GET /trainshed/v1/explain/NAME: a resource name, or the short id of a run, a receipt or a build."""

    async def read(request: Request) -> JSONResponse:
        account = await off_loop(service.explain, request.path_params["name"])
        return JSONResponse(explain.as_json(account))

    return [Route("/trainshed/v1/explain/{name:path}", read, methods=["GET"])]
