"""What a run's page asks for beside itself: the compiled pipeline as a file, and the layout of the graph as data."""

import json
from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from trainshed import runs
from trainshed.dashboard import asked
from trainshed.dashboard.asked import Asked
from trainshed.dashboard.runs.picture import LAYOUT, LAYOUT_WORDS
from trainshed.dashboard.serve import HEADERS
from trainshed.duty import off_loop


def routes(service: runs.Service, section: str) -> list[BaseRoute]:
    """Answer the route; an unknown run is refused as the surface refuses it."""

    async def spec(request: Request) -> Response:
        document = await off_loop(service.spec, request.path_params["name"])
        parts = [document["spec"], *([document["platform"]] if document["platform"] else [])]
        text = "\n---\n".join(json.dumps(part, indent=2, ensure_ascii=False) for part in parts)  # which is YAML as well
        headers = HEADERS | {"content-disposition": 'attachment; filename="pipeline.yaml"'}
        return Response(text + "\n", media_type="application/yaml", headers=headers)

    return [Route(section + "/{name:path}/spec", spec)]


def layouts(layout: Callable[[Asked], bytes], section: str) -> list[BaseRoute]:
    """Answer the route of layouts."""

    async def answer(request: Request) -> Response:
        found = asked.read(
            f"{section}/{request.path_params['name']}", request.path_params, request.url.query, LAYOUT_WORDS
        )
        return Response(await off_loop(layout, found), media_type="application/json", headers=HEADERS)

    return [Route(f"{section}/{{name:path}}/{LAYOUT}", answer)]
