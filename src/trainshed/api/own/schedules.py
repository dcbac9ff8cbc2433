"""What Google's Job has no field for: overlap, catch-up, daylight saving, a look ahead; a schedule of runs run by hand."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from trainshed.api import own
from trainshed.clock import parse_rfc3339, rfc3339
from trainshed.duty import off_loop
from trainshed.errors import InvalidArgument
from trainshed.schedules import CatchUp, DaylightSaving, Options, Order, Overlap, Schedule, Service, of_runs

_DIGITS = 9  # of how many are caught up with
_NAME = "/trainshed/v1/projects/{project}/locations/{location}/jobs/{job}"

_OF_RUNS = "/trainshed/v1/projects/{project}/locations/{location}/schedules/{schedule}"


def routes(schedules: Service, run_schedules: of_runs.Service) -> list[Route]:
    """GET and PATCH a schedule's policies; GET its next due times; POST a run of a schedule of runs."""

    async def read(request: Request) -> JSONResponse:
        return JSONResponse(_policies(await off_loop(schedules.get, _name(request))))

    async def change(request: Request) -> JSONResponse:
        document = await own.body(request)
        found = await off_loop(schedules.update, _name(request), lambda current: _changed(current, document))
        return JSONResponse(_policies(found))

    async def preview(request: Request) -> JSONResponse:
        text = request.query_params.get("until", "")
        try:
            until = parse_rfc3339(text) if text else None
        except ValueError:
            raise InvalidArgument.field("until", f"{text!r} is not a time like 2026-03-29T03:00:00Z") from None
        found, times = await off_loop(schedules.preview, _name(request), until=until)
        zone = found.options.cron.zone
        local = [{"time": rfc3339(t), "localTime": t.astimezone(zone).isoformat()} for t in times]
        return JSONResponse({**_policies(found), "firings": local})

    async def run(request: Request) -> JSONResponse:
        name = "projects/{project}/locations/{location}/schedules/{schedule}".format(**request.path_params)
        found = await off_loop(run_schedules.run, name)
        count = found.started_run_count
        return JSONResponse({"name": found.name, "runResponse": found.last_response, "startedRunCount": count})

    return [
        Route(_OF_RUNS + ":run", run, methods=["POST"]),
        Route(_NAME + ":preview", preview, methods=["GET"]),
        Route(_NAME, read, methods=["GET"]),
        Route(_NAME, change, methods=["PATCH"]),
    ]


def _name(request: Request) -> str:
    return "projects/{project}/locations/{location}/jobs/{job}".format(**request.path_params)


def _policies(schedule: Schedule) -> dict[str, Any]:
    options = schedule.options
    catch_up = options.catch_up
    return {
        "name": schedule.name,
        "schedule": options.schedule,
        "timeZone": options.time_zone,
        "overlap": str(options.overlap),
        "catchUp": f"{catch_up.limit},{catch_up.order}" if catch_up.limit else "0",
        "daylightSaving": str(options.daylight_saving),
    }


def _changed(current: Options, document: dict[str, Any]) -> Options:
    known = {"overlap", "catchUp", "daylightSaving"}
    if unknown := sorted(set(document) - known):
        raise InvalidArgument.field(unknown[0], f"is none of {', '.join(sorted(known))}")
    changes: dict[str, Any] = {}
    if (overlap := document.get("overlap")) is not None:
        if overlap not in tuple(Overlap):
            raise InvalidArgument.field("overlap", f"{overlap!r} is none of {', '.join(Overlap)}")
        changes["overlap"] = Overlap(overlap)
    if (catch_up := document.get("catchUp")) is not None:
        changes["catch_up"] = _catch_up(str(catch_up))
    if (policy := document.get("daylightSaving")) is not None:
        changes["daylight_saving"] = DaylightSaving.parse(str(policy))
    return replace(current, **changes)


def _catch_up(text: str) -> CatchUp:
    count, _, order = text.partition(",")
    if not count.strip().isdecimal() or len(count.strip()) > _DIGITS or (order and order.strip() not in tuple(Order)):
        raise InvalidArgument.field("catchUp", f"{text!r}: write a number, or a number and an order as in '5,oldest'")
    return CatchUp(limit=int(count), order=Order(order.strip() or Order.NEWEST))
