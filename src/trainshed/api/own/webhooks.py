"""Where git hosts post their push events: /trainshed/v1/webhooks/github, …/gitlab, …/bitbucket."""

import asyncio

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed.builds import Hooks, webhooks
from trainshed.errors import DeadlineExceeded, InvalidArgument

_PATIENCE_SECONDS = 30.0


def routes(hooks: Hooks) -> list[Route]:
    """Serve the webhooks."""

    async def receive(request: Request) -> JSONResponse:
        headers = {name.lower(): value for name, value in request.headers.items()}
        taken = await hooks.receive(request.path_params["host"], headers, await _content(request))
        return JSONResponse({"event": taken.event, "triggers": list(taken.triggers)}, status_code=202)

    return [Route("/trainshed/v1/webhooks/{host}", receive, methods=["POST"])]


async def _content(request: Request) -> bytes:
    chunks, size = [], 0
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            async for chunk in request.stream():
                size += len(chunk)
                if size > webhooks.MOST_BYTES:
                    raise InvalidArgument.field("body", f"is larger than {webhooks.MOST_BYTES} bytes")
                chunks.append(chunk)
    except TimeoutError as error:
        raise DeadlineExceeded(f"The webhook did not arrive within {_PATIENCE_SECONDS:g} s.") from error
    return b"".join(chunks)
