"""Where git hosts post their push events: /trainshed/v1/webhooks/github, …/gitlab, …/bitbucket."""

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed.api import bodies
from trainshed.builds import Hooks
from trainshed.builds.triggers import webhooks

_PATIENCE_SECONDS = 30.0


def routes(hooks: Hooks) -> list[Route]:
    """Serve the webhooks."""

    async def receive(request: Request) -> JSONResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        content = await bodies.read(request, webhooks.MOST_BYTES, what="the event", seconds=_PATIENCE_SECONDS)
        taken = await hooks.receive(request.path_params["host"], headers, content)
        return JSONResponse({"event": taken.event, "triggers": list(taken.triggers)}, status_code=202)

    return [Route("/trainshed/v1/webhooks/{host}", receive, methods=["POST"])]
