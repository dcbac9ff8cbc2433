"""What Google has no name for: a build's log while it is written, docker inside a step, change plans, images."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from trainshed import names
from trainshed.api import own
from trainshed.api.descriptors import to_json
from trainshed.api.jsonpb import parse
from trainshed.api.services.builds_json import trigger_json
from trainshed.builds import Docker, Service, Trigger, Triggers
from trainshed.builds.config import lack
from trainshed.builds.triggers import planning
from trainshed.builds.triggers.planner import Declaration, choose
from trainshed.clock import rfc3339
from trainshed.duty import off_loop
from trainshed.environments import Binding, Environments
from trainshed.errors import InvalidArgument, TrainshedError

_TRIGGER = "google.devtools.cloudbuild.v1.BuildTrigger"
_TRIGGERS = "/trainshed/v1/projects/{project}/locations/{location}/triggers"
_LOOK_SECONDS = 0.05
_CHUNK = 256 * 1024


def routes(builds: Service, docker: Docker) -> list[Route]:
    """Serve logs, docker and the change planner under /trainshed/v1/builds."""

    async def log(request: Request) -> StreamingResponse:
        build_id = request.path_params["build"]
        await off_loop(builds.get, build_id)
        follow = request.query_params.get("follow", "") in {"true", "1"}
        lines = follow_log(builds, build_id, follow=follow)
        return StreamingResponse(lines, media_type="text/plain; charset=utf-8")

    async def in_docker(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        build_id = request.path_params["build"]
        await off_loop(builds.get, build_id)
        arguments = wanted.get("arguments")
        if not isinstance(arguments, list) or not all(isinstance(a, str) for a in arguments):
            raise InvalidArgument.field("arguments", "is not a list of words")
        said: list[str] = []
        folder = Path(str(wanted.get("folder", "")))
        code = await off_loop(docker.run, arguments, cwd=folder, say=said.append, source=f"build {build_id}")
        return JSONResponse({"output": "\n".join(said), "exitCode": code})

    async def plan(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        declaration = Declaration.from_document(wanted.get("changes") or {})
        found = choose([str(f) for f in wanted.get("files") or []], declaration)
        return JSONResponse({"way": found.way, "reason": found.reason, "files": dict(found.files)})

    async def identify(request: Request) -> JSONResponse:
        text = request.path_params["build"]
        meant = names.only(text, await off_loop(builds.that_begin, text))
        return JSONResponse({"build": meant or text})

    return [
        Route("/trainshed/v1/builds/{build}:identify", identify, methods=["GET"]),
        Route("/trainshed/v1/builds:plan", plan, methods=["POST"]),
        Route("/trainshed/v1/builds/{build}:docker", in_docker, methods=["POST"]),
        Route("/trainshed/v1/builds/{build}/log", log),
    ]


async def follow_log(builds: Service, build_id: str, *, follow: bool) -> AsyncIterator[bytes]:
    """Yield the log from its start; with `follow`, until the build has ended and everything is read."""
    path = builds.workspace(build_id).log
    position = 0
    while True:
        ended = not follow or (await off_loop(builds.get, build_id)).is_final
        while chunk := await off_loop(_read, path, position):
            position += len(chunk)
            yield chunk
        if ended:
            return
        await asyncio.sleep(_LOOK_SECONDS)


def _read(path: Path, position: int) -> bytes:
    try:
        with path.open("rb") as file:
            file.seek(position)
            return file.read(_CHUNK)
    except FileNotFoundError:
        return b""


def trigger_routes(triggers: Triggers) -> list[Route]:
    """Make triggers that say which paths are what, and read and change that, beside Google's BuildTrigger."""

    async def create(request: Request) -> JSONResponse:
        document = await own.body(request)
        ours = {planning.CHANGES: document.pop(planning.CHANGES)} if planning.CHANGES in document else {}
        checked = to_json(parse(document, _TRIGGER))
        place = {"project": request.path_params["project"], "region": request.path_params["location"]}
        return JSONResponse(_trigger_json(await off_loop(triggers.create, {**checked, **ours}, **place)))

    async def read(request: Request) -> JSONResponse:
        found = await off_loop(triggers.get, **_place(request))
        document = _trigger_json(found)
        if request.query_params.get("check", "") in {"true", "1"}:
            document["warnings"] = await off_loop(_warnings, triggers, found)
        return JSONResponse(document)

    async def change(request: Request) -> JSONResponse:
        document = await own.body(request)
        if unknown := sorted(set(document) - {planning.CHANGES}):
            raise InvalidArgument.field(unknown[0], f"is not {planning.CHANGES}; the rest is Google's BuildTrigger")
        place = _place(request)
        current = (await off_loop(triggers.get, **place)).document
        return JSONResponse(_trigger_json(await off_loop(triggers.update, wanted={**current, **document}, **place)))

    return [
        Route(_TRIGGERS, create, methods=["POST"]),
        Route(f"{_TRIGGERS}/{{trigger}}", read, methods=["GET"]),
        Route(f"{_TRIGGERS}/{{trigger}}", change, methods=["PATCH"]),
    ]


def _warnings(triggers: Triggers, trigger: Trigger) -> list[str]:
    """Say what would refuse or empty a build of what the repository has now; Google says it at the first push."""
    if trigger.error:
        return []
    try:
        found = triggers.lacking(trigger)
    except TrainshedError as error:
        return [error.message]
    return [f"{path or 'the build'}: {lack(keys)}" for path, keys in found.items()]


def _place(request: Request) -> dict[str, str]:
    given = request.path_params
    return {"name": given["trigger"], "project": given["project"], "region": given["location"]}


def _trigger_json(trigger: Trigger) -> dict[str, Any]:
    changes = trigger.document.get(planning.CHANGES)
    ours = {planning.CHANGES: changes, "error": trigger.error or None}
    return trigger_json(trigger) | {k: v for k, v in ours.items() if v is not None}


def image_routes(environments: Environments) -> list[Route]:
    """Say what an image name means without a container engine, under /trainshed/v1/images."""

    async def listing(_: Request) -> JSONResponse:
        found = await off_loop(environments.bindings)
        return JSONResponse({"images": [_binding_json(b) for b in found]})

    async def bind(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        return JSONResponse(_binding_json(await off_loop(_bind, environments, wanted)))

    async def unbind(request: Request) -> JSONResponse:
        await off_loop(environments.unbind, request.query_params.get("image", ""))
        return JSONResponse({})

    return [
        Route("/trainshed/v1/images", listing),
        Route("/trainshed/v1/images:bind", bind, methods=["POST"]),
        Route("/trainshed/v1/images", unbind, methods=["DELETE"]),
    ]


def _bind(environments: Environments, wanted: dict[str, Any]) -> Binding:
    image = str(wanted.get("image", ""))
    if path := wanted.get("path"):
        digest = environments.adopt(Path(str(path))).digest
    elif not (digest := str(wanted.get("environment", ""))):
        lines = [str(line) for line in wanted.get("requirements") or []]
        digest = environments.ensure(lines, python=str(wanted.get("python", ""))).digest
    return environments.bind(image, digest, source="user")


def _binding_json(binding: Binding) -> dict[str, Any]:
    values = {k: v for k, v in asdict(binding).items() if k not in {"update_time", "pattern"}}
    return {"image": binding.pattern, **values, "updateTime": rfc3339(binding.update_time)}
