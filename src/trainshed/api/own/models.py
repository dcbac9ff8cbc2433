"""Models: what was pushed to serve, what is live, and making an earlier version live again."""

from collections.abc import Callable, Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed import floats, names
from trainshed.api import caller, own
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.registry import Model, Service, Version, address, key_of

_PAGE, _LARGEST_PAGE = 50, 500
_RECENT = 25  # versions that say what pushes


TriggersOf = Callable[[Sequence[str]], Sequence[str]]  # names of runs -> schedules and triggers that started them


def routes(models: Service, triggers_of: TriggersOf = lambda _: ()) -> list[Route]:
    """List and describe models under /trainshed/v1/models; POST …:rollback."""

    async def listing(request: Request) -> JSONResponse:
        after = names.read_place(request.query_params.get("pageToken", ""), "after", "")
        found, more = await off_loop(models.models, after=after, limit=_size(request))
        document: dict[str, Any] = {"models": [_model(model) for model in found]}
        return JSONResponse(document | ({"nextPageToken": names.page_token(after=more)} if more else {}))

    async def describe(request: Request) -> JSONResponse:
        token = request.query_params.get("pageToken", "")
        before = names.read_place(token, "before", 0) if token else None
        found = await off_loop(models.get, _directory(request), before=before, limit=_size(request))
        document = _model(found) | {"versions": [as_json(version) for version in found.versions]}
        more = found.next_before
        return JSONResponse(document | ({"nextPageToken": names.page_token(before=more)} if more else {}))

    async def rollback(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        number, reason = wanted.get("version"), wanted.get("reason") or ""
        if not isinstance(number, str | int) or not str(number):
            raise InvalidArgument.field("version", "is missing: give the version that is to be live again")
        author = caller.current().principal
        made = await off_loop(models.rollback, _directory(request), str(number), author=author, reason=str(reason))
        recent = await off_loop(models.get, made.directory, limit=_RECENT)
        pushing = await off_loop(triggers_of, [version.run for version in recent.versions if version.run])
        return JSONResponse(as_json(made) | {"pushedBy": list(pushing)})

    return [
        Route("/trainshed/v1/models", listing, methods=["GET"]),
        Route("/trainshed/v1/models/{model:path}:rollback", rollback, methods=["POST"]),
        Route("/trainshed/v1/models/{model:path}", describe, methods=["GET"]),
    ]


def as_json(version: Version) -> dict[str, Any]:
    """Write a version."""
    document: dict[str, Any] = {
        "version": version.version,
        "destination": version.destination,
        "kind": version.kind,
        "isLive": version.is_live,
        "isThere": version.is_there,
        "createTime": rfc3339(version.create_time),
        "run": version.run,
        "task": version.task,
        "pushedArtifact": f"artifacts/{version.artifact_id}",
        "modelArtifact": f"artifacts/{version.model_id}" if version.model_id else "",
        "modelUri": version.model_uri,
        "metrics": floats.writable(version.metrics),
        "verdict": version.verdict,
    }
    if version.is_blessed is not None:
        document["isBlessed"] = version.is_blessed
    if version.restores:
        document |= {"restores": version.restores, "author": version.author, "reason": version.reason}
    return document


def _model(model: Model) -> dict[str, Any]:
    newest = model.versions[0] if model.versions else None
    return {
        "model": key_of(model.directory),
        "displayName": model.name,
        "directory": model.directory,
        "liveVersion": model.live,
        "newestVersion": newest.version if newest else "",
        "updateTime": rfc3339(newest.create_time) if newest else "",
    }


def _directory(request: Request) -> str:
    return address(request.path_params["model"])


def _size(request: Request) -> int:
    return own.number(request.query_params.get("pageSize") or str(_PAGE), "pageSize", most=_LARGEST_PAGE)
