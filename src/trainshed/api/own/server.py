"""The server itself: is it there, what time is it, how do Google's clients reach it."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed import __version__
from trainshed.api import own
from trainshed.api.caller import USER
from trainshed.clock import Clock, VirtualClock, parse_rfc3339, rfc3339
from trainshed.duty import off_loop
from trainshed.errors import FailedPrecondition, InvalidArgument


def routes(clock: Clock, environment: Callable[[str], Mapping[str, str]]) -> list[Route]:
    """Serve health, the clock, and the environment that brings Google's clients here."""

    async def health(request: Request) -> JSONResponse:  # noqa: ARG001  (Starlette's signature)
        return JSONResponse({"version": __version__, "time": rfc3339(clock.now())})

    async def advance(request: Request) -> JSONResponse:
        wanted = await own.body(request)
        return JSONResponse({"time": rfc3339(_advance(clock, wanted).now())})

    async def variables(request: Request) -> JSONResponse:
        principal = request.query_params.get("principal", USER)
        return JSONResponse(dict(await off_loop(environment, principal)))

    return [
        Route("/trainshed/v1/health", health),
        Route("/trainshed/v1/clock:advance", advance, methods=["POST"]),
        Route("/trainshed/v1/environment", variables),
    ]


def _advance(clock: Clock, wanted: Mapping[str, Any]) -> VirtualClock:
    if not isinstance(clock, VirtualClock):
        raise FailedPrecondition("This server runs on the machine's clock; start it with --clock virtual to move time.")
    try:
        if "to" in wanted:
            clock.advance_to(parse_rfc3339(str(wanted["to"])))
        else:
            clock.advance(float(wanted["seconds"]))
    except KeyError as error:
        raise InvalidArgument.field("seconds", "is missing; send seconds to move by, or a time `to` move to") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise InvalidArgument.field("to" if "to" in wanted else "seconds", str(error)) from error
    return clock
